"""Pictures: files in, files out."""

from srnet_cli.imaging.depth import to_bit_depth
from srnet_cli.imaging.formats import RAW_SUFFIXES, RGB_SUFFIXES, is_raw_path
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

__all__ = [
    "DEFAULT_MAX_PIXELS",
    "RAW_SUFFIXES",
    "RGB_SUFFIXES",
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
