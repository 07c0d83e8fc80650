"""The mark by which results of this program are recognised."""

from __future__ import annotations

from pathlib import Path

from srnet_cli.errors import InputError
from srnet_cli.imaging.formats import format_in
from srnet_cli.imaging.metadata.exif import software_of
from srnet_cli.version import own_version

_OWN_NAME = "srnet"


def software_mark(made_with: str = "") -> str:
    """Return the entry Software of every result, by which it is recognised; it says what made the pixels.

    Example:
        >>> software_mark("srnet-x4 crisp 0.5")
        'srnet 0.1.0 (srnet-x4 crisp 0.5)'
    """
    return f"{_OWN_NAME} {own_version()}" + (f" ({made_with})" if made_with else "")


def is_own_result(path: Path) -> bool:
    """Return whether a picture carries the mark of any version of this program; its pixels are not read.

    A file that cannot be read is not a result.
    """
    try:
        found = format_in(Path(path))
        exif = None if found is None or found.read_exif is None else found.read_exif(Path(path))
    except (OSError, InputError):
        return False
    return software_of(exif).startswith(f"{_OWN_NAME} ")
