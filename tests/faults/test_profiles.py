"""Holes in colour profiles: sectors of zeros or ones among curves and tables, wherever they lie in a file."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from srnet_cli.imaging.colour.profiles import profile_space
from tests.faults.pictures import encoded, scene

_STEPS, _GRID = 4096, 9


def _packed(space: bytes, target: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A profile of version 2, built to its description, with the header of a whole one."""
    whole = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += struct.pack(">4sII", name, 132 + 12 * len(tags) + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size = 128 + len(table) + len(body)
    kind = b"prtr" if space == b"CMYK" else b"mntr"
    head = struct.pack(">I", size) + whole[4:8] + b"\2\x10\0\0" + kind + space + target + whole[24:84]
    return head + bytes(44) + table + body


def _curve(values: np.ndarray) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">I", values.size) + values.astype(">u2").tobytes()


def _of_curves(extended: bool = False) -> bytes:
    """An RGB profile whose curves are tables; ``extended`` ones are black and white for long."""
    x = np.linspace(-0.6, 1.2, _STEPS) if extended else np.linspace(0, 1, _STEPS)
    curve = _curve(np.rint(np.clip(x, 0, 1) ** 2.2 * 65_535))
    points = {b"rXYZ": (0.436, 0.222, 0.014), b"gXYZ": (0.385, 0.717, 0.097), b"bXYZ": (0.143, 0.061, 0.714)}
    points |= {b"wtpt": (0.9642, 1.0, 0.8249)}
    tags = {
        name: b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65_536) for value in values))
        for name, values in points.items()
    }
    text = b"desc" + bytes(4) + struct.pack(">I", 2) + b"x\0" + bytes(78)
    return _packed(
        b"RGB ", b"XYZ ", {b"desc": text, **tags, **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)}
    )


def _of_inks() -> bytes:
    """A CMYK profile with a table of Lab."""
    inks = np.stack(np.meshgrid(*[np.linspace(0, 1, _GRID)] * 4, indexing="ij"), axis=-1)
    rgb = (1 - inks[..., :3]) * (1 - inks[..., 3:])
    lab = np.stack(
        [rgb.mean(-1), (rgb[..., 0] - rgb[..., 1]) * 0.3 + 0.5, (rgb[..., 1] - rgb[..., 2]) * 0.3 + 0.5], -1
    )
    line = np.linspace(0, 65_535, 256)
    table = b"mft2" + bytes(4) + bytes([4, 3, _GRID, 0])
    table += struct.pack(">9i", 65_536, 0, 0, 0, 65_536, 0, 0, 0, 65_536) + struct.pack(">HH", 256, 256)
    for values in (*[line] * 4, lab * 65_280, *[line] * 3):
        table += np.rint(values).astype(">u2").tobytes()
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63_190, 65_536, 54_061)
    text = b"desc" + bytes(4) + struct.pack(">I", 2) + b"x\0" + bytes(78)
    return _packed(b"CMYK", b"Lab ", {b"desc": text, b"wtpt": white, b"A2B0": table})


@pytest.mark.parametrize("extended", [False, True])
def test_a_hole_in_curves_is_damage(extended: bool) -> None:
    whole = _of_curves(extended)
    assert profile_space(whole) == "RGB "
    first = whole.index(b"curv") + 12
    for place in (0.65, 0.8):
        start = first + int(2 * _STEPS * place)
        for length in (511, 512, 1024):
            for fill in (b"\0", b"\xff"):
                assert profile_space(whole[:start] + fill * length + whole[start + length :]) is None
    # Its number of values, and its beginning.
    assert profile_space(whole[: first - 4] + bytes(3000) + whole[first + 2996 :]) is None


def test_curves_that_begin_and_end_flat_pass() -> None:
    assert profile_space(_of_curves(extended=True)) == "RGB "
    for power in (0.5, 1, 2.2):
        stairs = np.rint(np.linspace(0, 1, _STEPS) ** power * 255) / 255 * 65_535
        assert profile_space(_packed(b"GRAY", b"XYZ ", {b"kTRC": _curve(stairs)})) == "GRAY"


def test_a_profile_that_is_not_of_its_checksum_is_damaged_where_it_has_a_gap() -> None:
    whole = bytearray(_of_curves())
    whole[64:68] = b"\0\0\0\1"  # the intent, which does not count
    summed = bytes(whole[:64]) + bytes(4) + bytes(whole[68:])
    whole[84:100] = hashlib.md5(summed).digest()
    assert profile_space(bytes(whole)) == "RGB "
    at = whole.index(b"rXYZ", 300) if b"rXYZ" in whole[300:] else whole.index(b"XYZ ", 200)
    whole[at + 8 : at + 12] = b"\0\0\1\0"
    assert profile_space(bytes(whole)) is None


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
def test_cmyk_by_a_profile_with_a_hole_is_refused(tmp_path: Path, kind: str, fill: bytes) -> None:
    image, profile = Image.fromarray(scene(60, 80)).convert("CMYK"), _of_inks()
    path = tmp_path / f"a.{kind.lower()}"
    path.write_bytes(encoded(kind, image, icc_profile=profile))
    assert read_picture(path).metadata.notes == ()
    middle = len(profile) // 2
    for length in (512, 4096):
        broken = profile[:middle] + fill * length + profile[middle + length :]
        path.write_bytes(encoded(kind, image, icc_profile=broken))
        with pytest.raises(InputError, match="profile that says its colours is damaged"):
            read_picture(path)
