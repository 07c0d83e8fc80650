"""The file of options in the folder of a run, which its user may have edited."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tomli_w

from srnet_cli.config_file import MOST_CONFIG_BYTES
from srnet_cli.errors import OutputError, UsageError
from srnet_cli.files import write_text
from srnet_cli.reading import read_text_input
from srnet_cli.training.options import TrainOptions, plain
from srnet_cli.training.recipe import options_from, read_layer, resolved


def states_options(path: Path) -> bool:
    """Tell whether a file is there that states options of a training run, in whatever words."""
    try:
        return _read(path) is not None
    except UsageError:
        return False


def config_stays(path: Path, options: TrainOptions, trained: bool) -> bool:
    """Tell whether a file of options is its user's, by any word or by what it leaves out, and still right.

    What a run has written states all options, and nothing else, in its own spelling. ``trained`` says that
    there is a checkpoint beside it; then it may be of an earlier version, which knew fewer.

    Raises:
        OutputError: it is its user's, but states other options.
        UsageError: it cannot be read.
    """
    found = _read(path)
    if found is None or not found.text or (found.is_spelled_as_written and found.is_whole):
        return False
    # Going on with a run is going on in its folder, whatever it is called by now.
    if replace(found.options, output=options.output) == resolved(options):
        return True
    if trained and found.is_spelled_as_written:
        return False
    raise OutputError(
        "was edited, and would be replaced, as the options of this run are others",
        path=path,
        remedy="move it to another name, and give that to --config",
    )


def write_config(path: Path, options: TrainOptions) -> None:
    """Write options as a run does.

    Raises:
        OutputError: when that cannot be done.
    """
    write_text(path, tomli_w.dumps(plain(options)), overwrite=True)


@dataclass(frozen=True)
class _Config:
    """A file of options: as it is, what stands in it, and what that comes to."""

    text: str
    values: dict[str, Any]
    options: TrainOptions

    @property
    def is_spelled_as_written(self) -> bool:
        """Whether nothing is in it but values, as a run writes them."""
        return tomli_w.dumps(self.values) == self.text

    @property
    def is_whole(self) -> bool:
        """Whether every option that always has a value is in it."""
        return plain(TrainOptions()).keys() <= self.values.keys()


def _read(path: Path) -> _Config | None:
    """Read a file of options; None when there is none, or a link to nothing.

    Raises:
        UsageError: it is no such file.
    """
    if not path.exists():
        return None
    options = resolved(options_from(read_layer(path)))
    text = read_text_input(path, MOST_CONFIG_BYTES, UsageError)
    return _Config(text, tomllib.loads(text), options)
