"""The mark by which results of this program are recognised."""

from __future__ import annotations

import re
from pathlib import Path

from srnet_cli.errors import InputError
from srnet_cli.imaging.formats import format_in
from srnet_cli.imaging.metadata.exif import software_of
from srnet_cli.version import own_version

_OWN_NAME = "srnet"
#: behind all else: what is in brackets may be named anyhow
_ORIGIN = re.compile(r" of ([0-9a-f]+-[0-9a-f]+)\Z")


def software_mark(made_with: str = "", origin: str = "") -> str:
    """Return the entry Software of every result, by which it is recognised; it says what made the pixels.

    ``origin`` is the digest of the file that it was made from.

    Example:
        >>> software_mark("srnet-x4 crisp 0.5", "0123456789ab-ba9876543210")
        'srnet 0.1.0 (srnet-x4 crisp 0.5) of 0123456789ab-ba9876543210'
    """
    made = f" ({made_with})" if made_with else ""
    return f"{_OWN_NAME} {own_version()}{made}" + (f" of {origin}" if origin else "")


def is_own_result(path: Path) -> bool:
    """Return whether a picture carries the mark of any version of this program; its pixels are not read.

    A file that cannot be read is not a result.
    """
    return _is_own(software_of(exif_in_file(path)))


def stated_origin(exif: bytes | None) -> str | None:
    """Return the digest of what a result was made from; None where it is none, or states none."""
    software = software_of(exif)
    found = _ORIGIN.search(software) if _is_own(software) else None
    return None if found is None else found[1]


def exif_in_file(path: Path) -> bytes | None:
    """Return the EXIF of a picture, whose pixels are not read; None where there is none, or none is found."""
    try:
        found = format_in(Path(path))
        return None if found is None or found.read_exif is None else found.read_exif(Path(path))
    except (OSError, InputError):
        return None


def _is_own(software: str) -> bool:
    return software.startswith(f"{_OWN_NAME} ")
