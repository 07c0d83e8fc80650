"""A session of training: data, network, trainer, and the folder that keeps the run."""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import torch

from srnet_cli.compute.processes import Processes, join_processes
from srnet_cli.console import is_verbose, people
from srnet_cli.errors import DataError, DeviceError, MissingExtraError, TrainingError, UsageError
from srnet_cli.files import Identities
from srnet_cli.imaging.formats import format_of
from srnet_cli.interrupts import exit_code_of
from srnet_cli.models.card import CARD_FILE, read_card
from srnet_cli.models.released import released_names
from srnet_cli.models.tensors import is_mean_shift
from srnet_cli.training.fields import flag
from srnet_cli.training.network import network_options
from srnet_cli.training.options import CONFIG_FILE, TrainOptions, data_paths, network_scale, plain
from srnet_cli.training.recipe import resolved
from srnet_cli.training.run.checkpoint import Progress, State, load_checkpoint
from srnet_cli.training.run.folder import CURVES, PANELS, WRITTEN, RunFolder
from srnet_cli.training.run.progress import (
    ProgressLines,
    Reporter,
    preparation_display,
    progress_display,
)
from srnet_cli.training.run.signals import StopRequest, stop_at_signals
from srnet_cli.training.schedule import Schedule
from srnet_cli.training.setup import prepare
from srnet_cli.training.source import detect_data, open_data
from srnet_cli.training.trainer import RunEnd, Scalars, Trainer
from srnet_cli.version import extra_command

if TYPE_CHECKING:
    from srnet_cli.data import TrainingSource
    from srnet_cli.data.kinds import Detection

Say = Callable[[str], None]


#: options that are listed whatever their values
_ALWAYS = ("data", "model", "scale")
#: of an output among the data
_AMONG_IT = "what a run draws there would be among it"
_APART = "name another --output folder; a run that is there goes on with its files moved to one"


def run_training(options: TrainOptions, resume: bool) -> RunEnd:
    """Train as the (resolved) options say, into the folder ``options.output``.

    With ``resume`` it goes on from the folder's last checkpoint; where there is none yet, it starts.

    Raises:
        SrnetError: whatever kept it from ending well; checkpoints written before stay.
    """
    _check_named(options, resume)
    _check_teacher(options)
    with join_processes(options.device, gradients=True) as job, _reporter(job) as reporter:
        folder = RunFolder(options.output, reporter.say)
        resuming = _resumes(folder, job, resume)
        if resume and not resuming:
            reporter.say(f"no checkpoint in {options.output} yet: the run begins")
        with _held(folder, options, job, resume, resuming):
            end = _run(options, folder, resuming, job, reporter)
        if not end.stopped_by:
            reporter.say(_where_it_is(options))
            for doubt in _doubts(end):
                reporter.say(doubt)
        return end


def _held(
    folder: RunFolder, options: TrainOptions, job: Processes, resume: bool, resuming: bool
) -> AbstractContextManager[None, bool | None]:
    """Keep the folder for this run the context lasts; the first process sees to it."""
    if not job.leads:
        return nullcontext()
    return folder.resumed(options) if resuming else folder.reserved(options if resume else None)


def _run(
    options: TrainOptions, folder: RunFolder, resuming: bool, job: Processes, reporter: Reporter
) -> RunEnd:
    # What is wrong with the data is said first: nobody reads it below a list of options.
    _check_batches(options, job)
    found = _detected(options, reporter.say)
    _check_apart(found, options)
    _introduce(options, job, reporter.say)
    # Before the data, whose preparation may take hours: what cannot be trained is said at once.
    # What a run started from is in its checkpoint, and need not be there any more.
    start = replace(options, init=None) if resuming else options
    scale = network_scale(options)
    state = prepare(start, scale, job, reporter.say)
    _say_size(state, reporter.say)
    if resuming:
        load_checkpoint(folder.last, state, f"{options.model} ×{scale} {network_options(options)}")
        reporter.say(_how_far(options, state.progress))
    with _preparation(job) as progress:
        source = open_data(options, found, job, reporter.say, progress)
    if job.leads and resuming:
        folder.go_on(options, state.progress.step)
    elif job.leads:
        folder.begin(options)
    # Until here a signal ends the program at once, as there is nothing to save yet.
    with _scalars(options, job, folder) as scalars, stop_at_signals() as stop, _failure_explained(stop):
        return Trainer(options, job, source, state, folder, reporter, stop, scalars).run()


def _check_named(options: TrainOptions, resume: bool) -> None:
    """Refuse to begin where there is nothing to train on, before anything else."""
    if resume and not options.data and not RunFolder(options.output, lambda _: None).last.exists():
        raise UsageError(f"{options.output} holds no run to go on with", remedy="--data begins one")
    data_paths(options)


def _check_teacher(options: TrainOptions) -> None:
    """Refuse a teacher that the run would write its own weights over."""
    if options.teacher is None or options.teacher in released_names():
        return
    identities, teacher = Identities(), Path(options.teacher).resolve()
    written = {identities.place(options.output / name) for name in WRITTEN}
    if identities.file(teacher) == identities.file(options.output) or identities.place(teacher) in written:
        raise UsageError(
            f"--teacher {options.teacher} is what this run writes", remedy="copy it to another folder"
        )


def _detected(options: TrainOptions, say: Say) -> list[Detection]:
    """Recognise the data; where it cannot be, the run's own new folder may be the reason."""
    try:
        return detect_data(options, say)
    except DataError:
        for path in filter(Path.is_dir, data_paths(options)):
            _check_no_part(path, None, options)
        raise


def _check_apart(found: Sequence[Detection], options: TrainOptions) -> None:
    """Refuse to draw among the pictures that are trained on: the curves are a picture in the run's folder."""
    for path, each in zip(data_paths(options), found, strict=True):
        _check_no_part(path, each, options)
    output = options.output
    if not output.is_dir():
        return
    identify = Identities().file
    roots = [each.root for each in found]
    # LR and HR may be links to folders elsewhere.
    linked = [path for root in roots for path in root.iterdir() if path.is_symlink()]
    panels = identify(output / PANELS)
    # Data that lies in the panels, or is all of them.
    if any(
        identify(place) == panels for data in (*roots, *linked) for place in (data, *data.resolve().parents)
    ):
        raise UsageError(f"{output / PANELS} holds what is trained on, and {_AMONG_IT}", remedy=_APART)
    target = output.resolve()
    above = {identify(place) for place in (target, *target.parents)}
    # A folder as named counts, too: of one with train/ in it the next look would find the curves.
    if identify(target) in {identify(place) for place in (*roots, *data_paths(options))} or (
        any(identify(place) in above for place in (*roots, *linked))
        and any(format_of(path) is not None and path.name != CURVES for path in output.iterdir())
    ):
        raise UsageError(f"{output} holds what is trained on, and {_AMONG_IT}", remedy=_APART)


def _check_no_part(path: Path, found: Detection | None, options: TrainOptions) -> None:
    """Refuse an output that the next look at the data would take for a part of it, such as its HR."""
    from srnet_cli.data.opening import would_be_data

    identify, target = Identities().file, options.output.resolve()
    places = (target, *target.parents)
    root = next((number for number, place in enumerate(places) if identify(place) == identify(path)), 0)
    # Links in the data lead to it as well as its own path.
    links = [each for each in path.iterdir() if each.is_symlink() and identify(each) == identify(target)]
    inside = [path / place.relative_to(places[root]) for place in places[:root]]
    for way in (inside, *([link] for link in links)):
        part = would_be_data(way, found, options.scale)
        if part is not None:
            raise UsageError(
                f"{part} would be taken for a part of {path} by its name, and {_AMONG_IT}", remedy=_APART
            )


def _how_far(options: TrainOptions, progress: Progress) -> str:
    if Schedule(options).progress(progress.step, progress.elapsed) < 1:
        return f"going on after step {progress.step}"
    length = next(name for name in ("steps", "hours", "epochs") if getattr(options, name) is not None)
    return f"this run is finished, with step {progress.step}; a larger {flag(length)} goes on with it"


def _where_it_is(options: TrainOptions) -> str:
    place = quote(str(options.output))
    if options.input == "rgb":
        return f"the model is in {options.output}: srnet zoom photo.jpg --model {place}"
    # Of what is trained on developed pictures of mosaics there is no zoom.
    able = read_card(options.output / CARD_FILE).reads_mosaics
    used = f": srnet zoom photo.ARW --model {place}" if able else ""
    return f"the model is in {options.output}{used}"


def _doubts(end: RunEnd) -> Iterator[str]:
    """Say what speaks against using the model as it is."""
    if end.best_psnr is None:
        yield "note: how good it is was not measured, as the data has no held-out pairs"
    elif end.bicubic is not None and end.best_psnr < end.bicubic:
        figures = f"PSNR {end.best_psnr:.2f} dB, bicubic {end.bicubic:.2f}"
        yield f"note: it is worse than bicubic enlargement ({figures}); train it longer"


def prepare_data(options: TrainOptions) -> TrainingSource:
    """Bring the cache of the data up to date, and train nothing.

    Raises:
        DataError: when there is nothing to prepare.
    """
    job = Processes(torch.device("cpu"))
    with _preparation(job) as progress, _reporter(job) as reporter:
        return open_data(options, detect_data(options, reporter.say), job, reporter.say, progress)


def _resumes(folder: RunFolder, job: Processes, resume: bool) -> bool:
    """Return whether there is something to go on with; the first process looks, for all."""
    found = resume and job.leads and os.path.lexists(folder.last)
    return bool(job.most(float(found))[0])


def _introduce(options: TrainOptions, job: Processes, say: Say) -> None:
    processes = f", {job.world} processes" if job.world > 1 else ""
    say(f"training on {job.device}{processes}; everything goes to {options.output}")
    values = plain(options)
    if not is_verbose():
        named = {name: getattr(options, name) for name in (*_ALWAYS, "output")}
        usual = plain(resolved(TrainOptions(**named)))
        values = {name: v for name, v in values.items() if name in _ALWAYS or usual.get(name) != v}
    listed = " · ".join(f"{name} {json.dumps(value, ensure_ascii=False)}" for name, value in values.items())
    for line in textwrap.wrap(listed, people().width, break_on_hyphens=False):
        say(line)
    if not is_verbose():
        say(f"the other options have their usual values; all are in {options.output / CONFIG_FILE}")


def _say_size(state: State, say: Say) -> None:
    # As published: what the network has besides its mean colours, whether it is used or not.
    counted = sum(p.numel() for name, p in state.network.named_parameters() if not is_mean_shift(name))
    trained = sum(p.numel() for p in state.network.parameters() if p.requires_grad)
    idle = f" ({counted - trained:,} of them without use)" if trained < counted else ""
    precision = str(state.stepper.precision.dtype).removeprefix("torch.")
    say(f"{counted:,} parameters{idle}, {precision}")


def _check_batches(options: TrainOptions, job: Processes) -> None:
    sizes = [phase.batch for phase in options.phases] or [options.batch_size or 1]
    if min(sizes) < job.world:
        raise UsageError(f"a batch of {min(sizes)} cannot be shared out between {job.world} processes")


@contextmanager
def _reporter(job: Processes) -> Iterator[Reporter]:
    if not job.leads:
        yield Reporter()
        return
    with progress_display() as display:
        lines = ProgressLines(display)
        try:
            yield lines
        finally:
            lines.close()


@contextmanager
def _preparation(job: Processes) -> Iterator[Any]:
    """Give a callback that shows how far the preparation of data is, or None."""
    if not job.leads:
        yield None
        return
    with preparation_display() as show:
        yield show


@contextmanager
def _scalars(options: TrainOptions, job: Processes, folder: RunFolder) -> Iterator[Scalars | None]:
    if not options.tensorboard or not job.leads:
        yield None
        return
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingExtraError(
            "TensorBoard is not installed",
            remedy=f"{extra_command('tensorboard')}, or leave out --tensorboard",
        ) from error
    writer = SummaryWriter(str(folder.tensorboard))
    try:
        yield writer
    finally:
        writer.close()


@contextmanager
def _failure_explained(stop: StopRequest) -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise _out_of_memory() from error
    except RuntimeError as error:
        # A failed allocation on the CPU has no type of its own.
        if "DefaultCPUAllocator" in str(error) or "not enough memory" in str(error):
            raise _out_of_memory() from error
        if stop.number:  # the compiler in a step may have heard it, too, and ended at once
            raise SystemExit(exit_code_of(stop.number)) from error
        raise TrainingError(f"a step failed: {' '.join(str(error).split())[:300]}") from error


def _out_of_memory() -> DeviceError:
    return DeviceError(
        "not enough memory for a training step",
        remedy="--accumulate 2 computes a batch in parts; or use a smaller --patch-size or --batch-size",
    )
