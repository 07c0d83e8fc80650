"""Photographs as one flat buffer on the device, from which crops are gathered by index."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from itertools import accumulate
from math import ceil

import numpy as np
import torch
from torch import Tensor

from srnet_cli.compute import cuda
from srnet_cli.data.photos import PhotoCache

#: uniform numbers that a crop takes: photograph, two places of two numbers, turn
CROP_NUMBERS = 6
#: share of the card's free memory that photographs may take
SHARE_OF_MEMORY = 0.25


def budget(device: torch.device) -> int | None:
    """Return the bytes that photographs may take on the device; None: any number."""
    return int(SHARE_OF_MEMORY * cuda.free_memory(device)) if device.type == "cuda" else None


@dataclass(frozen=True)
class _Page:
    """The photographs that are on the device at a time. Tables are on the CPU, one entry for each."""

    number: int
    heights: Tensor
    widths: Tensor
    #: of the first sample in the buffer
    offsets: Tensor
    #: sums of the areas of the photographs up to and with each, over the area of all
    shares: Tensor


class DevicePhotographs:
    """The photographs of a cache on ``device``: all, or as many as ``room`` bytes hold.

    The others are paged in. Page ``k`` is a part of a shuffle of all photographs, by the seed, so each is
    there once in a round of the pages; which patches are of which page is the caller's affair.

    Raises:
        ValueError: when the largest photograph leaves no room for others.
    """

    def __init__(self, cache: PhotoCache, device: torch.device, room: int | None = None) -> None:
        self._photos, self._device = cache.photos, device
        sizes = [photo.numel() for photo in cache.photos]
        total, largest = sum(sizes), max(sizes)
        #: pages of a round
        self.pages = 1
        if room is not None and total > room:
            if room < 2 * largest:
                raise ValueError(f"{room} bytes hold no two photographs of {largest}")
            # Filled evenly, no page has more than the mean and a photograph.
            self.pages = ceil(total / (room - largest))
        capacity = total if self.pages == 1 else total // self.pages + largest
        self._buffer = torch.empty(capacity, dtype=torch.uint8, device=device)
        self._page: _Page | None = None
        self._turn = threading.Lock()

    def crops(self, table: Tensor, size: int, page: int = 0, seed: int = 0) -> Tensor:
        """Cut a crop for each row of ``table``, N×``CROP_NUMBERS`` of 0..1 on the CPU: N×3×size×size float32.

        As ``PhotoCache.patches`` does: the more detailed of two places in a photograph, turned; large
        photographs more often, by area. Waits for the device only when another page is loaded.
        """
        with self._turn:
            page = page if self.pages > 1 else 0
            if self._page is None or self._page.number != page:
                self._page = self._load(page, seed)
            return self._gather(_places(table, size, self._page), size)

    def _load(self, page: int, seed: int) -> _Page:
        chosen = self._members(page, seed)
        # What is still being cut from the page before.
        cuda.synchronise(self._device)
        offsets = [0]
        for number in chosen:
            photo = self._photos[number]
            self._buffer[offsets[-1] : offsets[-1] + photo.numel()].copy_(photo.reshape(-1))
            offsets.append(offsets[-1] + photo.numel())
        cuda.synchronise(self._device)
        heights, widths = (
            torch.tensor([self._photos[number].shape[side] for number in chosen]) for side in (1, 2)
        )
        areas = (heights * widths).double()
        shares = torch.tensor(list(accumulate((areas / areas.sum()).tolist())), dtype=torch.float64)
        return _Page(page, heights, widths, torch.tensor(offsets[:-1]), shares)

    def _members(self, page: int, seed: int) -> list[int]:
        """List the photographs of a page: each goes to the page with the least so far."""
        turn, place = divmod(page, self.pages)
        if self.pages == 1:
            return list(range(len(self._photos)))
        order = np.random.default_rng((seed, turn)).permutation(len(self._photos)).tolist()
        pages: list[list[int]] = [[] for _ in range(self.pages)]
        filled = [0] * self.pages
        for number in order:
            least = filled.index(min(filled))
            pages[least].append(number)
            filled[least] += self._photos[number].numel()
        return pages[place]

    def _gather(self, places: Tensor, size: int) -> Tensor:
        """Gather crops at ``places`` (N×8: offset, height, width, two corners, turn), on the CPU."""
        columns = cuda.send(places, self._device).view(-1, 8, 1, 1, 1).unbind(1)
        offset, height, width, y0, x0, y1, x1, turn = columns
        plane = height * width
        better = self._detail(offset + plane, width, y1, x1, size) > self._detail(
            offset + plane, width, y0, x0, size
        )
        better = better.view(-1, 1, 1, 1)
        y, x = torch.where(better, y1, y0), torch.where(better, x1, x0)
        steps = torch.arange(size, device=self._device)
        down, across = steps.view(1, 1, -1, 1), steps.view(1, 1, 1, -1)
        # ``photos.dihedral``, of indices: where the sample comes from that goes to a place.
        turned = (turn & 4) > 0
        row, column = torch.where(turned, across, down), torch.where(turned, down, across)
        row = torch.where((turn & 2) > 0, size - 1 - row, row)
        column = torch.where((turn & 1) > 0, size - 1 - column, column)
        channel = torch.arange(3, device=self._device).view(1, 3, 1, 1)
        return self._buffer[offset + channel * plane + (y + row) * width + x + column].float()

    def _detail(self, first: Tensor, width: Tensor, y: Tensor, x: Tensor, size: int) -> Tensor:
        """Measure what ``photos`` takes for detail, of the plane that begins at ``first``: N."""
        steps = torch.arange(0, size, 2, device=self._device)
        rows, columns = steps.view(1, 1, -1, 1), steps.view(1, 1, 1, -1)
        green = self._buffer[first + (y + rows) * width + x + columns].float()[:, 0]
        return green.diff(dim=1).abs().mean((1, 2)) + green.diff(dim=2).abs().mean((1, 2))


def _places(table: Tensor, size: int, page: _Page) -> Tensor:
    """Turn uniform numbers to what ``_gather`` takes: N×8, on the CPU."""
    which = torch.searchsorted(page.shares, table[:, 0].contiguous(), right=True)
    which = which.clamp(max=len(page.shares) - 1)
    heights, widths = page.heights[which], page.widths[which]

    def corner(column: int, lengths: Tensor) -> Tensor:
        room = lengths - size + 1
        return (table[:, column] * room).long().minimum(room - 1)

    corners = [corner(1, heights), corner(2, widths), corner(3, heights), corner(4, widths)]
    turn = (table[:, 5] * 8).long().clamp(max=7)
    return torch.stack([page.offsets[which], heights, widths, *corners, turn], dim=1)
