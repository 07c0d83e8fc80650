"""Samples of 8 and 16 bits to the networks' 0..255 and back, on the device that computes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from srnet_cli.imaging.depth import STEPS
from srnet_cli.imaging.picture import Pixels

#: rows that are rounded at a time on the CPU, in bytes: what its cache holds
CACHED = 2 << 20


def as_float(pixels: Pixels, device: torch.device) -> Tensor:
    """Take samples of either depth to ``device`` as float32, 0..255."""
    # torch does not take memory that may not be written to.
    return to_float(torch.from_numpy(np.require(pixels, requirements=["C", "W"])).to(device))


def to_float(samples: Tensor) -> Tensor:
    """Turn samples of either depth to float32, 0..255."""
    values = samples.float()
    return values.div_(STEPS) if samples.dtype == torch.uint16 else values


@torch.inference_mode()
def to_samples(rows: Tensor, bit_depth: int) -> Tensor:
    """Round rows of 0..255 to samples of 8 or 16 bits; what lies beyond is cut. ``rows`` is overwritten."""
    peak, kind = (65_535, torch.uint16) if bit_depth == 16 else (255, torch.uint8)
    samples = torch.empty(rows.shape, dtype=kind, device=rows.device)
    for chosen in parts(rows):
        part = rows[chosen]
        if bit_depth == 16:
            part *= STEPS
        samples[chosen] = part.add_(0.5).clamp_(0, peak)
    return samples


def parts(rows: Tensor) -> Iterator[slice]:
    """Yield the rows few at a time on the CPU, so that what is made of them stays in its cache; else all."""
    each = max(1, rows[0].numel() * 4) if len(rows) else 1
    at_once = max(1, CACHED // each) if rows.device.type == "cpu" else max(1, len(rows))
    for start in range(0, len(rows), at_once):
        yield slice(start, start + at_once)
