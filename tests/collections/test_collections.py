"""Every file of every collection, read; ``python -m tests.collections`` sends them through the program."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging import Picture, read_picture, write_picture
from tests.collections import exif, libtiff, pngsuite
from tests.collections.check import check
from tests.collections.entries import Entry, difference

Entries = Callable[[], Iterator[Entry]]


def samples(picture: Picture) -> NDArray[Any]:
    colours = picture.pixels[..., :1] if picture.grey else picture.pixels
    return colours if picture.alpha is None else np.dstack([colours, picture.alpha])


@pytest.mark.parametrize("entries", [pngsuite.entries, libtiff.entries, exif.entries])
def test_every_file_is_right_or_refused(tmp_path: Path, entries: Entries) -> None:
    findings: list[str | None] = []
    for entry in entries():
        path = tmp_path / entry.name
        assert not path.exists(), "two entries of one name"
        path.write_bytes(entry.data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's, of damaged EXIF
            try:
                picture = read_picture(path)
            except InputError as error:
                findings.append(None if entry.right is None else f"{entry.name} is refused: {error.reason}")
                continue
        if entry.right is None:
            findings.append(f"{entry.name} is damaged and was read")
            continue
        found = difference(samples(picture), entry.right, entry.tolerance)
        findings.append(found and f"{entry.name} {found}")
    assert len(findings) > 100
    assert [finding for finding in findings if finding] == []


def test_the_check_through_the_program_finds_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    pixels = np.random.default_rng(0).integers(0, 256, (8, 9, 3), np.uint8)
    write_picture(Picture(pixels), path)
    data = path.read_bytes()
    entries = [
        Entry("good.png", data, pixels),
        Entry("near.png", data, pixels ^ 1, tolerance=1),
        Entry("refused.png", data[:-20], None),
        Entry("wrong.png", data, pixels ^ 1),
        Entry("accepted.png", data, None),
        Entry("cut.png", data[:-20], pixels),
    ]
    findings = check(entries, tmp_path / "run")
    assert [line.split()[0] for line in findings] == ["wrong.png", "accepted.png", "cut.png"]
    assert check(entries[:3], tmp_path / "twice", 2, ["--fast"]) == []
