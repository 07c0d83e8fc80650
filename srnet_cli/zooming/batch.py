"""Many pictures, one after the other: each failure named, the rest still done."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from srnet_cli.compute.processes import join_processes
from srnet_cli.console import people, show_error, warn
from srnet_cli.errors import ExistsError, SrnetError, unexpected
from srnet_cli.files import folder_for
from srnet_cli.imaging import Picture, RawOptions, check_output, is_raw_path, read_picture
from srnet_cli.imaging.codecs.native import without_chatter
from srnet_cli.names import NamePattern, factor_text
from srnet_cli.zooming.chain import Engines, ModelChoice, files_of_models
from srnet_cli.zooming.engine import Engine
from srnet_cli.zooming.forecast.announcement import announcement
from srnet_cli.zooming.forecast.files import writing_seconds
from srnet_cli.zooming.forecast.pace import Paces
from srnet_cli.zooming.forecast.plan import Forecast, forecast
from srnet_cli.zooming.frame import Frame, plan_frame
from srnet_cli.zooming.guarding.guard import note_devices
from srnet_cli.zooming.jobs import ZoomJob, ZoomPlan, check_depth, check_files, check_origins, plan_jobs
from srnet_cli.zooming.pipeline import Zoomed, tile_count, zoom_to_file, zoom_unwritten
from srnet_cli.zooming.progress import BatchProgress, duration
from srnet_cli.zooming.raw_engine import mosaic_model, mosaic_use
from srnet_cli.zooming.request import ZoomRequest, ZoomResult
from srnet_cli.zooming.showing.comparison import Comparison
from srnet_cli.zooming.showing.heatmap import write_heatmaps
from srnet_cli.zooming.showing.preview import write_preview

__all__ = ["ZoomRequest", "ZoomResult", "forecast_batch", "run_batch"]


@dataclass(frozen=True)
class _Run:
    """What all pictures of a batch share."""

    request: ZoomRequest
    engines: Engines
    progress: BatchProgress
    #: None where nobody sees how long it takes
    paces: Paces | None


def run_batch(
    inputs: Sequence[Path],
    output: Path | str | None,
    request: ZoomRequest,
    *,
    recursive: bool = False,
    standing: Mapping[Path, Hashable] | None = None,
) -> list[ZoomResult] | None:
    """Zoom everything; under torchrun each process takes its share and the first gathers the results.

    Returns None in the other processes.

    Raises:
        UsageError: when the request itself is impossible.
        WeightsError, DeviceError: when there is nothing to compute with or on.
    """
    plan = _planned(inputs, output, request, recursive, standing)
    jobs = plan.jobs
    with join_processes(request.engine.device) as processes:
        if processes.leads:
            _note_passed_over(plan.passed_over)
            _note_raw_options(jobs, request.raw)
        if processes.world > 1:
            request = replace(request, engine=replace(request.engine, device=str(processes.device)))
        mine = jobs[processes.rank :: processes.world]
        engines = _engines(request)
        seconds, paces = [1.0] * len(mine), None
        if people().is_terminal and not request.preview:
            paces = Paces.of_user()
            seconds = [forecast(job, request, engines, paces).seconds for job in mine]
        with BatchProgress(seconds) as progress:
            run = _Run(request, engines, progress, paces)
            results = [_one(job, run) for job in mine]
        if paces is not None:
            paces.save()
        shares = processes.gather(results)
    return [result for share in shares for result in share] if processes.leads else None


def forecast_batch(
    inputs: Sequence[Path],
    output: Path | str | None,
    request: ZoomRequest,
    *,
    recursive: bool = False,
    standing: Mapping[Path, Hashable] | None = None,
) -> list[Forecast]:
    """Say what :func:`run_batch` would do, and what it would take; nothing is written.

    Raises:
        as :func:`run_batch`.
    """
    plan = _planned(inputs, output, request, recursive, standing)
    _note_passed_over(plan.passed_over)
    engines, paces = _engines(request), Paces.of_user()
    found = [forecast(job, request, engines, paces) for job in plan.jobs]
    paces.save()
    return found


def _planned(
    inputs: Sequence[Path],
    output: Path | str | None,
    request: ZoomRequest,
    recursive: bool,
    standing: Mapping[Path, Hashable] | None,
) -> ZoomPlan:
    # A bad scale is the command line's fault, not a picture's.
    plan_frame(1 << 20, 1 << 20, request.scale)
    factor = factor_text(request.scale) if request.size is None else None
    plan = plan_jobs(
        inputs,
        output,
        request.tag,
        "png" if request.preview else request.write.format,
        recursive,
        request.heatmap,
        compare=request.compare,
        pattern=None if request.name is None else NamePattern(request.tag, request.name, factor),
        standing=standing,
        models=files_of_models(request.model),
    )
    check_depth(plan.jobs, request.write)
    return plan


def _engines(request: ZoomRequest) -> Engines:
    choice = ModelChoice(request.model, request.fast, request.crisp, request.engine, request.effort)
    engines = Engines(choice)
    engines.check(request.model_scale)
    return engines


def _note_passed_over(results: Sequence[Path]) -> None:
    if results:
        others = f" and {len(results) - 1} more" if len(results) > 1 else ""
        warn(f"{results[0]}{others}: made by srnet, so passed over; a result that is named itself is zoomed")


def _note_raw_options(jobs: Sequence[ZoomJob], options: RawOptions) -> None:
    """Say it where options for RAW were given and there is none."""
    changed = [f.name for f in fields(options) if getattr(options, f.name) != f.default]
    if changed and not any(is_raw_path(job.source) for job in jobs):
        names = ", ".join("--" + name.replace("_", "-") for name in changed)
        warn(f"no picture here is RAW, so {names} changes nothing")


def _one(job: ZoomJob, run: _Run) -> ZoomResult:
    started = time.perf_counter()
    try:
        if job.error is not None:
            raise job.error
        check_files(job, replaces=run.request.overwrite or run.request.skip_existing)
        if run.request.skip_existing:
            check_origins(job)
            if _is_done(job, run):
                return ZoomResult(job.source, job.target, "skipped")
        return _zoom(job, run, started)
    except SrnetError as error:
        if run.request.skip_existing and isinstance(error, ExistsError):
            return _came_between(job)
        return _failed(job, error.about(job.source))
    except Exception as error:
        # A bug of ours, or no memory for this one: neither may cost the person the rest of the batch.
        if run.request.debug:
            people().print_exception()
        return _failed(job, unexpected(error, path=job.source))
    finally:
        run.progress.picture_done()


def _came_between(job: ZoomJob) -> ZoomResult:
    """Leave out what another process has just made: what is there stays, however it came."""
    try:
        check_origins(job)
    except SrnetError as error:
        return _failed(job, error)
    return ZoomResult(job.source, job.target, "skipped")


def _failed(job: ZoomJob, error: SrnetError) -> ZoomResult:
    show_error(error)
    return ZoomResult(job.source, job.target, "failed", error=str(error))


def _zoom(job: ZoomJob, run: _Run, started: float) -> ZoomResult:
    request, progress, source, target = run.request, run.progress, job.source, job.target
    assert target is not None
    kept = _stays(target, request)
    with without_chatter():
        undeveloped = request.wants_camera_colours(target)
        model = mosaic_model(run.engines, request, undeveloped=undeveloped)
        picture = read_picture(
            source,
            request.raw,
            request.max_pixels,
            camera_colours=undeveloped,
            mosaic=mosaic_use(model, request),
        )
    for note in picture.metadata.notes:
        warn(f"{source.name}: {note}")
    picture = request.with_statements(picture, source)
    frame = request.frame_of(picture.height, picture.width)
    from_mosaic = None if picture.mosaic is None else model
    passes = run.engines.for_scale(request.reached_for(frame), from_mosaic)
    made = ZoomResult(
        source,
        target,
        "written",
        frame.width,
        frame.height,
        frame.scale,
        models=tuple(engine.card.name for engine in passes),
        crisp=tuple(engine.crisp for engine in passes),
        strength=request.strength,
    )
    if request.preview:
        with folder_for(target.parent):
            height, width = write_preview(picture, frame, passes, request, target)
        made = replace(made, width=width, height=height)
    else:
        check_output(
            target,
            frame.height,
            frame.width,
            request.write,
            alpha=picture.alpha is not None,
            source_depth=picture.bit_depth,
        )
        heatmaps, devices = _written(job, run, picture, frame, passes)
        made = replace(
            made,
            heatmaps=heatmaps,
            devices=devices,
            comparison=job.comparison,
            light_share=_light_share(passes),
        )
    seconds = time.perf_counter() - started
    what = f"what goes with {target}" if kept else str(target)
    progress.say(f"{what}  {made.width}×{made.height}  {duration(seconds)}")
    for path in (*made.heatmaps, *([made.comparison] if made.comparison else ())):
        progress.say(f"{path}")
    return replace(made, seconds=seconds)


def _written(
    job: ZoomJob, run: _Run, picture: Picture, frame: Frame, passes: Sequence[Engine]
) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """Write a result and what goes with it; return the heatmaps and the devices that computed."""
    request, target = run.request, job.target
    assert target is not None
    used = passes if request.runs_models else []
    tiles = tile_count(frame, used)
    estimate, writing = None, 0.0
    if run.paces is not None:
        deep = picture.bit_depth == 16
        writing = writing_seconds(target, request.write, frame.height, frame.width, deep)
        estimate = writing + run.paces.seconds(frame, used, picture.pixels)
    about = announcement(picture, frame, used, tiles, estimate)
    run.progress.start_picture(job.source.name, tiles, about)
    page = Comparison(picture, frame) if job.comparison is not None else None
    heatmaps: tuple[Path, ...] = ()
    everyone = dict.fromkeys(e for engine in used for e in (engine, engine.lighter) if e is not None)
    computed = [note_devices(engine.network, engine.device) for engine in everyone]
    for engine in passes:
        engine.begin_picture()
    started = time.perf_counter()
    with folder_for(target.parent):
        residual = _make(picture, frame, passes, target, run, page)
        if run.paces is not None:
            run.paces.learn(frame, used, time.perf_counter() - started - writing, picture.pixels)
        if request.heatmap:
            if residual is None:
                warn(f"{job.source.name}: the model has no auxiliary stream, so there is no heatmap")
            else:
                heatmaps = write_heatmaps(
                    residual,
                    target,
                    request.overwrite,
                    request.skip_existing,
                    picture.metadata.origin,
                )
        if page is not None and job.comparison is not None and not _stays(job.comparison, request):
            page.write(job.comparison, target, [engine.card.name for engine in passes], request.overwrite)
    for name in {engine.card.name: engine for engine in passes if engine.burst}:
        warn(f"{job.source.name}: {name} made no picture of its finest patterns, which are bicubic")
    return heatmaps, tuple(dict.fromkeys(name for names in computed for name in names()))


def _light_share(passes: Sequence[Engine]) -> float | None:
    """Compute the share of the last picture's tiles that light models computed; None without tiles."""
    engines = list(dict.fromkeys(passes))
    tiles = sum(engine.tiles for engine in engines)
    return round(sum(engine.light_tiles for engine in engines) / tiles, 3) if tiles else None


def _make(
    picture: Picture,
    frame: Frame,
    passes: Sequence[Engine],
    target: Path,
    run: _Run,
    page: Comparison | None,
) -> NDArray[np.float32] | None:
    """Write the result unless only what goes with it is missing; return the predicted residual."""
    request = run.request
    write = partial(zoom_to_file, target=target, options=request.write, overwrite=request.overwrite)
    compute: Callable[..., Zoomed] = zoom_unwritten if _stays(target, request) else write
    zoomed = compute(
        picture,
        frame,
        passes,
        want_residual=request.heatmap,
        strength=request.strength,
        on_tile=run.progress.tile_done,
        on_rows=None if page is None else page.see,
    )
    for note in zoomed.notes:
        warn(f"{target.name}: {note}")
    return zoomed.residual


def _stays(path: Path, request: ZoomRequest) -> bool:
    """Tell whether a file is left as it is; a link that leads nowhere is one, too."""
    return request.skip_existing and os.path.lexists(path)


def _is_done(job: ZoomJob, run: _Run) -> bool:
    """Tell whether everything that is wanted of a picture exists."""
    missing = {path for path in job.files if not os.path.lexists(path)}
    # A model that predicts no residual will never make heatmaps.
    return not missing or (
        missing.issubset(job.heatmaps) and not run.engines.predict_residual(run.request.model_scale)
    )
