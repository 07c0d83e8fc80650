"""How long files take to be read and written: by their format, as on one core of a server of 2023."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from srnet_cli.imaging import WriteOptions
from srnet_cli.imaging.formats import format_of
from srnet_cli.imaging.write import holds_16_bits, output_format


@dataclass(frozen=True)
class _Pace:
    """Seconds of one core for a megapixel of 8 bits."""

    seconds: float
    #: whether it is done by all cores, or beside the network
    shared: bool = True
    #: how much longer a megapixel of a large picture takes
    large: float = 1.0


_WRITTEN = {
    "png": _Pace(0.008),
    "tiff": _Pace(0.007),
    "dng": _Pace(0.01),
    "jpeg": _Pace(0.004, shared=False),
    # What the first of a WebP file's partitions does not hold is encoded again, coarser.
    "webp": _Pace(0.08, shared=False, large=3.5),
    "avif": _Pace(0.44),
    "jxl": _Pace(0.6),
}
_OTHERWISE = _Pace(0.05, shared=False)
#: megapixels above which a picture is a large one
_LARGE = 30.0
#: how much longer 16 bits take
_DEEP = 1.8
#: seconds for a megapixel that is read, developed where it is RAW
_READ, _READ_RAW = 0.015, 0.05


def reading_seconds(path: Path, height: int, width: int) -> float:
    """Estimate how long a picture takes to be decoded."""
    found = format_of(path)
    return height * width / 1e6 * (_READ_RAW if found is not None and found.is_raw else _READ)


def writing_seconds(target: Path, options: WriteOptions, height: int, width: int, deep: bool) -> float:
    """Estimate how much longer a job takes because its result is encoded; ``deep`` ones have 16 bits."""
    deep = deep and holds_16_bits(target, options) and options.bit_depth != 8
    pace = _WRITTEN.get(output_format(target, options).name, _OTHERWISE)
    megapixels = height * width / 1e6
    seconds = megapixels * pace.seconds * (_DEEP if deep else 1) * (pace.large if megapixels > _LARGE else 1)
    return seconds / torch.get_num_threads() if pace.shared else seconds
