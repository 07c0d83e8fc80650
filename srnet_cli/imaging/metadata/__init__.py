"""Metadata: statements of a file about its picture besides the pixels, and those a result can carry."""

from srnet_cli.imaging.metadata.exif import (
    MAKER_NOTE_LOST,
    Shot,
    carried_exif,
    colour_space_of,
    developed_exif,
    equivalent_focal_length_of,
    focal_length_in,
    focal_length_of,
    maker_note_lost,
    orientation_of,
    states_orientation,
    with_kept_note,
)
from srnet_cli.imaging.metadata.mark import is_own_result, software_mark

__all__ = [
    "MAKER_NOTE_LOST",
    "Shot",
    "carried_exif",
    "colour_space_of",
    "developed_exif",
    "equivalent_focal_length_of",
    "focal_length_in",
    "focal_length_of",
    "is_own_result",
    "maker_note_lost",
    "orientation_of",
    "software_mark",
    "states_orientation",
    "with_kept_note",
]
