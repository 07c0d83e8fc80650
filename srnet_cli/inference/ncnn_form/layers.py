"""A network written down as ncnn reads it: a text of layers and the weights behind one another.

A value that flows between layers is called by the name of the layer that made it. ncnn wants a value that
several layers read to be copied by a layer of its own; those are put in when the text is made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

#: what the text begins with
MAGIC = 7767517
#: in front of weights: what follows is float32
FLOAT32_TAG = bytes(4)

Activation = Literal["relu", "sigmoid"]
_ACTIVATIONS: dict[Activation | None, int] = {None: 0, "relu": 1, "sigmoid": 4}
_OPERATIONS = {"add": 0, "subtract": 1, "multiply": 2}


@dataclass(frozen=True)
class _Layer:
    kind: str
    name: str
    reads: tuple[str, ...]
    settings: str


@dataclass
class Layers:
    """The layers of one network, added in the order in which they are computed.

    Every method adds one layer and returns the name of what it makes: C×H×W where nothing else is said.
    """

    _layers: list[_Layer] = field(default_factory=list)
    _weights: list[bytes] = field(default_factory=list)

    def input(self, name: str) -> str:
        return self._add("Input", (), "", name)

    def conv(
        self,
        x: str,
        kernel: Tensor,
        bias: Tensor,
        activation: Activation | None = None,
        padding: tuple[int, int] | None = None,
        name: str | None = None,
    ) -> str:
        """Convolve with a stride of 1; ``kernel`` is O×I×Kh×Kw, ``padding`` (rows, columns) half of it."""
        outputs, _, height, width = kernel.shape
        rows, columns = (height // 2, width // 2) if padding is None else padding
        self._weigh(kernel, bias)
        settings = (
            f"0={outputs} 1={width} 11={height} 4={columns} 14={rows} 5=1 6={kernel.numel()} "
            f"9={_ACTIVATIONS[activation]}"
        )
        return self._add("Convolution", (x,), settings, name)

    def dense(self, x: str, matrix: Tensor, bias: Tensor, activation: Activation | None = None) -> str:
        """Multiply a vector of I by ``matrix``, O×I."""
        self._weigh(matrix, bias)
        settings = f"0={len(matrix)} 1=1 2={matrix.numel()} 9={_ACTIVATIONS[activation]}"
        return self._add("InnerProduct", (x,), settings)

    def combine(self, operation: str, x: str, y: str) -> str:
        """Add, subtract or multiply; a C×1×1 is taken for every pixel."""
        return self._add("BinaryOp", (x, y), f"0={_OPERATIONS[operation]}")

    def times(self, x: str, factor: float) -> str:
        return self._add("BinaryOp", (x,), f"0={_OPERATIONS['multiply']} 1=1 2={factor!r}")

    def mean(self, x: str) -> str:
        """Average each channel over the whole map: a vector of C."""
        return self._add("Pooling", (x,), "0=1 4=1")

    def as_channels(self, x: str, channels: int) -> str:
        """Make a vector of C a C×1×1."""
        return self._add("Reshape", (x,), f"0=1 1=1 2={channels}")

    def concatenate(self, parts: Sequence[str]) -> str:
        """Put channels behind one another."""
        return self._add("Concat", tuple(parts), "0=0")

    def quarter_turn(self, x: str, turns: int) -> str:
        """Turn square maps counter-clockwise, as ``torch.rot90`` does; exact."""
        if turns == 2:
            return self._flip(x, "-23300=2,1,2")
        transposed = self._add("Permute", (x,), "0=1")
        return self._flip(transposed, "-23300=1,1" if turns == 1 else "-23300=1,2")

    def shuffle(self, x: str, factor: int) -> str:
        """Make C·factor²×H×W a C×factor·H×factor·W."""
        return self._add("PixelShuffle", (x,), f"0={factor}")

    def relu(self, x: str) -> str:
        return self._add("ReLU", (x,), "")

    def result(self, x: str, name: str) -> str:
        """Give a value the name by which it is asked for."""
        return self._add("Noop", (x,), "", name)

    def text(self) -> str:
        """Write the layers as ncnn's text."""
        readers = Counter(read for layer in self._layers for read in layer.reads)
        lines, given = [], Counter[str]()
        blobs = 0

        def line(kind: str, name: str, reads: Sequence[str], makes: Sequence[str], settings: str) -> None:
            nonlocal blobs
            blobs += len(makes)
            parts = [kind, name, str(len(reads)), str(len(makes)), *reads, *makes, settings]
            lines.append(" ".join(part for part in parts if part))

        for layer in self._layers:
            reads = []
            for read in layer.reads:
                shared = readers[read] > 1
                reads.append(f"{read}_{given[read]}" if shared else read)
                given[read] += 1
            line(layer.kind, layer.name, reads, [layer.name], layer.settings)
            copies = readers[layer.name]
            if copies > 1:
                names = [f"{layer.name}_{i}" for i in range(copies)]
                line("Split", f"{layer.name}_split", [layer.name], names, "")
        return "\n".join([str(MAGIC), f"{len(lines)} {blobs}", *lines]) + "\n"

    def weights(self) -> bytes:
        """Put the weights of all layers behind one another."""
        return b"".join(self._weights)

    def _flip(self, x: str, axes: str) -> str:
        return self._add("Flip", (x,), axes)

    def _add(self, kind: str, reads: tuple[str, ...], settings: str, name: str | None = None) -> str:
        name = name or f"{kind.lower()}{len(self._layers)}"
        self._layers.append(_Layer(kind, name, reads, settings))
        return name

    def _weigh(self, kernel: Tensor, bias: Tensor) -> None:
        self._weights += [FLOAT32_TAG, _bytes(kernel), _bytes(bias)]


def _bytes(values: Tensor) -> bytes:
    return values.detach().to("cpu", torch.float32).contiguous().numpy().astype("<f4").tobytes()
