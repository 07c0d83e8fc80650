"""What each picture of a batch will become, and what that takes: time and disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from srnet_cli.console import people
from srnet_cli.errors import SrnetError, named
from srnet_cli.imaging import WriteOptions, check_output, is_raw_path, read_size
from srnet_cli.imaging.write import holds_16_bits, output_format
from srnet_cli.zooming.chain import Engines
from srnet_cli.zooming.forecast.files import reading_seconds, writing_seconds
from srnet_cli.zooming.forecast.pace import Paces
from srnet_cli.zooming.frame import Frame
from srnet_cli.zooming.jobs import ZoomJob, check_origins
from srnet_cli.zooming.raw_engine import mosaic_model
from srnet_cli.zooming.request import ZoomRequest

#: bytes of a pixel, by format: the least, the usual and the most of twelve photographs that were enlarged two
#: and four times and written with the usual quality; with 16 bits of five RAW files
_BYTES = {
    "png": (0.95, 1.45, 1.9),
    "tiff": (1.0, 1.6, 2.0),
    "jpeg": (0.14, 0.36, 0.57),
    "webp": (0.02, 0.13, 0.24),
    "avif": (0.02, 0.12, 0.20),
    "jxl": (0.025, 0.16, 0.3),
}
_DEEP, _OTHERWISE = (3.8, 4.6, 5.6), (1.0, 3.0, 6.0)
#: what another quality than the usual may change
_BY_QUALITY = 4


@dataclass(frozen=True)
class Forecast:
    """What becomes of one picture; without a frame, why it cannot be done."""

    source: Path
    target: Path | None
    #: of the picture, upright
    height: int = 0
    width: int = 0
    frame: Frame | None = None
    models: tuple[str, ...] = ()
    #: estimates
    seconds: float = 0.0
    bytes: int = 0
    #: the least and the most of it, which depends on what is in the picture
    bytes_range: tuple[int, int] = (0, 0)
    #: the result exists, and is left as it is
    skipped: bool = False
    error: SrnetError | None = None

    def document(self) -> dict[str, Any]:
        """Put it as JSON has it."""
        frame = None if self.frame is None else asdict(self.frame)
        return {
            "source": str(self.source),
            "target": None if self.target is None else str(self.target),
            "status": "failed" if self.error else "skipped" if self.skipped else "planned",
            "width": self.width,
            "height": self.height,
            "scale": None if frame is None else frame["scale"],
            "result_width": None if frame is None else frame["width"],
            "result_height": None if frame is None else frame["height"],
            "models": list(self.models),
            "seconds": round(self.seconds, 1),
            "bytes": self.bytes,
            "bytes_range": list(self.bytes_range),
            "error": None if self.error is None else str(self.error),
        }


def forecast(job: ZoomJob, request: ZoomRequest, engines: Engines, paces: Paces) -> Forecast:
    """Find out what a job will do; only the header of its picture is read."""
    try:
        if job.error is not None:
            raise job.error
        assert job.target is not None
        height, width = read_size(job.source, camera_colours=request.wants_camera_colours(job.target))
        if request.skip_existing:
            check_origins(job)
        if request.skip_existing and all(map(os.path.lexists, job.files)):
            return Forecast(job.source, job.target, height, width, skipped=True)
        frame = request.frame_of(height, width)
        check_output(job.target, frame.height, frame.width, request.write)
        # What its sensor is shows when it is read; nearly all are Bayer's.
        undeveloped = request.wants_camera_colours(job.target)
        model = mosaic_model(engines, request, undeveloped=undeveloped) if is_raw_path(job.source) else None
        passes = engines.for_scale(request.reached_for(frame), model)
        least, usual, most = _bytes(job, frame, request.write)
        return Forecast(
            job.source,
            job.target,
            height,
            width,
            frame,
            tuple(engine.card.name for engine in passes),
            reading_seconds(job.source, height, width)
            + paces.seconds(frame, passes)
            + writing_seconds(job.target, request.write, frame.height, frame.width, job.is_deep),
            usual,
            (least, most),
        )
    except Exception as error:
        if request.debug and not isinstance(error, SrnetError):
            people().print_exception()
        return Forecast(job.source, job.target, error=named(error, job.source))


def free_space(forecasts: Sequence[Forecast]) -> int | None:
    """Count the free bytes where most of the results go; None when nothing is made, or nobody knows."""
    targets = [f.target for f in forecasts if f.target is not None and f.frame is not None]
    for target in targets[:1]:
        for folder in target.absolute().parents:
            try:
                return shutil.disk_usage(folder).free
            except OSError:
                continue  # it is not made yet
    return None


def _bytes(job: ZoomJob, frame: Frame, options: WriteOptions) -> tuple[int, int, int]:
    """Estimate the least, the usual and the most bytes of a result."""
    assert job.target is not None
    row = output_format(job.target, options)
    # What has 16 bits is known only of RAW before a picture is decoded.
    deep = holds_16_bits(job.target, options) and options.bit_depth != 8 and job.is_deep
    # What loses something takes no more for 16 bits.
    deep = deep and row.quality is None
    least, usual, most = _DEEP if deep else _BYTES.get(row.name, _OTHERWISE)
    if row.quality is not None and options.quality not in (None, row.quality):
        least, most = least / _BY_QUALITY, most * _BY_QUALITY
    pixels = frame.height * frame.width
    return round(pixels * least), round(pixels * usual), round(pixels * most)
