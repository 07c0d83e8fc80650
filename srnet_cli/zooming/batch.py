"""Many pictures, one after the other: each failure named, the rest still done."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from srnet_cli.compute.processes import join_processes
from srnet_cli.console import people, show_error, warn
from srnet_cli.errors import OutputError, SrnetError, UsageError, unexpected
from srnet_cli.files import folder_for
from srnet_cli.imaging import Picture, RawOptions, WriteOptions, check_output, is_raw_path, read_picture
from srnet_cli.imaging.boxes import Box
from srnet_cli.imaging.codecs.native import without_chatter
from srnet_cli.imaging.write import holds_16_bits, output_format
from srnet_cli.models.crisp import check_share
from srnet_cli.names import zoom_tag
from srnet_cli.zooming.chain import Engines, ModelChoice
from srnet_cli.zooming.engine import Engine, EngineOptions
from srnet_cli.zooming.frame import Frame, FrameKind, plan_frame
from srnet_cli.zooming.heatmap import write_heatmaps
from srnet_cli.zooming.jobs import ZoomJob, plan_jobs
from srnet_cli.zooming.pipeline import predicted_residual, tile_count, zoom_to_file
from srnet_cli.zooming.progress import BatchProgress

#: the scale of the models that clean, and one that a single pass of any model reaches
_CLEANING, _ONE_PASS = 4.0, 1.01

Status = Literal["written", "skipped", "failed"]


@dataclass(frozen=True)
class ZoomRequest:
    """Everything that is to be done with a picture."""

    scale: float = 4.0
    #: at a scale of 1: through the models, and reduced again
    clean: bool = False
    frame: FrameKind = "full"
    crop: Box | None = None
    #: "auto", the name of a released model, or a path
    model: str = "auto"
    fast: bool = False
    #: how much of a model's crisp set of weights is mixed in, 0..1; None: what its card states
    crisp: float | None = None
    #: share of the network in the result, 0..1; the rest is plain bicubic
    strength: float = 1.0
    raw: RawOptions = field(default_factory=RawOptions)
    write: WriteOptions = field(default_factory=WriteOptions)
    engine: EngineOptions = field(default_factory=EngineOptions)
    heatmap: bool = False
    overwrite: bool = False
    skip_existing: bool = False
    max_pixels: int = 250_000_000
    #: show where an unexpected error came from
    debug: bool = False

    def __post_init__(self) -> None:
        check_share(self.crisp or 0.0, "--crisp")
        check_share(self.strength, "--strength")
        if self.clean and self.scale != 1:
            raise UsageError(
                f"--clean is for a scale of 1; one of {self.scale:g} is cleaned by enlarging",
                remedy="--scale 1, or leave out --clean",
            )

    @property
    def model_scale(self) -> float:
        """Return what the models have to reach: where they only clean, the largest scale of one pass."""
        if not self.clean:
            return self.scale
        return _CLEANING if self.model == "auto" else _ONE_PASS


@dataclass(frozen=True)
class ZoomResult:
    """The outcome for one picture."""

    source: Path
    target: Path | None
    status: Status
    #: of the result, in pixels; None where none was made
    width: int | None = None
    height: int | None = None
    models: tuple[str, ...] = ()
    #: of each of the models: how much of its crisp set was mixed in
    crisp: tuple[float, ...] = ()
    #: share of the network in the result; None where none was made
    strength: float | None = None
    seconds: float = 0.0
    error: str | None = None
    heatmaps: tuple[Path, ...] = ()

    def document(self) -> dict[str, Any]:
        """Put the result as JSON has it."""
        values = asdict(self)
        values["source"] = str(self.source)
        values["target"] = None if self.target is None else str(self.target)
        values["heatmaps"] = [str(path) for path in self.heatmaps]
        values["seconds"] = round(self.seconds, 3)
        return values


def run_batch(
    inputs: Sequence[Path], output: Path | str | None, request: ZoomRequest, *, recursive: bool = False
) -> list[ZoomResult] | None:
    """Zoom everything; under torchrun each process takes its share and the first gathers the results.

    Returns None in the other processes.

    Raises:
        UsageError: when the request itself is impossible.
        WeightsError, DeviceError: when there is nothing to compute with or on.
    """
    plan_frame(1 << 20, 1 << 20, request.scale)  # a bad scale is the command line's fault, not a picture's
    plan = plan_jobs(inputs, output, _tag(request), request.write.format, recursive, request.heatmap)
    jobs = plan.jobs
    _check_depth(jobs, request.write)
    with join_processes(request.engine.device) as processes:
        if processes.leads:
            _note_passed_over(plan.passed_over)
            _note_raw_options(jobs, request.raw)
        request = replace(request, engine=replace(request.engine, device=str(processes.device)))
        mine = jobs[processes.rank :: processes.world]
        engines = Engines(ModelChoice(request.model, request.fast, request.crisp, request.engine))
        engines.check(request.model_scale)
        with BatchProgress(len(mine)) as progress:
            results = [_one(job, request, engines, progress) for job in mine]
        shares = processes.gather(results)
    return [result for share in shares for result in share] if processes.leads else None


def _tag(request: ZoomRequest) -> str:
    crop = request.crop
    sides = None if crop is None else (crop.left, crop.top, crop.width, crop.height)
    return zoom_tag(request.scale, camera=request.frame == "camera", crop=sides, clean=request.clean)


def _note_passed_over(results: Sequence[Path]) -> None:
    if results:
        others = f" and {len(results) - 1} more" if len(results) > 1 else ""
        warn(f"{results[0]}{others}: made by srnet, so passed over; a result that is named itself is zoomed")


def _check_depth(jobs: Sequence[ZoomJob], options: WriteOptions) -> None:
    targets = [job.target for job in jobs if job.target is not None]
    if options.bit_depth == 16 and targets and not any(holds_16_bits(t, options) for t in targets):
        raise UsageError(
            f"--bit-depth 16: {targets[0].suffix} is written with 8 bits", remedy="--format png or tiff"
        )


def _note_raw_options(jobs: Sequence[ZoomJob], options: RawOptions) -> None:
    """Say it where options for RAW were given and there is none."""
    changed = [f.name for f in fields(options) if getattr(options, f.name) != f.default]
    if changed and not any(is_raw_path(job.source) for job in jobs):
        names = ", ".join("--" + name.replace("_", "-") for name in changed)
        warn(f"no picture here is RAW, so {names} changes nothing")


def _one(job: ZoomJob, request: ZoomRequest, engines: Engines, progress: BatchProgress) -> ZoomResult:
    started = time.perf_counter()
    try:
        if job.error is not None:
            raise job.error
        assert job.target is not None
        _check_files(job, request)
        if request.skip_existing and _is_done(job, request, engines):
            return ZoomResult(job.source, job.target, "skipped")
        return _zoom(job.source, job.target, request, engines, progress, started)
    except SrnetError as error:
        return _failed(job, error.about(job.source))
    except Exception as error:
        # A bug of ours, or no memory for this one: neither may cost the person the rest of the batch.
        if request.debug:
            people().print_exception()
        return _failed(job, unexpected(error, path=job.source))
    finally:
        progress.picture_done()


def _failed(job: ZoomJob, error: SrnetError) -> ZoomResult:
    show_error(error)
    return ZoomResult(job.source, job.target, "failed", error=str(error))


def _zoom(
    source: Path,
    target: Path,
    request: ZoomRequest,
    engines: Engines,
    progress: BatchProgress,
    started: float,
) -> ZoomResult:
    kept = request.skip_existing and target.exists()
    with without_chatter():
        undeveloped = output_format(target, request.write).holds_camera_colours
        picture = read_picture(source, request.raw, request.max_pixels, camera_colours=undeveloped)
    for note in picture.metadata.notes:
        warn(f"{source.name}: {note}")
    frame = plan_frame(picture.height, picture.width, request.scale, request.frame, request.crop)
    check_output(
        target,
        frame.height,
        frame.width,
        request.write,
        alpha=picture.alpha is not None,
        source_depth=picture.bit_depth,
    )
    passes = engines.for_scale(request.model_scale)
    tiles = tile_count(frame, passes)
    progress.start_picture(source.name, tiles, _announcement(picture, frame, passes, tiles))
    heatmaps: tuple[Path, ...] = ()
    with folder_for(target.parent):
        residual = _make(picture, frame, passes, target, request, progress)
        if request.heatmap:
            if residual is None:
                warn(f"{source.name}: the model has no auxiliary stream, so there is no heatmap")
            else:
                heatmaps = write_heatmaps(residual, target, request.overwrite, request.skip_existing)
    seconds = time.perf_counter() - started
    what = f"heatmaps of {target}" if kept else str(target)
    progress.say(f"{what}  {frame.width}×{frame.height}  {seconds:.1f} s")
    return ZoomResult(
        source,
        target,
        "written",
        frame.width,
        frame.height,
        models=tuple(engine.card.name for engine in passes),
        crisp=tuple(engine.crisp for engine in passes),
        strength=request.strength,
        seconds=seconds,
        heatmaps=heatmaps,
    )


def _make(
    picture: Picture,
    frame: Frame,
    passes: Sequence[Engine],
    target: Path,
    request: ZoomRequest,
    progress: BatchProgress,
) -> NDArray[np.float32] | None:
    """Write the result unless only its heatmaps are missing; return the predicted residual."""
    if target.exists() and request.skip_existing:
        return predicted_residual(picture, frame, passes, progress.tile_done)
    zoomed = zoom_to_file(
        picture,
        frame,
        passes,
        target,
        request.write,
        overwrite=request.overwrite,
        want_residual=request.heatmap,
        strength=request.strength,
        on_tile=progress.tile_done,
    )
    for note in zoomed.notes:
        warn(f"{target.name}: {note}")
    return zoomed.residual


def _is_done(job: ZoomJob, request: ZoomRequest, engines: Engines) -> bool:
    """Tell whether everything that is wanted of a picture exists."""
    assert job.target is not None
    if not job.target.exists():
        return False
    if all(path.exists() for path in job.heatmaps):
        return True
    # A model that predicts no residual will never make them.
    return not engines.predict_residual(request.model_scale)


def _check_files(job: ZoomJob, request: ZoomRequest) -> None:
    """Refuse before the work what stands where a result is to go."""
    assert job.target is not None
    for path in (job.target, *job.heatmaps):
        if path.is_dir():
            raise OutputError("is a folder, not a file", path=path, remedy="name another output")
        if not (request.overwrite or request.skip_existing) and os.path.lexists(path):
            raise OutputError("already exists", path=path, remedy="use --overwrite or --skip-existing")


def _announcement(picture: Picture, frame: Frame, passes: Sequence[Engine], tiles: int) -> str:
    """Say what the work will cost, as far as it is known before the first tile."""
    given = frame.region.height * frame.region.width / 1e6
    made = frame.height * frame.width / 1e6
    # A strip of float32 rows, its weighted copy and the rows waiting for the encoder; pixels of the input.
    strip = max((e.tile * e.scale * frame.region.width * e.scale * 12 * 3 for e in passes), default=0)
    light = 0 if picture.light is None else picture.light.nbytes
    memory = (picture.pixels.nbytes + light + strip) / 1e9
    how = ", ".join(
        f"{e.card.name}{f' (crisp {e.crisp:g})' if e.crisp else ''} on {e.device.type} "
        f"in {str(e.dtype).removeprefix('torch.')}"
        for e in passes
    )
    return f"{given:.2f} → {made:.2f} megapixels, {tiles} tiles, about {memory:.1f} GB besides the model" + (
        f" ({how})" if how else ""
    )
