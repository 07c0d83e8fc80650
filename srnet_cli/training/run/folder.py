"""The folder of a run and everything in it."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from srnet_cli.config_file import MOST_CONFIG_BYTES
from srnet_cli.errors import OutputError, SrnetError, UsageError, unexpected
from srnet_cli.files import atomic_path, folder_for, make_folder, make_subfolder, write_text
from srnet_cli.models.card import CARD_FILE
from srnet_cli.models.crisp import CRISP_FILE
from srnet_cli.models.store import WEIGHTS_FILE
from srnet_cli.reading import read_text_input
from srnet_cli.temporaries import held_alone
from srnet_cli.training.options import CONFIG_FILE, TrainOptions, plain
from srnet_cli.training.run.curves import draw_curves
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
    def reserved(self, afresh: bool = False) -> Iterator[None]:
        """Have the folder for a new run while the block lasts; of one that takes no step nothing is left.

        ``afresh`` forgets what a run without a checkpoint has logged.

        Raises:
            UsageError: when another run is in it.
            OutputError: when it cannot be made or written, or holds what is no run's and would be replaced.
        """
        if self.last.exists() or (self.log.exists() and not afresh):
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
                self._refuse_to_replace(afresh)
                self._check_subfolders()
                with self._config_removed_if_unused():
                    yield

    def _refuse_to_replace(self, afresh: bool) -> None:
        """Refuse a folder of something else: a model, a folder of data, a recipe of one's own.

        Raises:
            OutputError: naming what is in the way.
        """
        # What a run writes before anything else, and before its first line of log may have been killed.
        is_run = afresh and _is_config_of_run(self.config)
        if is_run and os.path.lexists(self.log) and is_run_log(self.log):
            self._refuse_crisp()
            self._refuse_progress()
            return
        for path in (self.log, *map(self.path.joinpath, _REPLACED)):
            ours = is_run and path == self.config
            if not ours and os.path.lexists(path) and not _is_empty(path):
                raise OutputError(
                    "exists already, and a run would replace it",
                    path=path,
                    remedy="choose another --output folder; --resume begins an unfinished run again",
                )

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
        self.log.unlink(missing_ok=True)
        self._write_config(options)

    def go_on(self, options: TrainOptions, step: int) -> None:
        """Take up the log that :meth:`resumed` has read, up to ``step``, the checkpoint's."""
        self.records = [record for record in self.records if record["step"] <= step]
        if not self._config_stays(options):
            self._write_config(options)
        text = "".join(json.dumps(record) + "\n" for record in self.records)
        write_text(self.log, text, overwrite=True)

    def _config_stays(self, options: TrainOptions) -> bool:
        """Tell whether the file of options has its user's words, comments say, in it and is right as it is.

        Raises:
            OutputError: it has, but these options are others.
        """
        found = _read_config(self.config)
        if found is None or found.is_spelled_as_written:
            return False
        # Going on with a run is going on in its folder, whatever it is called by now.
        stated = {**plain(TrainOptions()), **found.values}
        if {**plain(options), "output": None} == {**stated, "output": None}:
            return True
        raise OutputError(
            "was edited, and would be replaced, as the options of this run are others",
            path=self.config,
            remedy="move it to another name, and give that to --config",
        )

    def _write_config(self, options: TrainOptions) -> None:
        write_text(self.config, tomli_w.dumps(plain(options)), overwrite=True)

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


@dataclass(frozen=True)
class _Config:
    """A file of options: as it is, and what it says."""

    text: str
    values: dict[str, Any]

    @property
    def is_spelled_as_written(self) -> bool:
        """Whether nothing is in it but values, as a run writes them."""
        return tomli_w.dumps(self.values) == self.text


def _read_config(path: Path) -> _Config | None:
    """Read a file of options; None when it is none."""
    try:
        text = read_text_input(path, MOST_CONFIG_BYTES)
        return _Config(text, tomllib.loads(text))
    except (SrnetError, ValueError, RecursionError):
        return None


def _is_config_of_run(path: Path) -> bool:
    """Tell whether a run has written these options: all of them, and in its own spelling."""
    found = _read_config(path)
    return (
        found is not None
        and plain(TrainOptions()).keys() <= found.values.keys()
        and found.is_spelled_as_written
    )


def _is_empty(path: Path) -> bool:
    """Tell whether nothing would be lost with a file or folder."""
    return not any(path.iterdir()) if path.is_dir() else path.is_file() and not path.stat().st_size


def _rounded(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value
