"""Pictures: files in, files out.

Names are imported when first used, so that the table of formats costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from srnet_cli.imaging.formats import is_raw_path as is_raw_path
    from srnet_cli.imaging.picture import Metadata as Metadata
    from srnet_cli.imaging.picture import Picture as Picture
    from srnet_cli.imaging.raw import Mosaic as Mosaic
    from srnet_cli.imaging.raw import RawOptions as RawOptions
    from srnet_cli.imaging.raw import read_mosaic as read_mosaic
    from srnet_cli.imaging.read import read_8_bit as read_8_bit
    from srnet_cli.imaging.read import read_focal_length as read_focal_length
    from srnet_cli.imaging.read import read_picture as read_picture
    from srnet_cli.imaging.read import read_size as read_size
    from srnet_cli.imaging.write import WriteOptions as WriteOptions
    from srnet_cli.imaging.write import check_output as check_output
    from srnet_cli.imaging.write import open_strip_writer as open_strip_writer
    from srnet_cli.imaging.write import write_picture as write_picture

_HOMES = {
    "formats": ("is_raw_path",),
    "picture": ("Metadata", "Picture"),
    "raw": ("Mosaic", "RawOptions", "read_mosaic"),
    "read": ("read_8_bit", "read_focal_length", "read_picture", "read_size"),
    "write": ("WriteOptions", "check_output", "open_strip_writer", "write_picture"),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"srnet_cli.imaging.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
