"""Reading TIFF: 8 bit through Pillow, 16 bit and floating point through tifffile or OpenCV."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.ifd import Directory, Structure, with_directory

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES, _PLANAR = 256, 257, 258, 259, 262, 277, 284
_EXTRA_SAMPLES, _ICC, _SUBFILE_TYPE, _ORIENTATION = 338, 34675, 254, 274
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _CMYK = 0, 1, 2, 5
_ASSOCIATED_ALPHA, _ALPHA = 1, 2
#: tifffile decodes these itself, others only with a further package
_PLAIN_COMPRESSIONS = frozenset({1, 8, 32946})
_REDUCED_PICTURE = 1
_QUIET = logging.NullHandler()
#: colours, alpha, and a few that are left out; a header that claims more would only cost memory
_MOST_SAMPLES = 16


def chosen_page(path: Path, directories: list[Directory]) -> tuple[int, Directory]:
    """Index and directory of the first page in full size.

    Raises:
        InputError: no page has a size.
    """
    pages = [
        (i, d) for i, d in enumerate(directories) if d.integer(_WIDTH, 0) > 0 and d.integer(_HEIGHT, 0) > 0
    ]
    if not pages:
        raise InputError("is a damaged TIFF file: no page in it has a size", path=path)
    full = [(i, d) for i, d in pages if not d.integer(_SUBFILE_TYPE, 0) & _REDUCED_PICTURE]
    return (full or pages)[0]


def page_size(page: Directory) -> tuple[int, int]:
    """Height and width."""
    return page.integer(_HEIGHT, 0), page.integer(_WIDTH, 0)


def check_page(path: Path, page: Directory) -> None:
    """Refuse a page whose pixels are missing or reach beyond the end of the file; decoders fill these grey.

    Raises:
        InputError: with the reason.
    """
    starts = page.integers(273) or page.integers(324)
    lengths = page.integers(279) or page.integers(325)
    if not starts:
        raise InputError("is a damaged TIFF file: it lists no pixels", path=path)
    present = path.stat().st_size
    if any(start >= present for start in starts):
        raise InputError("is cut short: its pixels lie behind the end of the file", path=path)
    # The lengths may be missing when nothing is compressed; the decoder finds the end itself then.
    if lengths and (len(lengths) != len(starts) or min(lengths) < 1):
        raise InputError("is a damaged TIFF file: some of its pixels are missing", path=path)
    end = max((a + b for a, b in zip(starts, lengths, strict=False)), default=0)
    if end > present:
        raise InputError(
            f"is cut short: its pixels end at byte {end:,}, the file at byte {present:,}", path=path
        )


def is_deep(page: Directory) -> bool:
    """Whether the samples have more than 8 bits, which Pillow would reduce or refuse."""
    return max(page.integers(_BITS) or (1,)) > 8


def icc_of(page: Directory) -> bytes | None:
    """The embedded ICC profile."""
    value = page.entries.get(_ICC)
    return None if value is None else value.data


def read_deep(
    path: Path, structure: Structure, page_index: int, page: Directory
) -> tuple[NDArray[np.uint16], bool, list[str]]:
    """Samples of a page with more than 8 bits: H×W×C uint16 in the file's channel order.

    Returns the samples (1 or 2 channels for grey, 3 or 4 for RGB, 4 for CMYK), whether they are CMYK, and
    notes. Floating point runs from 0 to 1.

    Raises:
        InputError: a kind of sample or colour that is not supported, NaN or infinity.
    """
    samples = page.integer(_SAMPLES, 1)
    photometric = page.integer(_PHOTOMETRIC, _BLACK_IS_ZERO)
    colours = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _CMYK: 4}.get(photometric)
    if colours is None or not colours <= samples <= _MOST_SAMPLES:
        raise InputError(
            f"is a TIFF file of a kind that is not supported ({samples} channels, photometric {photometric})",
            path=path,
        )
    if page.integer(_COMPRESSION, 1) in _PLAIN_COMPRESSIONS:
        values = _through_tifffile(path, page_index, planar=samples > 1 and page.integer(_PLANAR, 1) == 2)
    else:
        values = _through_opencv(path, structure, page)
    height, width = page_size(page)
    if values.size != height * width * samples:
        raise InputError("is a damaged TIFF file: it holds another number of pixels than it says", path=path)
    values = values.reshape(height, width, samples)
    pixels, notes = _as_uint16(path, values)
    if photometric == _WHITE_IS_ZERO:
        pixels = np.uint16(65_535) - pixels
    return _with_alpha(pixels, colours, page), photometric == _CMYK, notes


def _through_tifffile(path: Path, page_index: int, planar: bool) -> NDArray[np.generic]:
    import tifffile

    # It logs every oddity; what matters raises.
    logging.getLogger("tifffile").addHandler(_QUIET)
    with tifffile.TiffFile(path) as file:
        values = np.asarray(file.pages[page_index].asarray(maxworkers=1))
    return np.moveaxis(values, 0, -1) if planar else values


def _through_opencv(path: Path, structure: Structure, page: Directory) -> NDArray[np.generic]:
    """LZW and other compressions that tifffile leaves to a further package."""
    import cv2

    # Some versions of OpenCV turn the picture by its orientation, some do not.
    entries = {tag: value for tag, value in page.entries.items() if tag != _ORIENTATION}
    alone = with_directory(path.read_bytes(), structure, Directory(entries))
    values = cv2.imdecode(np.frombuffer(alone, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None:
        raise InputError("is a TIFF file with a compression that cannot be read, or damaged", path=path)
    if values.ndim == 3:
        values = values[..., [2, 1, 0, 3][: values.shape[2]]]
    return np.asarray(values)


def _as_uint16(path: Path, values: NDArray[np.generic]) -> tuple[NDArray[np.uint16], list[str]]:
    if values.dtype == np.uint16:
        return values.astype(np.uint16, copy=False), []
    if values.dtype == np.uint32:
        return np.rint(values.astype(np.float64) / 65_537).astype(np.uint16), []
    if not np.issubdtype(values.dtype, np.floating):
        raise InputError(f"has samples of a kind that is not supported ({values.dtype})", path=path)
    if not np.isfinite(values).all():
        raise InputError(
            "has NaN or infinite values", path=path, remedy="replace them in the program that wrote it"
        )
    real = values.astype(np.float32)
    beyond = float(np.mean((real < 0) | (real > 1)))
    if beyond > 0.5:
        raise InputError(
            "has floating-point values outside 0..1 in most places",
            path=path,
            remedy="scale it so that white is 1",
        )
    notes = [f"{beyond:.1%} of its values lie outside 0..1 and were clipped"] if beyond > 0 else []
    return np.rint(np.clip(real, 0, 1) * np.float32(65_535)).astype(np.uint16), notes


def _with_alpha(pixels: NDArray[np.uint16], colours: int, page: Directory) -> NDArray[np.uint16]:
    """The colour channels, and behind them alpha if the first further channel is one."""
    kinds = page.integers(_EXTRA_SAMPLES)
    kind = int(kinds[0]) if kinds else 0
    if pixels.shape[2] == colours or kind not in (_ASSOCIATED_ALPHA, _ALPHA) or colours == 4:
        return pixels[..., :colours]
    chosen = pixels[..., : colours + 1]
    if kind == _ALPHA:
        return chosen
    alpha = chosen[..., colours:].astype(np.float32)
    plain = np.divide(
        chosen[..., :colours] * np.float32(65_535),
        alpha,
        out=np.zeros_like(alpha.repeat(colours, 2)),
        where=alpha > 0,
    )
    return np.concatenate(
        [np.rint(np.minimum(plain, 65_535)).astype(np.uint16), chosen[..., colours:]], axis=2
    )
