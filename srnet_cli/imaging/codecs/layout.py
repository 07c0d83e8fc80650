"""Data that decoders return and encoders take, and the checks that all decoders share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from PIL import Image, UnidentifiedImageError

from srnet_cli.errors import InputError
from srnet_cli.imaging.colour import StatedColour
from srnet_cli.imaging.picture import Pixels

if TYPE_CHECKING:
    from srnet_cli.imaging.colour.camera import CameraColours


@dataclass(frozen=True)
class Decoded:
    """Pixels as stored, before they are turned: H×W×C with C = 1, 2 (grey), 3 or 4 (RGB)."""

    samples: Pixels
    icc: bytes | None = None
    exif: bytes | None = None
    notes: tuple[str, ...] = ()
    #: EXIF orientation 1..8 in which the samples are
    orientation: int = 1
    #: where there is no profile: what the numbers mean; None is what is usual, sRGB unless the EXIF objects
    colour: StatedColour | None = None
    #: false where the file says something about its colours that is not understood
    colour_known: bool = True
    xmp: bytes | None = None
    iptc: bytes | None = None
    texts: tuple[tuple[str, str], ...] = ()
    #: pixels per inch across and down
    resolution: tuple[float, float] | None = None
    #: a further note: why the pixels may be damaged
    doubt: str | None = None


@dataclass(frozen=True)
class Layout:
    """The file that an encoder is to make."""

    path: Path
    height: int
    width: int
    #: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha, 6 camera colours and their light
    channels: int
    #: 8 or 16
    bit_depth: int
    #: 1..100; of no meaning where nothing is lost
    quality: int
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    texts: tuple[tuple[str, str], ...] = ()
    #: pixels per inch across and down
    resolution: tuple[float, float] | None = None
    #: whether a picture without profile may be called sRGB
    colour_known: bool = True
    #: what the rows mean where they are camera colours
    camera: CameraColours | None = None


class Encoder(Protocol):
    """Receiver of a picture's rows from top to bottom."""

    def write(self, rows: Pixels) -> None:
        """Add rows, h×W×C of the layout's depth."""

    def finish(self) -> None:
        """End the file."""

    def close(self) -> None:
        """Free what is held, whether finished or not."""


def check_size(path: Path, height: int, width: int, max_pixels: int) -> None:
    """Refuse pictures without pixels or with more than ``max_pixels``.

    Raises:
        InputError: with the size.
    """
    if height < 1 or width < 1:
        raise InputError("has no pixels", path=path)
    if height * width > max_pixels:
        raise InputError(
            f"has {width}×{height} pixels, more than the limit of {max_pixels:,}",
            path=path,
            remedy="--max-pixels raises the limit",
        )


def opened(source: BinaryIO, formats: tuple[str, ...]) -> Image.Image:
    """Open a picture by the decoders of Pillow that are named, and by no other.

    Unasked, Pillow tries all that it has: the one for PostScript, too, which has Ghostscript run the file,
    and those of formats that are not checked here.

    Raises:
        OSError: it is none of these.
    """
    return Image.open(source, formats=formats)


@contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Explain errors of decoders, which meet damage with every kind of exception.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        yield
    except (InputError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise InputError("is damaged: its header cannot be read", path=path) from error
    except Exception as error:
        reason = "is cut short" if "truncated" in str(error) else "is damaged"
        raise InputError(
            f"{reason} ({' '.join(str(error).split()) or type(error).__name__})", path=path
        ) from error
