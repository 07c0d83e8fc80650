"""ncnn itself: its cards, and a network on one of them or on the processor.

Nothing of the package is imported, because this is also a script: the child process in which drivers are met
for the first time. One that crashes or hangs takes only the child with it. ``cards`` prints what there is;
``run TEXT WEIGHTS INPUT RESULT CARD HALF NAMES…`` computes one tile.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MEBIBYTE = 1 << 20
KINDS = ("discrete", "integrated", "virtual", "software")


def list_cards() -> list[dict[str, Any]]:
    """List the Vulkan devices: index, title, kind and bytes of memory that the driver lets us have."""
    import ncnn

    found = []
    for index in range(ncnn.get_gpu_count()):
        info = ncnn.get_gpu_info(index)
        kind = info.type()
        found.append(
            {
                "index": index,
                "title": info.device_name(),
                "kind": KINDS[kind] if 0 <= kind < len(KINDS) else "virtual",
                "memory": ncnn.get_gpu_device(index).get_heap_budget() * MEBIBYTE,
            }
        )
    return found


def load(text: str, weights: Path, card: int | None, half: bool, threads: int) -> Any:
    """Load a network onto a card, or for the processor; ``half`` stores maps and weights in float16.

    Raises:
        RuntimeError: ncnn does not take it.
    """
    import ncnn

    net = ncnn.Net()
    options = net.opt
    options.num_threads = threads
    options.use_vulkan_compute = card is not None
    options.use_fp16_packed = options.use_fp16_storage = half
    # With float16 sums a picture may be less than 60 dB from the processor's; stored only, it is 79 dB.
    options.use_fp16_arithmetic = False
    options.use_bf16_packed = options.use_bf16_storage = False
    if card is not None:
        net.set_vulkan_device(card)
    if net.load_param_mem(text) or net.load_model(str(weights)):
        raise RuntimeError("ncnn does not take the network")
    return net


def compute(net: Any, given: NDArray[np.float32], names: list[str]) -> list[NDArray[np.float32]]:
    """Compute C×H×W results from a C×H×W input; ``names`` are the input's and the results'.

    Raises:
        MemoryError: there is none left.
        RuntimeError: ncnn gives up.
    """
    import ncnn

    extractor = net.create_extractor()
    # A copy of its own: numpy's channels are not padded as a card takes them.
    extractor.input(names[0], ncnn.Mat(given).clone())
    results = []
    for name in names[1:]:
        code, result = extractor.extract(name)
        if code == -100:
            raise MemoryError("ncnn could not allocate")
        if code or result.empty():
            raise RuntimeError(f"ncnn gave up with {code}")
        results.append(np.array(result))
    return results


def _main(arguments: list[str]) -> None:
    if arguments[0] == "cards":
        print(json.dumps(list_cards()))
        return
    text, weights, given, result, card, half = arguments[1:7]
    net = load(Path(text).read_text(encoding="utf-8"), Path(weights), int(card), half == "1", 1)
    np.save(result, np.stack(compute(net, np.load(given), arguments[7:])))


if __name__ == "__main__":
    _main(sys.argv[1:])
