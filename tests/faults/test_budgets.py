"""What a small file may claim: memory under a limit of the system, time, and regular files only."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from srnet_cli.errors import InputError, SrnetError, UsageError, WeightsError
from srnet_cli.evaluation.resources import measured
from srnet_cli.imaging import read_picture
from srnet_cli.models.card import MAX_TILE, read_card
from srnet_cli.models.store import load_model
from srnet_cli.reading import open_input
from tests.faults.hostile import (
    bytearray_of,
    exif_of_shared_blocks,
    jpeg_of_scans,
    png_of_rows,
    png_with_exif,
    storage_of,
    tiff_of_shared_tables,
    tiff_that_claims,
)
from tests.faults.program import PATIENCE, ROOT, Program, environment, promptly

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded by means of Linux")
#: addresses that all inputs together may take, one after the other; a third are the libraries' own
LIMIT = 2 << 30


def _archive(compression: int, behind: bytes = b"") -> Callable[[Path], None]:
    def make(path: Path) -> None:
        import io

        import torch

        stored = io.BytesIO()
        torch.save({"a": torch.zeros(1 << 20)}, stored)
        with zipfile.ZipFile(stored) as given, zipfile.ZipFile(path, "w", compression) as packed:
            for entry in given.infolist():
                packed.writestr(entry.filename, given.read(entry))
        path.write_bytes(path.read_bytes() + behind)

    return make


def _card(text: str) -> Callable[[Path], None]:
    return lambda path: path.write_text(text) and None


PICTURES: dict[str, Callable[[], bytes]] = {
    "shared-exif.png": lambda: png_with_exif(exif_of_shared_blocks(2000, 1 << 20)),
    "shared-tables.tif": lambda: tiff_of_shared_tables(60, 1 << 23),
    "shared-table.tif": lambda: tiff_of_shared_tables(1, 1 << 23),
    "samples.tif": lambda: tiff_that_claims(16, 32),
    "wide-samples.tif": lambda: tiff_that_claims(4, 64),
}
MODELS: dict[str, Callable[[Path], None]] = {
    "bytearray.pt": lambda path: path.write_bytes(bytearray_of(2_000_000_000)) and None,
    "storage.pth": lambda path: path.write_bytes(storage_of(500_000_000)) and None,
    "packed.pt": _archive(zipfile.ZIP_DEFLATED),
    "packed-and-hidden.pt": _archive(zipfile.ZIP_DEFLATED, bytes(66_000)),
    "header.safetensors": lambda path: path.write_bytes((1 << 40).to_bytes(8, "little") + b"{}") and None,
    "long-header.safetensors": lambda path: (
        path.write_bytes((30_000_000).to_bytes(8, "little") + b'{"a":[' + b"[]," * 10_000_000) and None
    ),
}
CARDS: dict[str, Callable[[Path], None]] = {
    "dotted": _card("a" + ".a" * 40_000 + " = 1\n"),
    "nested": _card("a = " + "[" * 40_000 + "]" * 40_000 + "\n"),
    "long": _card("# " + "x" * 100_000 + "\n"),
}
SCRIPT = """
import resource, sys
from pathlib import Path
from srnet_cli.errors import SrnetError
from srnet_cli.imaging import read_picture
from srnet_cli.models.card import read_card
from srnet_cli.models.store import load_model
readers = {".toml": read_card, ".pt": load_model, ".pth": load_model, ".safetensors": load_model}
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2)
for path in map(Path, sys.argv[2:]):
    try:
        readers.get(path.suffix, read_picture)(path)
        print(path.name, "read")
    except SrnetError as error:
        assert "memory" not in error.reason, error
        print(path.name, "refused")
"""


@pytest.fixture(scope="module")
def bombs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bombs")
    for name, content in PICTURES.items():
        (folder / name).write_bytes(content())
    for name, make in MODELS.items():
        make(folder / name)
    for name, make in CARDS.items():
        make(folder / f"{name}.toml")
    return folder


def test_bombs_are_read_or_refused_within_a_limit_of_memory(bombs: Path) -> None:
    files = sorted(bombs.iterdir())
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(LIMIT), *map(str, files)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,  # type: ignore[arg-type]
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    lines = dict(line.split() for line in ended.stdout.splitlines())
    assert lines.pop("shared-exif.png") == "read"  # the pixels are fine, and what is damaged is left out
    assert set(lines) == {file.name for file in files} - {"shared-exif.png"}
    assert set(lines.values()) == {"refused"}, lines


def test_the_same_limit_is_enough_for_what_is_whole(tmp_path: Path, model: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_of_rows(96))
    files = [tmp_path / "a.png", model / "card.toml", model / "weights.safetensors"]
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(LIMIT), *map(str, files)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,  # type: ignore[arg-type]
    )
    assert ended.stdout.count("read") == 3, ended.stderr


def test_many_scans_of_a_large_jpeg_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    """Each costs a pass over all pixels; those that encoders make are not so many."""
    (tmp_path / "usual.jpg").write_bytes(jpeg_of_scans(3000, 0))
    assert read_picture(tmp_path / "usual.jpg").width == 3000
    for name, side, scans in (("large.jpg", 6000, 200), ("many.jpg", 64, 5000)):
        (tmp_path / name).write_bytes(jpeg_of_scans(side, scans))
        with promptly(), pytest.raises(InputError, match="scans, more than the"):
            read_picture(tmp_path / name)


@pytest.mark.parametrize(
    ("field", "value"), [("n_feats", 300_000_000), ("n_feats", 10**30), ("n_resblocks", 5000)]
)
def test_a_card_claims_no_more_than_networks_have(
    tmp_path: Path, model: Path, field: str, value: int
) -> None:
    shutil.copytree(model, tmp_path / "m")
    card = tmp_path / "m" / "card.toml"
    lines = [
        f"{field} = {value}" if line.startswith(field) else line for line in card.read_text().splitlines()
    ]
    card.write_text("\n".join(lines))
    refused = pytest.raises(WeightsError, match=f"{field} {value}.* but the weights are")
    with measured(torch.device("cpu")) as cost, refused:
        load_model(tmp_path / "m")
    if cost.memory is None:
        pytest.skip("the system does not tell the memory of a process")
    assert cost.memory < 200e6


def test_a_tile_that_would_take_gigabytes_is_refused(tmp_path: Path, model: Path) -> None:
    text = (model / "card.toml").read_text()
    for tile, fine in ((MAX_TILE, True), (MAX_TILE + 1, False), (4096, False)):
        (tmp_path / "card.toml").write_text(text.replace("tile = 32", f"tile = {tile}"))
        if fine:
            assert read_card(tmp_path).tile == tile
            continue
        with pytest.raises(WeightsError, match=f"tile {tile} is not within"):
            read_card(tmp_path)


@pytest.mark.parametrize("name", ["pipe.png", "pipe.dng", "pipe.tif", "pipe.jpg", "pipe.pt", "pipe.toml"])
def test_pipes_are_refused_and_not_waited_for(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    reader = {".pt": load_model, ".toml": read_card}.get(Path(name).suffix, read_picture)
    with pytest.raises(SrnetError, match="is a pipe, not a file"):
        reader(tmp_path / name)


def test_devices_folders_and_links_to_them_are_refused(tmp_path: Path) -> None:
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    (tmp_path / "folder.png").mkdir()
    for name, reason in (("zero.png", "is a device"), ("folder.png", "is a folder"), ("none.png", "no such")):
        with pytest.raises(InputError, match=reason):
            read_picture(tmp_path / name)
    with pytest.raises(UsageError, match="is a device"):
        open_input(Path("/dev/null"), UsageError)


def test_a_file_longer_than_it_may_be_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "sparse.png"
    with path.open("wb") as file:
        file.write(png_of_rows(96))
        file.truncate(1 << 40)
    with pytest.raises(InputError, match="more than the limit"):
        read_picture(path)


def test_a_batch_goes_on_past_all_of_them(srnet: Program, model: Path, bombs: Path, tmp_path: Path) -> None:
    inputs = tmp_path / "in"
    inputs.mkdir()
    for name in PICTURES:
        (inputs / name).symlink_to(bombs / name)
    os.mkfifo(inputs / "pipe.png")
    (inputs / "z.png").write_bytes(png_of_rows(96))
    named = [inputs / name for name in (*PICTURES, "pipe.png", "z.png")]
    ended = srnet("zoom", *named, "-s", "2", "--model", model, "-o", tmp_path / "out")
    assert ended.code == 1
    assert len(ended.errors) == len(PICTURES)  # the one with shared EXIF is read, the pipe is not
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"shared-exif_x2.png", "z_x2.png"}
