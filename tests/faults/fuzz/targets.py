"""Kinds of files that are mutated, and what the program does with each.

Every target takes the path of a file and may do two things: work, with a result that makes sense, or raise
one of the program's own errors. Anything else is a finding.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from srnet_cli.errors import SrnetError
from tests.faults.fuzz.mutations import with_right_checksums
from tests.faults.pictures import encoded, encoded_arw, encoded_dng, encoded_png16, encoded_tiff, scene

#: mutated headers may claim sizes up to this; it bounds the memory that a target may take
MOST_PIXELS = 4_000_000


@dataclass(frozen=True)
class Kind:
    """A kind of file: valid examples, and what is done with what becomes of them."""

    suffix: str
    seeds: Callable[[], list[bytes]]
    target: Callable[[Path], None]
    #: makes checksums right again after a mutation
    repair: Callable[[bytes], bytes] | None = None


def read_and_write(path: Path) -> None:
    """Read a picture; what could be read must be whole, and can be written and read again."""
    from srnet_cli.imaging import read_focal_length, read_picture, write_picture

    focal_error = None
    try:
        focal = read_focal_length(path)
        assert focal is None or 0 < focal < float("inf")
    except SrnetError as error:
        focal_error = error
    picture = read_picture(path, max_pixels=MOST_PIXELS)
    assert focal_error is None, focal_error
    assert picture.pixels.dtype in (np.uint8, np.uint16)
    assert picture.pixels.shape == (picture.height, picture.width, 3)
    assert picture.height * picture.width <= MOST_PIXELS
    assert picture.pixels.flags.c_contiguous
    assert picture.alpha is None or picture.alpha.shape == picture.pixels.shape[:2]
    if picture.height * picture.width > 100_000:
        return
    for suffix in (".png", ".tif", ".jpg"):
        target = path.with_name(f"written{suffix}")
        write_picture(picture, target, overwrite=True)
        again = read_picture(target)
        assert (again.height, again.width) == (picture.height, picture.width)


def load(path: Path) -> None:
    """Load weights; what loads is a network with finite values."""
    import torch

    from srnet_cli.models.store import load_model

    loaded = load_model(path)
    assert all(torch.isfinite(t).all() for t in loaded.network.state_dict().values() if t.is_floating_point())


def load_with_card(path: Path) -> None:
    """The mutated file is the card of whole weights."""
    folder = path.parent / "model"
    if not folder.exists():
        _save_model(folder)
    (folder / "card.toml").write_bytes(path.read_bytes())
    load(folder)


def read_transforms(path: Path) -> None:
    from srnet_cli.data.sr_raw.transforms import format_transforms, parse_transforms, read_transforms

    found = read_transforms(path)
    assert found.maps
    assert all(np.isfinite(affine).all() for affine in found.maps.values())
    assert parse_transforms(format_transforms(found)).maps.keys() == found.maps.keys()


def _pngs() -> list[bytes]:
    small = scene(12, 10)
    exif = Image.Exif()
    exif[274], exif[271] = 6, "camera"
    return [
        encoded("PNG", small, exif=exif, icc_profile=_profile()),
        encoded("PNG", Image.fromarray(small).convert("P")),
        encoded("PNG", np.dstack([small, small[..., 0]])),
        encoded_png16(scene(12, 10, "uint16")),
    ]


def _jpegs() -> list[bytes]:
    small = scene(24, 20)
    exif = Image.Exif()
    exif[274] = 8
    exif.get_ifd(0x8769)[37386] = 35.0
    return [
        encoded("JPEG", small, quality=90, exif=exif, icc_profile=_profile()),
        encoded("JPEG", small, quality=80, progressive=True),
        encoded("JPEG", Image.fromarray(small).convert("CMYK")),
        encoded("JPEG", Image.fromarray(small).convert("L")),
    ]


def _tiffs() -> list[bytes]:
    small, deep = scene(12, 10), scene(12, 10, "uint16")
    return [
        encoded("TIFF", small),
        encoded("TIFF", small, compression="tiff_lzw"),
        encoded_tiff(deep, photometric="rgb", rowsperstrip=5),
        encoded_tiff(deep, photometric="rgb", compression="adobe_deflate", tile=(16, 16)),
        encoded_tiff(small.astype(np.float32) / 255, photometric="rgb"),
        encoded("TIFF", np.dstack([small, small[..., 0]])),
    ]


def _webps() -> list[bytes]:
    small = scene(12, 10)
    return [encoded("WEBP", small), encoded("WEBP", np.dstack([small, small[..., 0]]), lossless=True)]


def _save_model(folder: Path) -> None:
    from srnet_cli.models.store import save_model
    from tests.faults.models import tiny

    network, card = tiny(2)
    save_model(folder, network, card)


def _model_file(name: str) -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        _save_model(Path(folder))
        return [Path(folder, name).read_bytes()]


def _pickles() -> list[bytes]:
    import io

    import torch

    from tests.faults.models import tiny

    file = io.BytesIO()
    torch.save(tiny(2)[0].state_dict(), file)
    return [file.getvalue()]


def _transforms() -> list[bytes]:
    text = "".join(
        f"00001-{k:05d}:\n1.0012 -0.0031 {2.5 * k:.4f}\n0.0031 1.0012 -3.2500\n" for k in range(1, 5)
    )
    return [f"{text}corner:\n00010 00300 00012 00400\n".encode()]


def _profile() -> bytes:
    from srnet_cli.imaging.colour import srgb_profile

    return srgb_profile()


KINDS: Mapping[str, Kind] = {
    "png": Kind(".png", _pngs, read_and_write, with_right_checksums),
    "jpeg": Kind(".jpg", _jpegs, read_and_write),
    "tiff": Kind(".tif", _tiffs, read_and_write),
    "dng": Kind(".dng", lambda: [encoded_dng(height=32, width=40)], read_and_write),
    "arw": Kind(".arw", lambda: [encoded_arw(height=32, width=40)], read_and_write),
    "webp": Kind(".webp", _webps, read_and_write),
    "safetensors": Kind(".safetensors", lambda: _model_file("weights.safetensors"), load),
    "pickle": Kind(".pt", _pickles, load),
    "card": Kind(".toml", lambda: _model_file("card.toml"), load_with_card),
    "tform": Kind(".txt", _transforms, read_transforms),
}
