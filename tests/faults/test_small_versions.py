"""A file of which only the small version is left to be read, as the directory of the picture is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.ifd import SUB_DIRECTORIES, Directory, Entry, ascii_entry, entry
from tests.faults.dngs import short
from tests.faults.pictures import scene

HEIGHT, WIDTH, TIMES = 120, 160, 4
SECTOR, DIRECTORY, PIXELS = 512, 1024, 2048


def _tags(height: int, width: int, at: int, is_small: bool) -> dict[int, Entry]:
    return {
        254: entry(ifd.LONG, int(is_small)),
        256: short(width),
        257: short(height),
        258: short(8, 8, 8),
        259: short(1),
        262: short(2),
        273: entry(ifd.LONG, at),
        277: short(3),
        278: short(height),
        279: entry(ifd.LONG, height * width * 3),
        284: short(1),
    }


def _scan(*, with_picture: bool = True) -> bytes:
    """What a film scanner writes: a small version, and below it the picture, in a sector of its own."""
    small = scene(HEIGHT // TIMES, WIDTH // TIMES).astype(np.uint8).tobytes()
    tags = _tags(HEIGHT // TIMES, WIDTH // TIMES, PIXELS, True)
    top = {**tags, 271: ascii_entry("Nikon"), 272: ascii_entry("COOLSCAN")}
    if not with_picture:
        return ifd.pack_file(Directory(top)).ljust(PIXELS, b"\0") + small
    below = _tags(HEIGHT, WIDTH, PIXELS + len(small), False)
    head = ifd.pack_file(Directory({**top, SUB_DIRECTORIES: entry(ifd.LONG, DIRECTORY)}))
    directory = ifd.pack(Directory(below), DIRECTORY).ljust(PIXELS - DIRECTORY, b"\0")
    return head.ljust(DIRECTORY, b"\0") + directory + small + scene(HEIGHT, WIDTH).astype(np.uint8).tobytes()


def _without_width(data: bytes) -> bytes:
    return data[: DIRECTORY + 14] + bytes(12) + data[DIRECTORY + 26 :]


#: what happens to the directory of the picture
LOSSES: dict[str, Callable[[bytes], bytes]] = {
    "zeros": lambda data: data[:DIRECTORY] + bytes(SECTOR) + data[DIRECTORY + SECTOR :],
    "ones": lambda data: data[:DIRECTORY] + b"\xff" * SECTOR + data[DIRECTORY + SECTOR :],
    "twice": lambda data: data[:SECTOR] + data,
    "missing": lambda data: data[:SECTOR] + data[2 * SECTOR :],
    "line feeds": lambda data: data[:SECTOR] + b"\r" + data[SECTOR:],
    "its width": _without_width,
}


@pytest.mark.parametrize("suffix", [".nef", ".tif"])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_lost_directory_of_the_picture_is_noticed(tmp_path: Path, loss: str, suffix: str) -> None:
    path, whole = tmp_path / f"a{suffix}", _scan()
    path.write_bytes(LOSSES[loss](whole))
    with pytest.raises(InputError, match="only a small version of its picture"):
        read_picture(path)


def test_a_whole_scan_is_read_in_its_size(tmp_path: Path) -> None:
    path = tmp_path / "a.nef"
    path.write_bytes(_scan())
    assert read_picture(path).pixels.shape == (HEIGHT, WIDTH, 3)


def test_a_small_version_without_another_is_none_of_a_raw_file(tmp_path: Path) -> None:
    """The entry that leads to the picture may be lost as well; a TIFF says so, and has its pixels."""
    path = tmp_path / "a.nef"
    path.write_bytes(_scan(with_picture=False))
    with pytest.raises(InputError, match="only a small version of its picture"):
        read_picture(path)
    path = path.rename(tmp_path / "a.tif")
    assert any("small version of another" in note for note in read_picture(path).metadata.notes)


@pytest.mark.parametrize("fill", [b"\0", b"\xff", b"\x55"])
def test_a_lost_page_behind_the_small_version_is_noticed(tmp_path: Path, fill: bytes) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(scene(HEIGHT // TIMES, WIDTH // TIMES).astype(np.uint8), subfiletype=1, metadata=None)
        tiff.write(scene(HEIGHT, WIDTH).astype(np.uint8), metadata=None)
    assert read_picture(path).pixels.shape == (HEIGHT, WIDTH, 3)
    with tifffile.TiffFile(path) as found:
        start = found.pages[1].offset
    data = path.read_bytes()
    path.write_bytes(data[:start] + fill * SECTOR + data[start + SECTOR :])
    with pytest.raises(InputError, match="only a small version"):
        read_picture(path)
