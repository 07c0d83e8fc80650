"""Everything that the program asks of ncnn, in one place that a test can replace: cards and networks."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from srnet_cli.compute import ncnn_process
from srnet_cli.compute.chatter import collecting
from srnet_cli.compute.imports import current_folder_kept_out
from srnet_cli.errors import DeviceError, MissingExtraError
from srnet_cli.reading import parse_json
from srnet_cli.version import extra_command

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

CardKind = Literal["discrete", "integrated", "virtual", "software"]

#: seconds that a driver has to name its cards, and to compile its programs and compute a small tile
PATIENCE, TRIAL_PATIENCE = 20.0, 120.0
_ALLOCATION = re.compile(r"vkAllocateMemory failed|out of (?:device|host) memory|OUT_OF_\w+_MEMORY", re.I)


@dataclass(frozen=True)
class Card:
    """A Vulkan device as its driver describes it."""

    index: int
    title: str
    kind: CardKind
    #: bytes that the driver lets us have
    memory: int


@dataclass(frozen=True)
class Program:
    """A network for ncnn: its layers as text, their weights, and what its input and results are called."""

    text: str
    weights: bytes
    #: the input first
    names: tuple[str, ...]


def installed() -> bool:
    """Tell whether ncnn is there."""
    return find_spec("ncnn") is not None


def demand() -> None:
    """Refuse when ncnn is not installed.

    Raises:
        MissingExtraError: it is not.
    """
    if not installed():
        raise MissingExtraError("Vulkan needs ncnn, which is not installed", remedy=extra_command("vulkan"))


@cache
def cards() -> tuple[Card, ...]:
    """List the Vulkan devices; none without ncnn, without a driver, or when a driver crashes or hangs."""
    if not installed():
        return ()
    try:
        found = parse_json(_child(["cards"], PATIENCE))
    except (DeviceError, ValueError):
        return ()
    return tuple(Card(**card) for card in found)


def try_in_child(
    program: Program, given: NDArray[np.float32], card: int, half: bool
) -> list[NDArray[np.float32]]:
    """Compute a tile in a process of its own, which a driver may crash or block.

    Raises:
        DeviceError: it did, or it gave up.
    """
    import numpy as np

    with tempfile.TemporaryDirectory(prefix="srnet-") as name:
        folder = Path(name)
        (folder / "text").write_text(program.text, encoding="utf-8")
        (folder / "weights").write_bytes(program.weights)
        np.save(folder / "given.npy", given)
        files = [str(folder / file) for file in ("text", "weights", "given.npy", "result.npy")]
        _child(["run", *files, str(card), str(int(half)), *program.names], TRIAL_PATIENCE)
        return list(np.load(folder / "result.npy"))


class Runner:
    """A network in this process, on the Vulkan card ``card`` or, where that is None, on the processor.

    Raises:
        DeviceError: ncnn does not take it.
        MissingExtraError: ncnn is not installed.
    """

    def __init__(self, program: Program, *, card: int | None, half: bool, threads: int) -> None:
        demand()
        self._names = list(program.names)
        with tempfile.TemporaryDirectory(prefix="srnet-") as name, _explained():
            weights = Path(name) / "weights"
            weights.write_bytes(program.weights)
            self._net: Any = ncnn_process.load(program.text, weights, card, half, threads)

    def __call__(self, given: NDArray[np.float32], results: Sequence[str]) -> list[NDArray[np.float32]]:
        """Compute the results of these names from C×H×W.

        Raises:
            MemoryError: the card has no memory left for it.
            DeviceError: the driver gives up.
        """
        with _explained():
            return ncnn_process.compute(self._net, given, [self._names[0], *results])


@contextmanager
def _explained() -> Iterator[None]:
    """Turn ncnn's failure into an error with what its driver said; without a failure nobody hears it.

    Raises:
        MemoryError, DeviceError: as it was.
    """
    failure: RuntimeError | None = None
    with collecting() as heard:
        try:
            yield
        except RuntimeError as error:
            failure = error
    if failure is None:
        return
    said = heard.text.decode(errors="replace")
    if _ALLOCATION.search(said):
        raise MemoryError(_last_line(said)) from failure
    raise DeviceError(_last_line(said) or str(failure)) from failure


def _child(arguments: Sequence[str], patience: float) -> str:
    # -P: modules beside the script are not taken for libraries of the same name.
    command = [sys.executable, "-P", ncnn_process.__file__, *arguments]
    try:
        with current_folder_kept_out():
            done = subprocess.run(
                command, capture_output=True, timeout=patience, check=False, stdin=subprocess.DEVNULL
            )
    except subprocess.TimeoutExpired:
        raise DeviceError(f"the driver did not answer within {patience:g} seconds") from None
    except OSError as error:
        raise DeviceError(f"cannot start a process: {error.strerror}") from error
    if done.returncode < 0:
        raise DeviceError(f"the driver crashed (signal {-done.returncode})")
    if done.returncode:
        raise DeviceError(_last_line(done.stderr.decode(errors="replace")) or "the driver failed")
    # Drivers write where they like: what is ours is the last line.
    return (done.stdout.decode(errors="replace").splitlines() or [""])[-1]


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""
