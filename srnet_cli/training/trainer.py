"""The trainer: the loop over steps, and what is measured and kept between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol

from srnet_cli.compute.processes import Processes
from srnet_cli.data import TrainingSource
from srnet_cli.errors import DivergedError, OutputError, SrnetError
from srnet_cli.models.card import Card
from srnet_cli.models.store import save_model
from srnet_cli.training.feed import Feed, Order, open_feed
from srnet_cli.training.options import TrainOptions
from srnet_cli.training.run.card import card_of
from srnet_cli.training.run.checkpoint import State, save_checkpoint
from srnet_cli.training.run.exported import export_best, take_up_best
from srnet_cli.training.run.folder import RunFolder
from srnet_cli.training.run.panels import panel_png
from srnet_cli.training.run.progress import Reporter
from srnet_cli.training.run.signals import StopRequest
from srnet_cli.training.run.watch import Meter, Watch
from srnet_cli.training.schedule import Schedule
from srnet_cli.training.step.stepper import Precision
from srnet_cli.training.validation import (
    Crop,
    Validation,
    centre_crops,
    logged,
    mean_bicubic,
    validate,
)

#: seconds after which losses are looked at, however few steps there were
LOOK_AFTER = 10.0


class Scalars(Protocol):
    """The part in use of TensorBoard's ``SummaryWriter``."""

    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> None: ...


@dataclass(frozen=True)
class RunEnd:
    """The end of a run."""

    #: the signal that stopped it, 0 when it ran to its end
    stopped_by: int
    step: int
    #: the last validation of this run, None without held-out pairs
    validation: Validation | None
    #: mean PSNR of the exported model, None if it was never measured, and of bicubic enlargement (dB)
    best_psnr: float | None
    bicubic: float | None


class Trainer:
    """Trains ``state`` until the schedule ends or a signal stops it."""

    def __init__(
        self,
        options: TrainOptions,
        job: Processes,
        source: TrainingSource,
        state: State,
        folder: RunFolder,
        reporter: Reporter,
        stop: StopRequest,
        scalars: Scalars | None = None,
    ) -> None:
        self.options, self.job, self.source, self.state = options, job, source, state
        self.folder, self.reporter, self.stop, self.scalars = folder, reporter, stop, scalars
        self.schedule = Schedule(options)
        self.crops: list[Crop] = centre_crops(source.validation(), source.scale, options.validation_crop)
        self.meter, self.watch = Meter(state.stepper.loss.names), Watch(state.stepper.loss.unsettled)
        self.validation: Validation | None = None
        self._ordered = state.progress.samples
        self._looked = self._saved = state.progress.elapsed
        self._saved_step = -1
        #: why the best weights so far could not be kept, and whether their model is missing
        self._unkept: OutputError | None = None
        self._unexported = False
        self._clock = perf_counter()

    def run(self) -> RunEnd:
        """Train.

        Raises:
            DivergedError: when the loss is not finite or explodes.
            PeerError: when another process of the job is gone.
            DataError: when a batch cannot be made.
            OutputError: when the last checkpoint or the model cannot be written.
        """
        self._take_up_best()
        self._clock = perf_counter()
        with self._divergence_explained(), self._kept_on_failure():
            stopped_by = self._train()
        if self.job.leads and self.state.progress.validated_step != self.state.progress.step:
            self.folder.draw(self._title)
        if stopped_by:
            self._save_last()
            self._export_again()
        else:
            self._finish()
        progress = self.state.progress
        return RunEnd(
            stopped_by, progress.step, self.validation, progress.best_psnr, mean_bicubic(self.crops)
        )

    def _train(self) -> int:
        stopped_by = self.stop.number
        if self._validation_is_due():
            self._validate()  # left out when the run was stopped at this step
        with open_feed(self.source, self.job, self.options.seed, self.options.workers) as feed:
            while not stopped_by and self._done() < 1.0:
                self._step(feed)
                stopped_by = self._agree()
                self._after_step(stopped_by)
        return stopped_by

    @contextmanager
    def _divergence_explained(self) -> Iterator[None]:
        try:
            yield
        except DivergedError as error:
            kept = self.folder.last.exists()
            again = (
                "the last good checkpoint is kept; go on from it with --resume"
                if kept
                else "there is no checkpoint yet; give the same command again with --resume"
            )
            calmer = "and a lower --lr, with --clip 50 or with --precision fp32"
            raise DivergedError(error.reason, remedy=f"{again} {calmer}") from error

    @contextmanager
    def _kept_on_failure(self) -> Iterator[None]:
        """Write a checkpoint of all steps that were taken, where the data or another process is gone."""
        try:
            yield
        except DivergedError:
            raise  # the checkpoint before is the good one
        except SrnetError:
            if self.state.progress.step not in (0, self._saved_step):
                self._save_in_failure()
            raise

    # --- a step ---

    def _step(self, feed: Feed) -> None:
        self._order_ahead(feed)
        delivery = feed.take()
        progress, stepper = self.state.progress, self.state.stepper
        stepper.set_rate(self._rate())
        size = delivery.order.size
        tail_only = self.schedule.trains_tail_only(progress.step, progress.new_tail)
        batch = stepper.turned(delivery.batch, progress.step)
        with feed.held() if stepper.records(batch, tail_only) else nullcontext():
            losses = stepper(batch, self.job.share(size), tail_only, progress.step)
        progress.step += 1
        progress.samples += size
        self.meter.add(losses, delivery.waited)

    def _order_ahead(self, feed: Feed) -> None:
        total = self.schedule.total_steps
        while feed.wants_orders:
            step = self.state.progress.step + len(feed)
            if total is not None and step >= total:
                return
            phase = self.schedule.phase(self.schedule.progress(step, self.state.progress.elapsed))
            feed.order(Order(self._ordered, phase.batch, phase.patch))
            self._ordered += phase.batch

    def _agree(self) -> int:
        """Advance the clock; all processes take the same time and the same signal for true."""
        now = perf_counter()
        elapsed = self.state.progress.elapsed + now - self._clock
        self._clock = now
        stopped_by, self.state.progress.elapsed = self.job.most(self.stop.number, elapsed)
        return int(stopped_by)

    def _done(self) -> float:
        return self.schedule.progress(self.state.progress.step, self.state.progress.elapsed)

    def _rate(self) -> float:
        progress = self.state.progress
        return self.schedule.learning_rate(progress.step, self._done(), progress.new_tail)

    # --- between steps ---

    def _after_step(self, stopped_by: int) -> None:
        progress, done = self.state.progress, self._done()
        self.reporter.stepped(progress.step, done)
        validating = self._validation_is_due() and not stopped_by
        looking = self.meter.steps >= self.options.log_every or progress.elapsed - self._looked >= LOOK_AFTER
        if looking or validating or stopped_by or done >= 1.0:
            self._look()
        began = perf_counter()
        if validating:
            self._validate()
            self._save_last(may_fail=True)
        elif progress.elapsed - self._saved >= 60 * self.options.checkpoint_minutes and done < 1.0:
            self._save_last(may_fail=True)
        self.meter.skip(perf_counter() - began)

    def _validation_is_due(self) -> bool:
        step = self.state.progress.step
        assert self.options.validate_every is not None
        at_a_mark = step % self.options.validate_every == 0 or self._done() >= 1.0
        return bool(self.crops) and at_a_mark and step != self.state.progress.validated_step

    def _look(self) -> None:
        """Close the window of losses: log, show, judge."""
        progress = self.state.progress
        window = self.meter.close(self.job)
        self._looked = progress.elapsed
        rate = self._rate()
        left = self.schedule.seconds_left(progress.step, progress.elapsed, window.step_time)
        self.reporter.window(window, rate, left)
        self.watch.look(window, progress.step)
        losses = {name: value for name, value in window.losses.items() if name != "total"}
        self._record(**losses, lr=rate, step_time=window.step_time, data_wait=window.data_wait)

    def _validate(self) -> None:
        progress = self.state.progress
        self.validation, shown = validate(self.state.shown, self.crops, self._precision, self.job)
        progress.validated_step = progress.step
        is_best = progress.best_psnr is None or self.validation.psnr > progress.best_psnr
        self.reporter.validated(progress.step, self.validation, is_best)
        self._record(**logged(self.validation))
        if not self.job.leads:
            return
        self.folder.draw(self._title)
        self.folder.add_panel(progress.step, lambda: panel_png(shown, self.options.interpolation))
        if is_best:
            self._keep_best()
        else:
            self._export_again()

    def _record(self, **values: float | None) -> None:
        if not self.job.leads:
            return
        progress = self.state.progress
        epoch = progress.step / self.options.epoch_steps
        self.folder.record(step=progress.step, epoch=epoch, elapsed=progress.elapsed, **values)
        if self.scalars is not None:
            for name, value in values.items():
                if value is not None:
                    self.scalars.add_scalar(name, value, progress.step)

    @property
    def _title(self) -> str:
        return f"{self.options.model} ×{self.options.scale}"

    @property
    def _precision(self) -> Precision:
        return self.state.stepper.precision

    # --- keeping ---

    def _save_last(self, may_fail: bool = False) -> None:
        """Write the newest checkpoint; where it ``may_fail``, a full disk stops nothing yet."""
        self._saved = self.state.progress.elapsed
        if not self.job.leads:
            return
        try:
            save_checkpoint(self.folder.last, self.state, self._card())
        except OutputError as error:
            if not may_fail:
                raise
            self.reporter.say(f"note: no checkpoint: {error}; training goes on, the next is tried later")
        else:
            self._saved_step = self.state.progress.step

    def _save_in_failure(self) -> None:
        try:
            if self.meter.steps:  # judged as at any end, but alone: the others may be gone
                self.watch.look(self.meter.close(Processes(self.job.device)), self.state.progress.step)
            self._save_last()
        except (SrnetError, RuntimeError) as error:
            self.reporter.say(f"note: no checkpoint: {error}")
        else:
            self.reporter.say(f"step {self.state.progress.step} is kept; --resume goes on from it")

    def _keep_best(self) -> None:
        """Write the weights as the best, which they are only where they are written."""
        progress = self.state.progress
        assert self.validation is not None
        before = progress.best_psnr, progress.best_step
        progress.best_psnr, progress.best_step = self.validation.psnr, progress.step
        try:
            save_checkpoint(self.folder.best, self.state, self._card())
        except OutputError as error:
            # A run that goes on from here measures them again.
            progress.best_psnr, progress.best_step = before
            progress.validated_step = 0
            self._unkept = error
            self.reporter.say(f"note: the best weights could not be kept: {error}; training goes on")
            return
        self._unkept = None
        try:
            save_model(self.folder.path, self.state.shown, self._card())
            self._unexported = False
        except OutputError as error:
            self._say_unexported(error)

    def _say_unexported(self, error: OutputError) -> None:
        self._unexported = True
        self.reporter.say(f"note: no model of the best weights: {error}; it is tried again later")

    def _export_again(self) -> None:
        if self._unexported:
            try:
                export_best(self.folder)
                self._unexported = False
            except OutputError as error:
                self._say_unexported(error)

    def _take_up_best(self) -> None:
        """Go on from the best that the folder has; what it should have is measured again."""
        progress, found = self.state.progress, True
        if self.job.leads and progress.best_step is not None:
            try:
                found = take_up_best(self.folder, progress)
            except OutputError as error:
                self._say_unexported(error)
        if self.job.most(float(not found))[0]:
            progress.validated_step = 0

    def _finish(self) -> None:
        if self._saved_step != self.state.progress.step:
            self._save_last()
        if not self.job.leads:
            return
        if not self.crops:
            # Nothing was measured, so the newest weights are what there is.
            save_model(self.folder.path, self.state.shown, self._card())
        elif export_best(self.folder) is None and self._unkept is None:
            raise OutputError("the best weights are gone, and with them the model", path=self.folder.path)
        if self._unkept is not None:
            raise self._unkept

    def _card(self) -> Card:
        return card_of(self.options, self.source, self.validation, self.state.progress)
