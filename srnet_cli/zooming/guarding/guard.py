"""A network that is looked after: a tile that a device spoils is computed again, if need be elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from srnet_cli.compute.device import device_title, is_out_of_memory, precision_name
from srnet_cli.errors import DeviceError, SrnetError
from srnet_cli.network.blocks import NetworkOutput, planes_of
from srnet_cli.zooming.guarding.looks import (
    AGREEMENT,
    TRIAL_TOLERANCE,
    agrees,
    is_plausible,
    trial_tile,
)

#: false alarms after which tiles are no longer held against their input: such a network is just like that
PATIENCE = 3
#: sides below twice this are not tried smaller
SMALLEST_SIDE = 48

#: what a device may do instead of computing; running out of memory is seen to before
Failures = (RuntimeError, SrnetError, MemoryError, ValueError, NotImplementedError)


@dataclass(frozen=True)
class Way:
    """A device and a type in which a network may be computed."""

    device: torch.device
    dtype: torch.dtype
    #: makes the network for it, and what that makes of the built-in tile; None where it needs no trial
    open: Callable[[Tensor], tuple[nn.Module, Tensor | None]]

    @property
    def name(self) -> str:
        return f"{self.device} in {precision_name(self.dtype)}"

    @property
    def tensors(self) -> torch.device:
        """Where its tensors lie."""
        return torch.device("cpu") if self.device.type == "vulkan" else self.device


class GuardedNetwork(nn.Module):
    """A network on the first of several ways that works; the last one, the processor, is trusted.

    ``forward(lr, residual=False)`` takes and returns tensors wherever ``lr`` lies. Each way has to compute
    the built-in tile as the plain network does. Afterwards a tile that cannot be right, or for which the
    device gives up, is computed by the next way, and so is all that follows. When memory runs out the caller
    is left to try a smaller batch or tile, for as long as that can help.

    Raises:
        DeviceError: with ``strict``, instead of taking another way.
    """

    def __init__(
        self,
        network: nn.Module,
        ways: Sequence[Way],
        *,
        strict: bool = False,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        super().__init__()
        self._ways = list(ways)
        self._strict, self._tell = strict, tell
        #: which ways computed tiles since :meth:`restart`
        self.used: list[Way] = []
        self._alarms = 0
        self._done_sides: set[int] = set()
        self._trial = trial_tile(planes_of(network))
        expected = _plain(network)
        self._open(expected)
        self._expected = expected
        radius: int | None = getattr(self._network, "receptive_radius", None)
        if radius is not None:
            self.receptive_radius = radius

    @property
    def way(self) -> Way:
        """The way in use."""
        return self._ways[0]

    def restart(self) -> None:
        """Begin again to note which ways are used."""
        self.used = []

    def forget(self) -> None:
        """Let go of memory that is kept for speed."""
        forget = getattr(self._network, "forget", None)
        if forget is not None:
            forget()

    @torch.inference_mode()
    def forward(self, lr: Tensor, residual: bool = False) -> NetworkOutput:
        while True:
            try:
                output = self._compute(lr, residual)
                problem = None if self._is_right(lr, output) else "gave a wrong picture"
            except Failures as error:
                if len(self._ways) == 1 or self._may_be_smaller(lr, error):
                    raise
                problem = _words(error)
            if problem is None:
                break
            self._leave(problem)
            self._open(self._expected)
        self._done_sides.add(lr.shape[-1])
        if self.way not in self.used:
            self.used.append(self.way)
        return output

    def _compute(self, lr: Tensor, residual: bool) -> NetworkOutput:
        output: NetworkOutput = self._network(lr.to(self.way.tensors, non_blocking=True), residual)
        label = None if output.residual is None else output.residual.to(lr.device)
        return NetworkOutput(output.sr.to(lr.device), label)

    def _is_right(self, lr: Tensor, output: NetworkOutput) -> bool:
        """Look at a result; one that looks wrong is compared with the processor's own."""
        if len(self._ways) == 1 or self._alarms >= PATIENCE or is_plausible(lr, output):
            return True
        if output.sr.shape[:1] != lr.shape[:1]:
            return False
        judge, _ = self._ways[-1].open(self._trial)
        for index in range(len(lr)):
            tile, made = lr[index : index + 1], output.sr[index : index + 1]
            if is_plausible(tile, NetworkOutput(made)):
                continue
            own: NetworkOutput = judge(tile.cpu(), False)
            if not agrees(made, own.sr, AGREEMENT):
                return False
        # What is left to be wrong is the residual, which is not a number.
        if output.residual is not None and not bool(torch.isfinite(output.residual).all()):
            return False
        self._alarms += 1
        return True

    def _may_be_smaller(self, lr: Tensor, error: Exception) -> bool:
        """Tell whether the caller can help it: no memory, and a batch or a tile that can be halved."""
        if not is_out_of_memory(error):
            return False
        side = lr.shape[-1]
        # In the middle of a picture, where tiles of this size went well, they can no longer be smaller.
        return len(lr) > 1 or (side // 2 >= SMALLEST_SIDE and side not in self._done_sides)

    def _open(self, expected: Tensor) -> None:
        """Make the network of the first way that computes the built-in tile rightly."""
        while True:
            try:
                self._network, made = self.way.open(self._trial)
                if made is None or agrees(made, expected, TRIAL_TOLERANCE):
                    return
                problem = "gave a wrong picture of the built-in tile"
            except Failures as error:
                if len(self._ways) == 1:
                    raise
                problem = _words(error)
            self._leave(problem)

    def _leave(self, problem: str) -> None:
        """Go on to the next way.

        Raises:
            DeviceError: with ``strict``.
        """
        left = self.way
        if self._strict:
            raise DeviceError(f"{left.name}: {problem}", remedy="leave out --strict, or use --device cpu")
        self._ways.pop(0)
        self._done_sides.clear()
        title = device_title(left.device) if left.device.type not in ("cpu", "mps") else left.device.type
        self._tell(f"{left.name} ({title}) {problem}: {self.way.name} computes instead")


def computed_in(
    network: nn.Module, device: torch.device, dtype: torch.dtype
) -> tuple[torch.device, torch.dtype]:
    """Find where an engine's network is computed now; ``device`` and ``dtype`` are the engine's."""
    return (network.way.device, network.way.dtype) if isinstance(network, GuardedNetwork) else (device, dtype)


def note_devices(network: nn.Module, device: torch.device) -> Callable[[], list[str]]:
    """Begin to note which devices compute an engine's network; what is returned lists them."""
    if not isinstance(network, GuardedNetwork):
        return lambda: [str(device)]
    network.restart()
    return lambda: list(dict.fromkeys(str(way.device) for way in network.used))


def _plain(network: nn.Module) -> Tensor:
    """Compute the built-in tile by the network as it is, in float32 where it is."""
    weight = next(network.parameters(), torch.zeros(1))
    with torch.inference_mode():
        output: NetworkOutput = network.eval()(trial_tile(planes_of(network)).to(weight.device), False)
    return output.sr.float().cpu()


def _words(error: Exception) -> str:
    text = error.reason if isinstance(error, SrnetError) else " ".join(str(error).split())
    return f"failed: {text[:160]}" if text else f"failed with {type(error).__name__}"
