"""The mark in pictures that a run draws, by which they are told from somebody's own of the same name."""

from __future__ import annotations

from pathlib import Path

from srnet_cli.errors import InputError
from srnet_cli.reading import open_input

#: their entry Software
DRAWN_BY = "srnet train"
#: that entry as PNG has it, ahead of the pixels
_CHUNK = b"tEXtSoftware\0" + DRAWN_BY.encode()
_HEAD = 512


def is_drawn(path: Path) -> bool:
    """Tell whether a run has drawn a picture; what cannot be read is none."""
    try:
        with open_input(path) as file:
            return _CHUNK in file.read(_HEAD)
    except (InputError, OSError):
        return False
