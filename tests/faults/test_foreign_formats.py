"""Files that begin as one format and are another: read by the decoder of the first alone, or refused."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture, read_size
from tests.faults.pictures import encoded, scene
from tests.faults.program import ROOT, Program

#: what the first bytes of a file have to be for each of our formats, behind four that may be anything
HEADS = (b"ftypavif", b"ftypheic", b"JXL \r\n\x87\n", b"jP  \r\n\x87\n")
POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\n(x) = showpage\n%%EOF\n"


@pytest.fixture
def ghostscript(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program of the name that Pillow looks for; the path is there once it was started."""
    folder, mark = tmp_path / "bin", tmp_path / "started"
    folder.mkdir()
    for name in ("gs", "gswin64c"):
        program = folder / name
        program.write_text(f"#!/bin/sh\ntouch '{mark}'\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return mark


@pytest.mark.parametrize("suffix", [".jpg", ".avif", ".png", ".eps", ".heic"])
@pytest.mark.parametrize("head", [b"", *(b"%!PS" + head + b"\n" for head in HEADS)])
def test_postscript_is_not_executed(
    srnet: Program, model: Path, tmp_path: Path, ghostscript: Path, head: bytes, suffix: str
) -> None:
    path = tmp_path / f"picture{suffix}"
    path.write_bytes(head + POSTSCRIPT)
    for command in (("info", path), ("zoom", path, "--scale", "2", "--model", model)):
        assert srnet(*command).code != 0
    assert not ghostscript.exists()


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("foreign", [b"P6\n#", b"P5\n#", b"BM\0\0", b"\n\x05\x01\x08", b"GIF8", b"qoif"])
def test_other_formats_do_not_come_in_by_a_mark_behind_their_own(
    tmp_path: Path, head: bytes, foreign: bytes
) -> None:
    path = tmp_path / "picture.avif"
    path.write_bytes(foreign + head + b"\n64 64\n255\n" + bytes(64 * 64 * 3))
    for read in (read_picture, read_size):
        with pytest.raises(InputError):
            read(path)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "WEBP", "TIFF"])
def test_a_jpeg_in_name_is_read_as_what_it_is(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "picture.jpg"
    path.write_bytes(encoded(kind, scene(32, 48)))
    assert read_picture(path).pixels.shape[:2] == read_size(path) == (32, 48)


def test_pillow_is_asked_for_named_formats_only() -> None:
    """Its open without them tries all of its decoders; one function of ours demands them."""
    places = [
        str(file.relative_to(ROOT))
        for file in sorted((ROOT / "srnet_cli").rglob("*.py"))
        for _ in re.finditer(r"\bImage\.open\(", file.read_text(encoding="utf-8"))
    ]
    assert places == ["srnet_cli/imaging/codecs/layout.py"]
