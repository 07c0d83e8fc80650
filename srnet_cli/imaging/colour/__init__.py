"""Colour: profiles, and what files say about their colours without one."""

from srnet_cli.imaging.colour.conversion import is_srgb, to_srgb
from srnet_cli.imaging.colour.profiles import (
    cmyk_to_srgb,
    dated_never,
    lab_to_srgb,
    profile_name,
    profile_space,
    srgb_profile,
)
from srnet_cli.imaging.colour.stated import (
    ADOBE_RGB,
    SRGB,
    SRGB_COLOUR,
    Primaries,
    StatedColour,
    colour_of_cicp,
    stated_profile,
)

__all__ = [
    "ADOBE_RGB",
    "SRGB",
    "SRGB_COLOUR",
    "Primaries",
    "StatedColour",
    "cmyk_to_srgb",
    "colour_of_cicp",
    "dated_never",
    "is_srgb",
    "lab_to_srgb",
    "profile_name",
    "profile_space",
    "srgb_profile",
    "stated_profile",
    "to_srgb",
]
