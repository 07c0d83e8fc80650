"""The network over a whole picture: tiles in, finished strips of rows out.

Memory does not grow with the picture: besides a few tiles there is one strip of output rows, as high as a
tile, in float32. On the CPU tiles are computed one by one, so that no result depends on a batch size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from srnet_cli.compute import cuda
from srnet_cli.compute.device import choose_precision, is_out_of_memory
from srnet_cli.errors import DeviceError, WeightsError
from srnet_cli.imaging.boxes import Box
from srnet_cli.imaging.depth import to_float_255
from srnet_cli.imaging.picture import Pixels
from srnet_cli.inference.bursts import bursts, check_plausible, without_bursts
from srnet_cli.models.card import Card
from srnet_cli.models.store import LoadedModel
from srnet_cli.network.blocks import NetworkOutput
from srnet_cli.zooming.colours import ColourTie
from srnet_cli.zooming.guarding.guard import GuardedNetwork
from srnet_cli.zooming.guarding.ways import device_for, largest_tile, open_network
from srnet_cli.zooming.tiles import Grid, take, window

#: tiles that are cut and converted ahead of the one being computed
AHEAD = 2
#: tiles in one GPU batch to start with; halved when memory runs out
GPU_BATCH = 16
#: what tiles are multiples of where any size will do: convolutions take columns together
TILE_UNIT = 8
#: below this the tile is not made smaller; the attention would see too little
SMALLEST_TILE = 48
MIRRORED_VIEWS = 8


@dataclass(frozen=True)
class Strip:
    """Finished rows of the output, from ``top`` on: h×W×3 float32, 0..255, unclamped."""

    top: int
    sr: NDArray[np.float32]
    #: the network's predicted residual of the same rows, when it was asked for
    residual: NDArray[np.float32] | None


@dataclass(frozen=True)
class EngineOptions:
    """How the engine computes; device and batch change nothing in the result but rounding."""

    device: str = "auto"
    precision: str = "auto"
    #: side of a tile in LR pixels; None: what the model's card says
    tile: int | None = None
    #: average over the eight flips and transposes of each tile
    ensemble: bool = False
    #: tiles in a batch; None: one on the CPU, as many as fit on a GPU
    batch: int | None = None
    #: tie the mean colours of the result to the input's
    keep_colours: bool = True
    #: an error, instead of another device, where the device does not compute rightly
    strict: bool = False


class Engine:
    """One model, ready on one device.

    Raises:
        DeviceError: when device or precision is not there.
        WeightsError: when the model does not take pictures.
    """

    def __init__(self, model: LoadedModel, options: EngineOptions | None = None) -> None:
        if model.card.input_space != "srgb":
            raise WeightsError(f"takes a {model.card.input_space}, not pictures", path=model.path)
        options = options or EngineOptions()
        self.options = options
        device = device_for(options.device, model.network)
        self.dtype = choose_precision(options.precision, device)
        #: where tiles lie; what Vulkan computes comes from the processor's memory and goes back there
        self.device = torch.device("cpu") if device.type == "vulkan" else device
        self.card: Card = model.card
        self.scale: int = model.card.scale
        #: how much of the model's crisp set was mixed in
        self.crisp = model.crisp
        self.predicts_residual = bool(getattr(model.network, "predicts_residual", False))
        self.tile = largest_tile(model.network, device, self.dtype, options.tile or model.card.tile)
        self.network: nn.Module = open_network(model.network, device, self.dtype, strict=options.strict)
        self.batch = options.batch or (1 if self.device.type == "cpu" else GPU_BATCH)
        #: whether parts were replaced so far, of which the network made no picture
        self.burst = False

    def grid(self, region: Box) -> Grid:
        """Choose the tiles that cover ``region``.

        A network that sees only so far gives the same picture in tiles of any size: the size, up to the
        card's, is taken that computes the fewest pixels twice or for nothing.
        """
        radius: int | None = getattr(self.network, "receptive_radius", None)
        if radius is None:
            fitting = max(_fitting(region, self.card.overlap), self.card.tile)
            return _faded(region, min(self.tile, fitting), self.card.overlap)
        if self.options.tile:
            return _cut(region, min(self.tile, _fitting(region, 2 * radius)), 2 * radius)
        sizes = range(4 * radius // TILE_UNIT * TILE_UNIT + TILE_UNIT, self.tile + 1, TILE_UNIT)
        grids = [_cut(region, size, 2 * radius) for size in (*sizes, self.tile)]
        return min(grids, key=lambda grid: (grid.rows * grid.columns * grid.size**2, -grid.size))

    def smaller(self, grid: Grid, error: Exception) -> Grid:
        """Choose smaller tiles when memory has run out.

        Raises:
            DeviceError: when they would be too small.
        """
        half = grid.size // 2 // 4 * 4
        if half < SMALLEST_TILE:
            raise DeviceError(f"out of memory even with tiles of {grid.size} pixels") from error
        return (_faded if grid.faded else _cut)(grid.region, half, grid.overlap)

    def strips(
        self,
        pixels: Pixels,
        region: Box,
        residual: bool = False,
        on_tile: Callable[[], None] | None = None,
    ) -> Iterator[Strip]:
        """Zoom ``region`` of a picture, from top to bottom.

        ``pixels`` is H×W×3, uint8 or uint16; around the region the picture's own pixels are the context, at
        the picture's borders their reflection. ``on_tile`` is called after each tile. With
        ``residual`` the strips also carry the predicted residual of a network that has one. When memory runs
        out, smaller batches and then, before the first strip, smaller tiles are tried.

        Raises:
            DeviceError: when memory runs out all the same.
            WeightsError: when the network's output is not finite or absurdly large.
        """
        strips = self._strips(pixels, region, residual and self.predicts_residual, on_tile)
        if not self.options.keep_colours or self.scale == 1:
            yield from strips
            return
        tie, top = ColourTie(pixels, region, self.scale), 0
        residuals: list[NDArray[np.float32]] = []
        for strip in strips:
            if strip.residual is not None:
                residuals.append(strip.residual)
            for rows in tie.push(strip.sr):
                yield Strip(top, rows, _first_rows(residuals, len(rows)))
                top += len(rows)

    def _strips(
        self, pixels: Pixels, region: Box, residual: bool, on_tile: Callable[[], None] | None
    ) -> Iterator[Strip]:
        grid = self.grid(region)
        rows = self._rows(pixels, grid, residual, on_tile)
        while True:
            try:
                first = next(rows)
                break
            except _TileTooLargeError as error:
                grid = self.smaller(grid, error)
                self.tile = grid.size
                rows = self._rows(pixels, grid, residual, on_tile)
        yield first
        try:
            yield from rows
        except _TileTooLargeError as error:
            raise DeviceError(
                f"out of memory on {self.device.type}", remedy=f"--tile {self.tile // 2} needs less"
            ) from error

    def _rows(
        self, pixels: Pixels, grid: Grid, residual: bool, on_tile: Callable[[], None] | None
    ) -> Iterator[Strip]:
        weights = window(grid, self.scale)
        strip = _Accumulator(grid, self.scale, 6 if residual else 3)
        for row, top in enumerate(grid.tops()):
            tiles = self._computed(pixels, grid, top, residual)
            for column, result in enumerate(tiles):
                strip.add(result, column, weights)
                if on_tile is not None:
                    on_tile()
            finished = strip.finish(row)
            if finished is not None:
                start, values = finished
                yield Strip(start, values[..., :3], values[..., 3:] if residual else None)

    def _computed(
        self, pixels: Pixels, grid: Grid, top: int, residual: bool
    ) -> Iterator[NDArray[np.float32]]:
        """Compute one row of tiles, left to right: sS×sS×3, or ×6 with the residual."""
        lefts = grid.lefts()
        with ThreadPoolExecutor(max_workers=1) as preparing:

            def prepare(start: int) -> Future[Tensor]:
                chosen = lefts[start : start + self.batch]
                pinned = self.device.type == "cuda"
                return preparing.submit(_to_tensor, pixels, top, chosen, grid.size, pinned)

            starts = range(0, len(lefts), self.batch)
            pending = [prepare(start) for start in starts[:AHEAD]]
            for start in starts:
                batch = pending.pop(0).result()
                following = start + AHEAD * self.batch
                if following < len(lefts):
                    pending.append(prepare(following))
                for part in self._in_smaller_batches(batch, residual):
                    yield from part

    def _in_smaller_batches(self, batch: Tensor, residual: bool) -> Iterator[NDArray[np.float32]]:
        """Compute a batch, halved for as long as memory does not suffice for it."""
        try:
            yield self._run(batch, residual)
            return
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if isinstance(self.network, GuardedNetwork) and self.device.type == "cuda":
                self.network.forget()
                cuda.release_cached_memory()
            if len(batch) == 1:
                raise _TileTooLargeError(str(error)) from error
        half = (len(batch) + 1) // 2
        yield from self._in_smaller_batches(batch[:half], residual)
        yield from self._in_smaller_batches(batch[half:], residual)

    def _run(self, batch: Tensor, residual: bool) -> NDArray[np.float32]:
        """Turn N×3×S×S on the CPU to N×sS×sS×3 (or ×6) on the CPU."""
        lr = batch.to(self.device, non_blocking=True)
        with torch.inference_mode():
            output = self._ensemble(lr, residual) if self.options.ensemble else self.network(lr, residual)
            sr, more = output.sr, output.residual
            if self.options.keep_colours and bursts(sr):
                check_plausible(self.network(torch.full_like(lr, 128), False).sr, self.card.name)
                sr, self.burst = without_bursts(sr, lr, self.scale), True
                more = None if more is None else more.nan_to_num(0).clamp(-255, 255)
            joined = sr if more is None else torch.cat([sr, more], dim=1)
            check_plausible(joined, self.card.name)
            result: NDArray[np.float32] = joined.permute(0, 2, 3, 1).float().cpu().numpy()
        return result

    def _ensemble(self, lr: Tensor, residual: bool) -> NetworkOutput:
        views = [_undo(self.network(_view(lr, which), residual), which) for which in range(MIRRORED_VIEWS)]
        sr = torch.stack([view.sr for view in views]).mean(dim=0)
        residuals = [view.residual for view in views if view.residual is not None]
        return NetworkOutput(sr, torch.stack(residuals).mean(dim=0) if residuals else None)


class _TileTooLargeError(Exception):
    """One tile alone does not fit the memory."""


class _Accumulator:
    """The strip of output rows under the current row of tiles; the next row's overlap is kept."""

    def __init__(self, grid: Grid, scale: int, channels: int) -> None:
        self.grid, self.scale = grid, scale
        side = grid.size * scale
        width = ((grid.columns - 1) * grid.stride + grid.size) * scale
        self.values = np.zeros((side, width, channels), dtype=np.float32)

    def add(self, result: NDArray[np.float32], column: int, weights: NDArray[np.float32]) -> None:
        left = column * self.grid.stride * self.scale
        side = len(weights)
        weighted = result * weights[:, None, None]
        weighted *= weights[None, :, None]
        self.values[:, left : left + side] += weighted

    def finish(self, row: int) -> tuple[int, NDArray[np.float32]] | None:
        """Take the rows of the region that no later tile touches, and the first one's number."""
        grid, scale = self.grid, self.scale
        lead = (grid.discard + grid.fade) * scale
        stride = grid.stride * scale
        height, width = grid.region.height * scale, grid.region.width * scale
        # In strip coordinates: the next tile's fade begins `discard` after its start.
        begin = max(lead - row * stride, grid.discard * scale)
        end = min(stride + grid.discard * scale, lead + height - row * stride)
        finished = self.values[begin:end, lead : lead + width].copy() if end > begin else None
        kept = grid.overlap * scale
        self.values[:kept] = self.values[stride:]
        self.values[kept:] = 0
        return None if finished is None else (row * stride + begin - lead, finished)


def _first_rows(parts: list[NDArray[np.float32]], count: int) -> NDArray[np.float32] | None:
    """Take so many rows off the first of the parts, which are cut as the rows beside them."""
    if not parts:
        return None
    rows = parts[0][:count]
    if count < len(parts[0]):
        parts[0] = parts[0][count:]
    else:
        parts.pop(0)
    return rows


def _fitting(region: Box, overlap: int) -> int:
    """Size a tile that holds the whole region: a larger one would compute more padding only."""
    return -(-(max(region.height, region.width) + 2 * overlap) // TILE_UNIT) * TILE_UNIT


def _faded(region: Box, size: int, overlap: int) -> Grid:
    return Grid(region, size, min(overlap, size // 4) // 4 * 4)


def _cut(region: Box, size: int, overlap: int) -> Grid:
    return Grid(region, size, min(overlap, size // 2) // 2 * 2, faded=False)


def _to_tensor(pixels: Pixels, top: int, lefts: list[int], size: int, pinned: bool) -> Tensor:
    """Stack tiles as N×3×S×S float32, 0..255; ``pinned`` memory reaches a CUDA device without waiting."""
    tiles = np.stack([take(pixels, top, left, size) for left in lefts])
    batch = torch.from_numpy(to_float_255(tiles)).permute(0, 3, 1, 2)
    return batch.pin_memory() if pinned else batch


def _view(lr: Tensor, which: int) -> Tensor:
    if which & 1:
        lr = lr.flip(3)
    if which & 2:
        lr = lr.flip(2)
    return lr.transpose(2, 3) if which & 4 else lr


def _undo(output: NetworkOutput, which: int) -> NetworkOutput:
    def back(picture: Tensor) -> Tensor:
        if which & 4:
            picture = picture.transpose(2, 3)
        if which & 2:
            picture = picture.flip(2)
        return picture.flip(3) if which & 1 else picture

    return NetworkOutput(back(output.sr), None if output.residual is None else back(output.residual))
