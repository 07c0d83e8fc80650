"""Pictures in the pieces of a TIFF: they have the size and the bits that it states."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from tests.faults.hostile import retagged
from tests.faults.pictures import encoded_tiff, scene

HEIGHT, WIDTH = 120, 160
_WIDTH, _HEIGHT, _BITS = 256, 257, 258
_KINDS = ["png", "webp", "jpeg2000", "jpegxl"]


@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize("rows", [HEIGHT, 32])
def test_a_strip_that_is_a_picture_of_another_size_is_refused(tmp_path: Path, kind: str, rows: int) -> None:
    path = tmp_path / "a.tif"
    whole = encoded_tiff(scene(HEIGHT, WIDTH), photometric="rgb", compression=kind, rowsperstrip=rows)
    path.write_bytes(whole)
    assert read_picture(path).pixels.shape[:2] == (HEIGHT, WIDTH)
    changes = [(_WIDTH, WIDTH - 32), (_WIDTH, WIDTH - 1), (_WIDTH, WIDTH + 1), (_HEIGHT, HEIGHT - 4)]
    for tag, value in [*changes, (_HEIGHT, HEIGHT // 2)]:
        path.write_bytes(retagged(whole, tag, 4, 1, value))
        with pytest.raises(InputError):
            read_picture(path)


@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize("options", [{"rowsperstrip": HEIGHT}, {"rowsperstrip": 32}, {"tile": (64, 64)}])
def test_pieces_of_other_bits_than_stated_are_refused(
    tmp_path: Path, kind: str, options: dict[str, Any]
) -> None:
    path = tmp_path / "a.tif"
    grey = scene(HEIGHT, WIDTH)[..., 0] if kind != "webp" else scene(HEIGHT, WIDTH)
    photometric = "rgb" if kind == "webp" else "minisblack"
    whole = encoded_tiff(grey, photometric=photometric, compression=kind, **options)
    path.write_bytes(whole)
    assert read_picture(path).pixels.shape[:2] == (HEIGHT, WIDTH)
    for bits in (12, 16, 32):
        path.write_bytes(retagged(whole, _BITS, 3, 1, bits))
        with pytest.raises(InputError):
            read_picture(path)


@pytest.mark.parametrize("kind", _KINDS)
def test_tiles_at_the_edges_are_as_large_as_the_others(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(encoded_tiff(scene(100, 90), photometric="rgb", compression=kind, tile=(64, 64)))
    assert read_picture(path).pixels.shape[:2] == (100, 90)
