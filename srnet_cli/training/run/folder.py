"""The folder of a run and everything in it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from srnet_cli.errors import OutputError, SrnetError, UsageError, unexpected
from srnet_cli.files import atomic_path, folder_for, make_folder, make_subfolder, write_text
from srnet_cli.models.card import CARD_FILE
from srnet_cli.models.crisp import CRISP_FILE
from srnet_cli.models.store import WEIGHTS_FILE
from srnet_cli.temporaries import held_alone
from srnet_cli.training.options import CONFIG_FILE, TrainOptions
from srnet_cli.training.run.config import config_stays, states_options, write_config
from srnet_cli.training.run.curves import draw_curves
from srnet_cli.training.run.drawn import is_drawn
from srnet_cli.training.run.log import LOG_FILE, Records, is_run_log, read_run_log

#: held by the process that trains in a folder; it is removed at the end, so nobody else may call a file so
LOCK_FILE = ".srnet-run.lock"
#: what a run replaces, besides its log and checkpoints: files, and the folder of panels
CURVES, PANELS = "curves.png", "panels"
#: where TensorBoard keeps its own
TENSORBOARD = "tensorboard"
_REPLACED = (CONFIG_FILE, CURVES, PANELS, "best.pt", WEIGHTS_FILE, CARD_FILE, CRISP_FILE)
#: models among all that it writes
WRITTEN = frozenset({"best.pt", "last.pt", WEIGHTS_FILE, CARD_FILE})


class RunFolder:
    """Files of one run: config.toml, log.jsonl, curves.png, panels/, last.pt, best.pt and the exported model.

    A log, curve or panel that cannot be written is reported through ``warn`` and stops nothing.
    """

    def __init__(self, path: Path, warn: Callable[[str], None]) -> None:
        self.path = path
        self._warn = warn
        self.records: Records = []

    @property
    def config(self) -> Path:
        return self.path / CONFIG_FILE

    @property
    def last(self) -> Path:
        """The newest checkpoint."""
        return self.path / "last.pt"

    @property
    def best(self) -> Path:
        """The checkpoint with the best validation PSNR."""
        return self.path / "best.pt"

    @property
    def log(self) -> Path:
        return self.path / LOG_FILE

    @property
    def tensorboard(self) -> Path:
        return self.path / TENSORBOARD

    @contextmanager
    def reserved(self, again: TrainOptions | None = None) -> Iterator[None]:
        """Have the folder for a new run while the block lasts; of one that takes no step nothing is left.

        With ``again``, its options, a run that has no checkpoint yet is begun again, and its log forgotten.

        Raises:
            UsageError: when another run is in it.
            OutputError: when it cannot be made or written, or holds what is no run's and would be replaced.
        """
        if self.last.exists() or (self.log.exists() and again is None):
            remedy = (
                "--resume goes on with it"
                if self.last.exists()
                else "--resume begins it again, without a log"
            )
            raise UsageError(
                "there is a run in this folder already",
                path=self.path,
                remedy=f"{remedy}; or choose another --output folder",
            )
        with folder_for(self.path):
            if not os.access(self.path, os.W_OK):
                raise OutputError("no permission to write there", path=self.path)
            with self.locked():
                # Another run's files, which begin while it holds the lock, are no one's to refuse.
                self._refuse_to_replace(again)
                self._check_subfolders()
                with self._config_removed_if_unused():
                    yield

    def _refuse_to_replace(self, again: TrainOptions | None) -> None:
        """Refuse a folder of something else: a model, a folder of data, a recipe of one's own.

        Raises:
            OutputError: naming what is in the way.
        """
        begun = again is not None and self._is_begun(again)
        for path in (self.log, *map(self.path.joinpath, _REPLACED)):
            if not os.path.lexists(path) or _is_empty(path) or (begun and _is_left_by_run(path)):
                continue
            remedy = "choose another --output folder; --resume begins an unfinished run again"
            if again is not None:
                remedy = "move it to another folder, or choose another --output folder"
            raise OutputError("exists already, and a run would replace it", path=path, remedy=remedy)

    def _is_begun(self, again: TrainOptions) -> bool:
        """Tell whether a run may have begun here, which writes its options before anything else.

        Raises:
            OutputError: it has made what would be lost, or its options are no longer those in the file.
        """
        if not states_options(self.config):
            return False
        self._refuse_crisp()
        self._refuse_progress()
        self._config_stays(again)
        return True

    def _refuse_progress(self) -> None:
        """Refuse to begin again where the newest checkpoint is missing, but not what it led to.

        Figures in the log are no such thing: a run has them before it has written any weights.

        Raises:
            OutputError: there are weights.
        """
        if any(map(os.path.lexists, (self.best, self.path / WEIGHTS_FILE))):
            again = f"copy {self.best.name} to that name to go on from there, or "
            raise OutputError(
                "is missing, and beginning again would replace what this run has made",
                path=self.last,
                remedy=f"{again if self.best.is_file() else ''}choose another --output folder",
            )

    @contextmanager
    def resumed(self, options: TrainOptions) -> Iterator[None]:
        """Have the folder for a run that goes on while the block lasts; its log is read.

        Raises:
            UsageError, OutputError: as :meth:`locked`; or a folder in it leads elsewhere, the checkpoint
                nowhere, or a crisp set of weights, or what its user wrote of the options, would be lost.
            InputError: the log cannot be read.
        """
        with self.locked():
            if not self.last.exists():
                raise OutputError("is a link to nothing", path=self.last, remedy="is its disk not mounted?")
            self._refuse_crisp()
            self._config_stays(options)
            self._check_subfolders()
            self.records = read_run_log(self.log) if os.path.lexists(self.log) else []
            yield

    def _refuse_crisp(self) -> None:
        """Refuse to replace weights that a crisp set, a training of its own, was put beside.

        No run makes one, and with other weights beside it it is worth nothing.

        Raises:
            OutputError: there is one.
        """
        path = self.path / CRISP_FILE
        if os.path.lexists(path):
            raise OutputError(
                "belongs to the weights that this run would replace, and would be lost with them",
                path=path,
                remedy=f"copy {WEIGHTS_FILE}, {CARD_FILE} and {CRISP_FILE} to another folder, "
                f"then remove {CRISP_FILE} from this one",
            )

    def _check_subfolders(self) -> None:
        """Refuse before the work what is no folder of this one; the run of another may hold anything."""
        for folder in (self.path / PANELS, self.tensorboard):
            if os.path.lexists(folder):
                make_subfolder(folder)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from training in the folder while the block lasts.

        Two of them would write their checkpoints over each other's.

        Raises:
            UsageError, OutputError: as :func:`held_alone`.
        """
        with held_alone(self.path / LOCK_FILE, "is training"):
            yield

    @contextmanager
    def _config_removed_if_unused(self) -> Iterator[None]:
        ours = not self.config.exists()
        try:
            yield
        finally:
            if ours and not self.last.exists() and not self.log.exists():
                # What cannot be removed does no harm, and must not hide why the run ended.
                with suppress(OSError):
                    self.config.unlink(missing_ok=True)

    def begin(self, options: TrainOptions) -> None:
        """Make the folder of a new run, with its options in it.

        Raises:
            OutputError: when that cannot be written.
        """
        make_folder(self.path)
        stays = self._config_stays(options)
        self.log.unlink(missing_ok=True)
        if not stays:
            write_config(self.config, options)

    def go_on(self, options: TrainOptions, step: int) -> None:
        """Take up the log that :meth:`resumed` has read, up to ``step``, the checkpoint's."""
        self.records = [record for record in self.records if record["step"] <= step]
        if not self._config_stays(options):
            write_config(self.config, options)
        text = "".join(json.dumps(record) + "\n" for record in self.records)
        write_text(self.log, text, overwrite=True)

    def _config_stays(self, options: TrainOptions) -> bool:
        return config_stays(self.config, options, trained=self.last.exists())

    def record(self, **values: Any) -> None:
        """Append a line to the log."""
        kept = {key: _rounded(value) for key, value in values.items() if value is not None}
        self.records.append(kept)

        def append() -> None:
            with self.log.open("a", encoding="utf-8") as log:
                log.write(json.dumps(kept, allow_nan=False) + "\n")

        self._try("the log", append)

    def draw(self, title: str) -> None:
        """Renew the curves."""

        def write() -> None:
            with atomic_path(self.path / CURVES, overwrite=True) as temporary:
                draw_curves(self.records, temporary, title)

        self._try("the curves", write)

    def add_panel(self, step: int, panel: Callable[[], bytes]) -> None:
        """Add the panel of one validation."""

        def write() -> None:
            make_subfolder(self.path / PANELS)
            with atomic_path(self.path / PANELS / f"step-{step:08d}.png", overwrite=True) as temporary:
                temporary.write_bytes(panel())

        self._try("a panel", write)

    def _try(self, what: str, write: Callable[[], None]) -> None:
        try:
            write()
        except (OSError, SrnetError) as error:
            self._warn(f"{what} could not be written: {error}; training goes on")
        except Exception as error:
            # Drawn of a log that may say anything, and never worth a run of days.
            self._warn(f"{what} could not be written: {unexpected(error)}; training goes on")


def _is_left_by_run(path: Path) -> bool:
    """Tell whether a run that was killed before its first weights has left what is at one of its names."""
    if path.name == LOG_FILE:
        return is_run_log(path)
    if path.name == PANELS:
        return all(map(is_drawn, path.glob("step-*.png")))
    # What its user may have written of the options was looked at by then.
    return path.name == CONFIG_FILE or (path.name == CURVES and is_drawn(path))


def _is_empty(path: Path) -> bool:
    """Tell whether nothing would be lost with a file or folder."""
    return not any(path.iterdir()) if path.is_dir() else path.is_file() and not path.stat().st_size


def _rounded(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value
