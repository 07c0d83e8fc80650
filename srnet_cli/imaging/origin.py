"""The picture that a result was made from: the mark has a digest of it, neither its name nor its folder."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from srnet_cli.errors import InputError
from srnet_cli.imaging.formats import is_raw_path
from srnet_cli.imaging.metadata.mark import exif_in_file, stated_origin
from srnet_cli.imaging.metadata.shown import shot_of
from srnet_cli.imaging.raw.shot import raw_exif
from srnet_cli.reading import open_input

#: pieces that are read of a file, over all of it: scans without compression begin and end with the same white
_PIECES, _PIECE = 16, 4096
#: letters of a digest: pictures of one name are to be told apart, nobody forges one
_LETTERS = 12


@dataclass(frozen=True)
class Origin:
    """A file: its size and pieces of all of it, and what it ends with, which a rating leaves as it is."""

    whole: str
    end: str

    def __str__(self) -> str:
        return f"{self.whole}-{self.end}"


def origin_of(path: Path) -> Origin | None:
    """Find out which file this is, from a few pieces of it; None where it cannot be read."""
    try:
        with open_input(path) as file:
            size = file.seek(0, 2)
            last = max(0, size - _PIECE)
            whole = hashlib.sha256(str(size).encode())
            piece = b""
            for number in range(_PIECES):
                file.seek(last * number // (_PIECES - 1))
                piece = file.read(_PIECE)
                whole.update(piece)
    except (OSError, InputError):
        return None
    return Origin(whole.hexdigest()[:_LETTERS], hashlib.sha256(piece).hexdigest()[:_LETTERS])


def is_of_another(result: Path, source: Path) -> bool:
    """Tell whether a file says that it was made from another picture, or from this one with other pixels.

    One that says nothing is not: results of earlier versions, what another program saved, what is no picture.
    A source whose metadata were edited is the same where its end and the time of its exposure are; of RAW
    files, which are not edited otherwise and may be written anew for a rating, the exposure tells.

    Raises:
        InputError: the source is a RAW file that cannot be read.
    """
    result_exif = exif_in_file(result)
    stated = stated_origin(result_exif)
    found = None if stated is None else origin_of(source)
    if stated is None or found is None or stated == str(found):
        return False
    is_raw = is_raw_path(source)
    if not stated.endswith(f"-{found.end}") and not is_raw:
        return True
    # Of RAW files what the result has is LibRaw's: many keep their EXIF where no other program finds it.
    made, now = shot_of(result_exif), shot_of(raw_exif(source) if is_raw else exif_in_file(source))
    return made.taken is None or (made.taken, made.model) != (now.taken, now.model)
