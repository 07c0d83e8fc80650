"""Camera RAW files: developing them, and their mosaic as it was stored. The only place that calls LibRaw."""

from srnet_cli.imaging.raw.balanced import MosaicUse
from srnet_cli.imaging.raw.camera_colours import read_camera_colours
from srnet_cli.imaging.raw.develop import develop
from srnet_cli.imaging.raw.files import is_raw_structure
from srnet_cli.imaging.raw.mosaic import Mosaic, read_mosaic
from srnet_cli.imaging.raw.options import RawOptions
from srnet_cli.imaging.raw.shot import raw_focal_length, raw_size

__all__ = [
    "Mosaic",
    "MosaicUse",
    "RawOptions",
    "develop",
    "is_raw_structure",
    "raw_focal_length",
    "raw_size",
    "read_camera_colours",
    "read_mosaic",
]
