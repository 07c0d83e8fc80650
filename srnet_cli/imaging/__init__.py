"""Pictures: files in, files out.

Names are imported when first used, so that the table of formats costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from srnet_cli.imaging.depth import to_bit_depth
    from srnet_cli.imaging.formats import is_raw_path
    from srnet_cli.imaging.picture import Metadata, Picture, Pixels
    from srnet_cli.imaging.raw import Mosaic, RawOptions, read_mosaic
    from srnet_cli.imaging.read import DEFAULT_MAX_PIXELS, read_focal_length, read_picture
    from srnet_cli.imaging.write import (
        StripWriter,
        WriteOptions,
        check_output,
        open_strip_writer,
        output_format,
        write_picture,
    )

_NAMES = {
    "depth": ("to_bit_depth",),
    "formats": ("is_raw_path",),
    "picture": ("Metadata", "Picture", "Pixels"),
    "raw": ("Mosaic", "RawOptions", "read_mosaic"),
    "read": ("DEFAULT_MAX_PIXELS", "read_focal_length", "read_picture"),
    "write": (
        "StripWriter",
        "WriteOptions",
        "check_output",
        "open_strip_writer",
        "output_format",
        "write_picture",
    ),
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names}

__all__ = [
    "DEFAULT_MAX_PIXELS",
    "Metadata",
    "Mosaic",
    "Picture",
    "Pixels",
    "RawOptions",
    "StripWriter",
    "WriteOptions",
    "check_output",
    "is_raw_path",
    "open_strip_writer",
    "output_format",
    "read_focal_length",
    "read_mosaic",
    "read_picture",
    "to_bit_depth",
    "write_picture",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"srnet_cli.imaging.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
