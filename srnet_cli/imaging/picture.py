"""The one form in which images travel between packages."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from srnet_cli.imaging.colour.camera import CameraColours
    from srnet_cli.imaging.colour.mosaic import BalancedMosaic

Pixels = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True)
class Metadata:
    """Statements of a file about its picture besides the pixels."""

    #: ICC profile, or None (then the picture is taken as sRGB)
    icc: bytes | None = None
    #: whether the colours are known; where not, no result says that they are sRGB
    colour_known: bool = True
    #: EXIF as a TIFF structure (without the ``Exif\0\0`` prefix), orientation already reset to 1
    exif: bytes | None = None
    #: XMP packet, or None
    xmp: bytes | None = None
    #: IPTC-IIM records, or None
    iptc: bytes | None = None
    #: keyword and text of what PNG, JPEG and GIF keep as plain texts
    texts: tuple[tuple[str, str], ...] = ()
    #: pixels per inch across and down, None when the file does not say so outside the EXIF
    resolution: tuple[float, float] | None = None
    #: pixels per inch of the print that a result is made for; it holds before all others
    print_resolution: float | None = None
    #: focal length of the lens in millimetres, None when the file does not say
    focal_length: float | None = None
    #: what this program made the pixels with; it stands in the result's mark
    made_with: str = ""
    #: digest of the file that a result is made from; it stands in the mark, too
    origin: str = ""
    #: set where the pixels are camera colours, which only DNG holds
    camera: CameraColours | None = None
    #: what the user should know about how the file was read; one sentence each
    notes: tuple[str, ...] = ()
    #: the one of them that says why the pixels may be damaged, or None
    doubt: str | None = None


@dataclass(frozen=True)
class Picture:
    """An upright picture in memory.

    ``pixels`` is H×W×3, RGB, C-contiguous, uint8 (0..255) or uint16 (0..65535); a grey picture has three
    equal channels and ``grey`` set. ``alpha`` is H×W of the same type, or None when opaque.
    """

    pixels: Pixels
    alpha: Pixels | None = None
    #: H×W×3 linear, where the pixels are camera colours: the light that they were made of
    light: NDArray[np.uint16] | None = None
    #: of RAW: what the pixels were developed from, where a network for mosaics is to enlarge it
    mosaic: BalancedMosaic | None = None
    grey: bool = False
    #: developed from a camera RAW file
    raw: bool = False
    source: Path | None = None
    metadata: Metadata = field(default_factory=Metadata)

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def bit_depth(self) -> int:
        """Return the bits per channel: 8 or 16."""
        return self.pixels.dtype.itemsize * 8

    @property
    def peak(self) -> int:
        """Return the value of white: 255 or 65535."""
        return int(np.iinfo(self.pixels.dtype).max)
