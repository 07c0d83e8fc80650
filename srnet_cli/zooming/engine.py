"""The network over a whole picture: tiles in, finished strips of rows out, all on the engine's device.

Memory does not grow with the picture: besides a few tiles there is one strip of output rows, as high as a
tile, in float32. On the CPU tiles are computed one by one, so that no result depends on a batch size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from srnet_cli.compute import cuda
from srnet_cli.compute.device import choose_precision, is_out_of_memory
from srnet_cli.errors import DeviceError, UsageError, WeightsError
from srnet_cli.imaging.boxes import Box
from srnet_cli.imaging.picture import Pixels
from srnet_cli.inference.bursts import bursts, check_plausible, without_bursts
from srnet_cli.inference.interior import Interior, interior_of
from srnet_cli.models.card import Card
from srnet_cli.models.store import LoadedModel
from srnet_cli.zooming.effort.texture import plain_lefts
from srnet_cli.zooming.guarding.guard import GuardedNetwork
from srnet_cli.zooming.guarding.ways import device_for, largest_tile, open_network
from srnet_cli.zooming.rows.blending import Canvas
from srnet_cli.zooming.rows.colours import ColourTie
from srnet_cli.zooming.rows.mosaics import cells, centred, tied_colours
from srnet_cli.zooming.rows.samples import to_float
from srnet_cli.zooming.rows.shuffle_pattern import without_pattern
from srnet_cli.zooming.rows.strips import Strip, first_rows
from srnet_cli.zooming.rows.views import average_views
from srnet_cli.zooming.tiles import Grid, computed_pixels, cut, faded, fewest, fitting, squares, take

#: batches of tiles that are cut ahead of the one being computed
AHEAD = 2
#: pixels of one GPU batch to start with; halved when memory runs out
GPU_BATCH_PIXELS = 16 * 256**2
#: below this the tile is not made smaller; the attention would see too little
SMALLEST_TILE = 48


@dataclass(frozen=True)
class EngineOptions:
    """Options of the engine; device and batch change nothing in the result but rounding."""

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
    """One model, ready on one device; ``lighter`` computes the tiles in which there is nothing to find.

    Raises:
        DeviceError: when device or precision is not there.
        WeightsError: when the model takes what no file has.
        UsageError: for an ensemble of a model that reads mosaics.
    """

    def __init__(
        self, model: LoadedModel, options: EngineOptions | None = None, lighter: Engine | None = None
    ) -> None:
        if model.card.input_space == "mosaic":
            raise WeightsError("takes a mosaic, not pictures", path=model.path)
        options = options or EngineOptions()
        self.options = options
        if options.ensemble and model.card.reads_mosaics:
            raise UsageError("--ensemble flips a mosaic's colours, too", remedy="leave it out")
        device = device_for(options.device, model.network)
        self.dtype = choose_precision(options.precision, device)
        #: where tiles lie; what Vulkan computes comes from the processor's memory and goes back there
        self.device = torch.device("cpu") if device.type == "vulkan" else device
        self.card: Card = model.card
        #: whether it reads the packed mosaics of RAW files; its result then is in camera colours
        self.reads_mosaics = model.card.reads_mosaics
        #: pixels of the picture, along each side, in one that the network reads
        self.cell = 2 if self.reads_mosaics else 1
        #: output over the picture, and over what the network reads
        self.scale: int = model.card.scale // self.cell
        self.network_scale: int = model.card.scale
        #: how much of the model's crisp set was mixed in
        self.crisp = model.crisp
        self.predicts_residual = bool(getattr(model.network, "predicts_residual", False))
        tile = options.tile or model.card.largest_side
        self.tile = largest_tile(model.network, device, self.dtype, tile)
        self.network: nn.Module = open_network(model.network, device, self.dtype, strict=options.strict)
        self.lighter = lighter
        self.begin_picture()

    def begin_picture(self) -> None:
        """Count from the beginning what becomes of the tiles."""
        #: whether parts were replaced so far, of which the network made no picture
        self.burst = False
        #: tiles so far, and those of them that a light model computed
        self.tiles = self.light_tiles = 0
        if self.lighter is not None:
            self.lighter.begin_picture()

    @property
    def planes(self) -> int:
        """Values of a pixel that the network reads: of a picture, or of a packed mosaic."""
        return 4 if self.reads_mosaics else 3

    @property
    def radius(self) -> int | None:
        """Input pixels on each side that an output pixel depends on; None: the whole tile."""
        radius: int | None = getattr(self.network, "receptive_radius", None)
        return radius

    @property
    def inside(self) -> Interior | None:
        """What computes only the inside of tiles, where the network has such a form."""
        return interior_of(self.network)

    def grid(self, region: Box) -> Grid:
        """Choose the tiles that cover ``region``, so that the fewest pixels are computed twice or in vain.

        Its pixels are those that the network reads.

        A network that sees only so far gives the same picture in tiles of any size. The tiles of any other
        are squares within the sizes for which the card states that the result is as good.
        """
        if self.radius is None:
            overlap = self.card.overlap
            most = min(self.tile, max(fitting(region, overlap), self.card.tile))
            return squares(region, (most if self.options.tile else min(self.card.tile, most), most), overlap)
        if self.options.tile:
            side = min(self.tile, fitting(region, 2 * self.radius))
            return cut(region, side, side, self.radius)
        return fewest(region, self.tile, self.radius, self.network_scale, self.inside is not None)

    def computed(self, grid: Grid) -> float:
        """Count the input pixels that the network computes for a grid; of maps that shrink, their average."""
        if self.inside is None or self.radius is None or grid.discard != self.radius:
            return grid.pixels
        return grid.rows * grid.columns * computed_pixels(grid.height, grid.width, self.radius)

    def smaller(self, grid: Grid, error: Exception) -> Grid:
        """Choose smaller tiles when memory has run out.

        Raises:
            DeviceError: when they would be too small.
        """
        half = max(grid.height, grid.width) // 2 // 4 * 4
        if half < SMALLEST_TILE:
            largest = f"{grid.height}×{grid.width}"
            raise DeviceError(f"out of memory even with tiles of {largest} pixels") from error
        if self.radius is None:
            return faded(grid.region, half, grid.overlap)
        return cut(grid.region, half, half, self.radius)

    def strips(
        self,
        pixels: Pixels,
        region: Box,
        residual: bool = False,
        on_tile: Callable[[], None] | None = None,
    ) -> Iterator[Strip]:
        """Zoom ``region`` of a picture, from top to bottom.

        ``pixels`` is H×W×3, or ×4 of a packed mosaic, uint8 or uint16; around the region the picture's own
        pixels are the context, at its borders their reflection. ``on_tile`` is called after each tile. With
        ``residual`` the strips also carry the predicted residual of a network that has one. When memory runs
        out, smaller batches and then, before the first strip, smaller tiles are tried.

        Raises:
            DeviceError: when memory runs out all the same.
            WeightsError: when the network's output is not finite or absurdly large.
        """
        strips = self._strips(pixels, region, residual and self.predicts_residual, on_tile)
        if not self.options.keep_colours or self.network_scale == 1:
            yield from strips
            return
        tie, top = ColourTie(tied_colours(pixels), region, self.network_scale), 0
        residuals: list[Tensor] = []
        for strip in strips:
            if strip.residual is not None:
                residuals.append(strip.residual)
            for rows in tie.push(strip.sr):
                yield Strip(top, rows, first_rows(residuals, len(rows)))
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
                self.tile = grid.height
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
        canvas = Canvas(grid, self.network_scale, 6 if residual else 3, self.device)
        for top in grid.tops():
            for column, result in enumerate(self._computed(pixels, grid, top, residual)):
                canvas.place(result, column)
                if on_tile is not None:
                    on_tile()
            finished = canvas.finish()
            if finished is not None:
                start, values = finished
                if residual:
                    yield Strip(start, values[..., :3].contiguous(), values[..., 3:])
                else:
                    yield Strip(start, values, None)

    def _computed(self, pixels: Pixels, grid: Grid, top: int, residual: bool) -> Iterator[Tensor]:
        """Compute one row of tiles, left to right: h×w×3, or ×6 with the residual, without discarded rims."""
        lefts, lighter = grid.lefts(), self.lighter
        plain = frozenset(lefts if self.card.light else ())
        if lighter is not None and lighter.predicts_residual >= residual:
            plain = plain_lefts(pixels, grid, top)
        self.tiles, self.light_tiles = self.tiles + len(lefts), self.light_tiles + len(plain)
        if lighter is None:
            yield from self._batches(pixels, grid, top, lefts, residual)
            return
        full = self._batches(pixels, grid, top, [left for left in lefts if left not in plain], residual)
        light = lighter._batches(pixels, grid, top, sorted(plain), residual, around=lighter.radius or 0)
        for left in lefts:
            yield next(light if left in plain else full)
        self.burst |= lighter.burst

    def _batches(
        self, pixels: Pixels, grid: Grid, top: int, lefts: list[int], residual: bool, around: int = 0
    ) -> Iterator[Tensor]:
        """Compute the tiles of a row that begin at ``lefts``, seeing so many pixels ``around`` each, too."""
        at_once, beyond, radius = self.batch(grid), grid.discard + around, self.radius or 0
        # What the inside form leaves out is just what is discarded.
        inside = self.inside is not None and beyond >= radius
        rim = (beyond - radius if inside else beyond) * self.network_scale
        size = (grid.height + 2 * around, grid.width + 2 * around)
        with ThreadPoolExecutor(max_workers=1) as preparing:

            def prepare(start: int) -> Future[Tensor]:
                chosen = [left - around for left in lefts[start : start + at_once]]
                pinned = self.device.type == "cuda"
                return preparing.submit(_stacked, pixels, top - around, chosen, size, pinned)

            starts = range(0, len(lefts), at_once)
            pending = [prepare(start) for start in starts[:AHEAD]]
            for start in starts:
                batch = pending.pop(0).result()
                following = start + AHEAD * at_once
                if following < len(lefts):
                    pending.append(prepare(following))
                for part in self._in_smaller_batches(batch, residual, inside):
                    height, width = part.shape[1:3]
                    yield from part[:, rim : height - rim, rim : width - rim]

    def batch(self, grid: Grid) -> int:
        """Count the tiles of a batch: one on the CPU, as many as keep a GPU busy."""
        if self.options.batch or self.device.type == "cpu":
            return self.options.batch or 1
        return max(1, GPU_BATCH_PIXELS // (grid.height * grid.width))

    def _in_smaller_batches(self, batch: Tensor, residual: bool, inside: bool) -> Iterator[Tensor]:
        """Compute a batch, halved for as long as memory does not suffice for it."""
        try:
            yield self._run(batch, residual, inside)
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
        yield from self._in_smaller_batches(batch[:half], residual, inside)
        yield from self._in_smaller_batches(batch[half:], residual, inside)

    @torch.inference_mode()
    def _run(self, batch: Tensor, residual: bool, inside: bool) -> Tensor:
        """Send a batch of tiles to the network: N×H×W×3 samples of the picture, on the CPU.

        What comes back is N×h×w×3 (or ×6) float32 on the device: h = s·H, and s·(H - 2·radius) ``inside``.

        Raises:
            WeightsError: when the values are not numbers, or absurdly large.
        """
        lr = to_float(batch.to(self.device, non_blocking=True)).permute(0, 3, 1, 2)
        network: Interior = self.inside if inside and self.inside is not None else self.network
        output = average_views(network, lr, residual) if self.options.ensemble else network(lr, residual)
        sr, more = output.sr, output.residual
        # Each look waits for the device: a result that does not burst is within the range of pictures.
        if not self.options.keep_colours:
            check_plausible(sr, self.card.name)
        elif bursts(sr):
            check_plausible(self.network(torch.full_like(lr, 128), False).sr, self.card.name)
            rim = (self.radius or 0) if inside else 0
            seen = lr[:, :, rim : lr.shape[2] - rim, rim : lr.shape[3] - rim]
            sr, self.burst = without_bursts(sr, centred(seen), self.network_scale), True
            more = None if more is None else more.nan_to_num(0).clamp(-255, 255)
        if more is not None:
            check_plausible(more, self.card.name)
        if self.card.patterned:
            sr = without_pattern(sr, self.network_scale)
        joined = sr if more is None else torch.cat([sr, more], dim=1)
        result: Tensor = joined.permute(0, 2, 3, 1).float()
        return result


def grids(region: Box, engines: Sequence[Engine]) -> Iterator[tuple[Engine, Grid]]:
    """Yield the engines of a chain with the tiles of each, whose input is what the one before made."""
    for engine in engines:
        yield engine, engine.grid(cells(region, engine.cell))
        region = Box(0, 0, region.height * engine.scale, region.width * engine.scale)


class _TileTooLargeError(Exception):
    """One tile alone does not fit the memory."""


def _stacked(pixels: Pixels, top: int, lefts: list[int], size: tuple[int, int], pinned: bool) -> Tensor:
    """Cut tiles: N×H×W×3 as the picture has them; ``pinned`` memory reaches a CUDA device without waiting."""
    tiles = torch.from_numpy(np.stack([take(pixels, top, left, *size) for left in lefts]))
    return tiles.pin_memory() if pinned else tiles
