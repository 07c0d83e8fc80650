"""One picture through one or more models: to a picture in memory, or strip by strip into a file."""

from __future__ import annotations

import math
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from srnet_cli.compute import cuda
from srnet_cli.errors import SrnetError, WeightsError
from srnet_cli.imaging import Metadata, Picture, WriteOptions, open_strip_writer
from srnet_cli.imaging.boxes import Box
from srnet_cli.imaging.colour.mosaic import BalancedMosaic
from srnet_cli.imaging.picture import Pixels
from srnet_cli.imaging.resize import resize
from srnet_cli.imaging.write import stored_channels
from srnet_cli.zooming.engine import Engine, grids
from srnet_cli.zooming.frame import Frame
from srnet_cli.zooming.rows.linear import block_means
from srnet_cli.zooming.rows.mosaics import MosaicRows
from srnet_cli.zooming.rows.reduce import AreaReducer, reduced_in_light
from srnet_cli.zooming.rows.samples import as_float, to_samples
from srnet_cli.zooming.rows.strips import Strip
from srnet_cli.zooming.strength import LightRows, PlainRows, blend
from srnet_cli.zooming.strength import strips as plain_strips
from srnet_cli.zooming.transparency import extend_colours

#: gives rows of samples, h×W×C, once they have reached the host's memory
Awaited = Callable[[], Pixels]

#: strips that may wait for the encoder while the next is computed
WAITING_STRIPS = 2
#: predicted residuals of larger outputs are kept at the model's input resolution
LARGEST_RESIDUAL = 64_000_000


@dataclass(frozen=True)
class Zoomed:
    """The by-products of a zoom."""

    height: int
    width: int
    #: H×W×3 float32, 0..255: the network's predicted residual, if it was asked for and the network has one
    residual: NDArray[np.float32] | None = None
    #: what the user should know about the file
    notes: tuple[str, ...] = ()


def tile_count(frame: Frame, engines: Sequence[Engine]) -> int:
    """Count the tiles that will be computed for ``frame``, over all passes."""
    return sum(grid.rows * grid.columns for _, grid in grids(frame.region, engines))


def zoom_picture(
    picture: Picture,
    frame: Frame,
    engines: Sequence[Engine],
    on_tile: Callable[[], None] | None = None,
    *,
    strength: float = 1.0,
) -> Picture:
    """Enlarge ``frame`` of a picture in memory; bit depth, profile and metadata stay.

    ``strength`` is the share of the models in the result, 0..1; the rest is plain bicubic. At 0 none is run.
    """
    strips = _zoomed_rows(picture, frame, engines, False, on_tile, strength)
    rows = [_finished(strip, picture)() for strip, _ in strips]
    pixels = cast(Pixels, np.concatenate(rows))
    if picture.grey:
        pixels = cast(Pixels, np.repeat(pixels, 3, axis=2))
    alpha = None if picture.alpha is None else zoom_alpha(picture.alpha, frame)
    light = None
    if picture.light is not None:
        light = LightRows(picture.light, frame, _aligned(frame, engines)).rows(0, frame.height)
    metadata = _marked(picture, engines, strength)
    return replace(picture, pixels=pixels, alpha=alpha, light=light, mosaic=None, metadata=metadata)


def zoom_to_file(
    picture: Picture,
    frame: Frame,
    engines: Sequence[Engine],
    target: Path,
    options: WriteOptions,
    *,
    overwrite: bool = False,
    want_residual: bool = False,
    strength: float = 1.0,
    on_tile: Callable[[], None] | None = None,
    on_rows: Callable[[int, Pixels], None] | None = None,
) -> Zoomed:
    """Enlarge ``frame`` of a picture into ``target``, encoding while the next strip is computed.

    ``strength`` is the share of the models in the result, 0..1; the rest is plain bicubic. ``on_rows`` is
    shown the result's rows as they come, H×W×3, with the number of the first.

    Raises:
        OutputError: when the file cannot be written; nothing is left then.
        DeviceError, WeightsError: as :meth:`Engine.strips`.
    """
    alpha = None if picture.alpha is None else zoom_alpha(picture.alpha, frame)
    light = None if picture.light is None else LightRows(picture.light, frame, _aligned(frame, engines))
    residual = _ResidualMap(frame.height * frame.width > LARGEST_RESIDUAL)
    with (
        open_strip_writer(
            target,
            frame.height,
            frame.width,
            stored_channels(picture),
            options,
            _marked(picture, engines, strength),
            source_depth=picture.bit_depth,
            overwrite=overwrite,
        ) as writer,
        _in_background(lambda rows: writer.write_rows(rows())) as write,
    ):
        done = 0
        for strip, predicted in _zoomed_rows(picture, frame, engines, want_residual, on_tile, strength):
            finished = _finished(strip, picture)
            if on_rows is not None:
                on_rows(done, finished())
            beside = None if alpha is None else alpha[done : done + len(strip), :, None]
            if light is not None:
                beside = light.rows(done, len(strip))
            done += len(strip)
            residual.add(predicted, engines)
            write(_joined(finished, beside))
    return Zoomed(frame.height, frame.width, residual.whole(), writer.notes)


def zoom_unwritten(
    picture: Picture,
    frame: Frame,
    engines: Sequence[Engine],
    *,
    want_residual: bool = False,
    strength: float = 1.0,
    on_tile: Callable[[], None] | None = None,
    on_rows: Callable[[int, Pixels], None] | None = None,
) -> Zoomed:
    """Compute what :func:`zoom_to_file` does, for what goes with a file that is there already.

    Raises:
        DeviceError, WeightsError: as :meth:`Engine.strips`.
    """
    residual = _ResidualMap(frame.height * frame.width > LARGEST_RESIDUAL)
    done = 0
    for strip, predicted in _zoomed_rows(picture, frame, engines, want_residual, on_tile, strength):
        if on_rows is not None:
            on_rows(done, _finished(strip, picture)())
        done += len(strip)
        residual.add(predicted, engines)
    return Zoomed(frame.height, frame.width, residual.whole())


def zoom_alpha(alpha: Pixels, frame: Frame) -> Pixels:
    """Enlarge transparency by a plain bicubic resize: H×W to the frame's size."""
    # Said to be 8 bit for the type checker; resize keeps either type.
    part = cast(NDArray[np.uint8], alpha[frame.region.slices])
    height = max(frame.height, round(frame.region.height * frame.scale))
    width = max(frame.width, round(frame.region.width * frame.scale))
    top = min(round(frame.top), height - frame.height)
    left = min(round(frame.left), width - frame.width)
    whole = resize(np.ascontiguousarray(part), height, width, "bicubic")
    return whole[top : top + frame.height, left : left + frame.width]


def _zoomed_rows(
    picture: Picture,
    frame: Frame,
    engines: Sequence[Engine],
    want_residual: bool,
    on_tile: Callable[[], None] | None,
    strength: float = 1.0,
) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Give the rows of the frame from top to bottom, float32 0..255, and the last model's residual.

    Both are on the device of the last model; rows may be written to.
    """
    pixels, region = picture.pixels, frame.region
    if not engines:
        yield _without_model(pixels, frame), None
        return
    if picture.alpha is not None:
        pixels = extend_colours(pixels, picture.alpha)
    plain = None if strength == 1 else PlainRows(pixels, frame, _aligned(frame, engines))
    if plain is not None and strength == 0 and not want_residual:
        for bicubic in plain_strips(plain, frame.height):
            # torch does not take memory that may not be written to.
            yield torch.from_numpy(np.require(bicubic, requirements=["C", "W"])), None
        return
    mosaic = picture.mosaic
    for engine in engines[:-1]:
        pixels = _all_strips(engine, pixels, region, on_tile, mosaic)
        region, mosaic = Box(0, 0, *pixels.shape[:2]), None
    last = engines[-1]
    factor = last.scale * region.height / frame.region.height / frame.scale
    reducer = AreaReducer(
        factor,
        (frame.top, frame.left),
        (frame.height, frame.width),
        (region.height * last.scale, region.width * last.scale),
    )
    push = reduced_in_light(reducer.push) if picture.raw and factor != 1 else reducer.push
    done = 0
    for strip in _strips(last, pixels, region, mosaic, want_residual, on_tile):
        rows = push(strip.sr)
        if plain is not None and len(rows):
            blended = blend(rows.cpu().numpy(), plain.rows(done, len(rows)), strength)
            rows = torch.from_numpy(blended).to(rows.device)
        done += len(rows)
        yield rows, strip.residual


def _aligned(frame: Frame, engines: Sequence[Engine]) -> bool:
    """Return whether the models give the very pixels of the frame, and none are reduced."""
    return math.prod(engine.scale for engine in engines) == frame.scale


def _marked(picture: Picture, engines: Sequence[Engine], strength: float) -> Metadata:
    """Return the metadata of a result, which say what it was made with."""
    if not engines:
        return picture.metadata
    models = [e.card.name + (f" crisp {e.crisp:g}" if e.crisp else "") for e in engines]
    parts = models if strength == 1 else [*models, f"strength {strength:g}"]
    return replace(picture.metadata, made_with=", ".join(parts) if strength else "bicubic")


def _without_model(pixels: Pixels, frame: Frame) -> Tensor:
    """Take the region as it is, at a scale of 1."""
    return as_float(pixels[frame.region.slices], torch.device("cpu"))


def _strips(
    engine: Engine,
    pixels: Pixels,
    region: Box,
    mosaic: BalancedMosaic | None,
    residual: bool,
    on_tile: Callable[[], None] | None,
) -> Iterator[Strip]:
    """Zoom a region of the pixels, or of the mosaic for an engine that reads these: sRGB, 0..255."""
    if not engine.reads_mosaics:
        yield from engine.strips(pixels, region, residual, on_tile)
        return
    if mosaic is None:
        raise WeightsError(f"{engine.card.name} takes the mosaic of a RAW file, not a picture")
    rows = MosaicRows(mosaic, region, engine.scale)
    yield from rows.cut(engine.strips(mosaic.values, rows.whole, residual, on_tile))


def _all_strips(
    engine: Engine,
    pixels: Pixels,
    region: Box,
    on_tile: Callable[[], None] | None,
    mosaic: BalancedMosaic | None,
) -> NDArray[np.uint16]:
    """Run a whole pass in memory, with 16 bits, as the next pass's input."""
    whole = np.empty((region.height * engine.scale, region.width * engine.scale, 3), np.uint16)
    for strip in _strips(engine, pixels, region, mosaic, False, on_tile):
        rows = to_samples(strip.sr, 16).cpu().numpy()
        whole[strip.top : strip.top + len(rows)] = rows
    return whole


def _finished(rows: Tensor, picture: Picture) -> Awaited:
    """Turn float rows to the picture's own type; of a grey picture to one channel."""
    if picture.grey:
        rows = rows.mean(dim=2, keepdim=True)
    received = cuda.to_host(to_samples(rows, picture.bit_depth))
    return lambda: cast(Pixels, received().numpy())


def _joined(rows: Awaited, beside: Pixels | None) -> Awaited:
    """Put alpha or light, h×W×C, behind the colours of rows."""
    if beside is None:
        return rows
    return lambda: cast(Pixels, np.concatenate([rows(), beside], axis=2))


class _ResidualMap:
    """Collects the predicted residual; of a very large one only block means are kept."""

    def __init__(self, reduced: bool) -> None:
        self._reduced = reduced
        self._parts: list[NDArray[np.float32]] = []

    def add(self, residual: Tensor | None, engines: Sequence[Engine]) -> None:
        if residual is None:
            return
        residual = residual.clamp(0, 255)
        if self._reduced:
            # Strips are whole numbers of input rows high, so blocks never straddle two strips.
            residual = block_means(residual, engines[-1].scale)
        self._parts.append(residual.cpu().numpy())

    def whole(self) -> NDArray[np.float32] | None:
        return np.concatenate(self._parts) if self._parts else None


@contextmanager
def _in_background(write: Callable[[Awaited], None]) -> Iterator[Callable[[Awaited], None]]:
    """Call ``write`` in another thread, in order, at most ``WAITING_STRIPS`` calls behind.

    Its first error is raised by the next call or at the end of the block.
    """
    waiting: queue.Queue[Awaited | None] = queue.Queue(maxsize=WAITING_STRIPS)
    failures: list[BaseException] = []

    def work() -> None:
        while (rows := waiting.get()) is not None:
            if failures:
                continue  # the queue is still emptied, so that the producer never blocks on it
            try:
                write(rows)
            except (SrnetError, OSError, ValueError, RuntimeError, MemoryError) as error:
                failures.append(error)

    def put(rows: Awaited) -> None:
        if failures:
            raise failures[0]
        waiting.put(rows)

    thread = threading.Thread(target=work, name="encoder", daemon=True)
    thread.start()
    try:
        yield put
    finally:
        waiting.put(None)
        thread.join()
    if failures:
        raise failures[0]
