"""What a picture is, and what a zoom would make of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from srnet_cli.imaging import Picture, RawOptions, read_picture
from srnet_cli.imaging.codecs.native import without_chatter
from srnet_cli.imaging.colour import profile_name
from srnet_cli.imaging.formats import content_format, format_of, is_raw_path
from srnet_cli.imaging.metadata import Shot, is_own_result
from srnet_cli.imaging.metadata.shown import shot_of
from srnet_cli.reading import open_input


@dataclass(frozen=True)
class About:
    """One picture, as it is read: upright, RAW developed."""

    path: Path
    format: str
    width: int
    height: int
    #: of the picture that is zoomed; a developed RAW file has 16
    bit_depth: int
    grey: bool
    alpha: bool
    #: "sRGB" where the file has no profile and says nothing else
    profile: str
    shot: Shot
    #: made by this program
    own_result: bool
    notes: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Put it as JSON has it."""
        values = asdict(self)
        values["path"] = str(self.path)
        taken = self.shot.taken
        values["shot"]["taken"] = None if taken is None else taken.isoformat()
        return values


def about(path: Path, max_pixels: int) -> About:
    """Read a picture and tell what it is.

    Raises:
        InputError: it cannot be read.
    """
    with without_chatter():
        picture = read_picture(path, RawOptions(), max_pixels)
    return About(
        path,
        _title(path, picture),
        picture.width,
        picture.height,
        picture.bit_depth,
        picture.grey,
        picture.alpha is not None,
        _profile(picture),
        shot_of(picture.metadata.exif),
        is_own_result(path),
        picture.metadata.notes,
    )


def _title(path: Path, picture: Picture) -> str:
    if picture.raw:
        suffix = path.suffix.lstrip(".").upper()
        return f"RAW ({suffix})" if is_raw_path(path) else "RAW"
    with open_input(path) as file:
        found = content_format(file.read(32))
    title = "unknown" if found is None else found.title
    named = format_of(path)
    wrong = named is not None and found is not None and named is not found and not named.is_raw
    return f"{title}, not {named.title} as its name says" if wrong and named is not None else title


def _profile(picture: Picture) -> str:
    icc = picture.metadata.icc
    if icc is not None:
        return profile_name(icc) or "a profile without a name"
    return "sRGB, as nothing else is said" if picture.metadata.colour_known else "unknown, taken as sRGB"
