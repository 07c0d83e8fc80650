"""The functions behind ``srnet_cli.zoom`` and ``srnet_cli.residual``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import UsageError
from srnet_cli.imaging import Picture, RawOptions, read_picture
from srnet_cli.imaging.arrays import array_like, image_like, picture_of_array, picture_of_image
from srnet_cli.imaging.boxes import Box
from srnet_cli.imaging.depth import to_8_bit
from srnet_cli.imaging.resize import Interpolation, resize
from srnet_cli.models.crisp import check_share
from srnet_cli.models.store import LoadedModel
from srnet_cli.residuals.figures import Residual, measure
from srnet_cli.zooming.chain import Engines, ModelChoice
from srnet_cli.zooming.effort.texture import Effort
from srnet_cli.zooming.engine import Engine, EngineOptions
from srnet_cli.zooming.frame import FrameKind, plan_frame, plan_passes
from srnet_cli.zooming.pipeline import zoom_picture
from srnet_cli.zooming.raw_engine import mosaic_model
from srnet_cli.zooming.request import ZoomRequest

if TYPE_CHECKING:
    from PIL.Image import Image

Source = str | Path | Picture
#: samples of an array: 0..255, 0..65535, or 0..1
Sample = TypeVar("Sample", np.uint8, np.uint16, np.float16, np.float32, np.float64)


@overload
def zoom(
    source: Source,
    scale: float = 4.0,
    *,
    model: str | LoadedModel = "auto",
    frame: FrameKind = "full",
    crop: Box | None = None,
    clean: bool = False,
    crisp: float | None = None,
    strength: float = 1.0,
    effort: Effort = "full",
    raw: RawOptions | None = None,
    engine: EngineOptions | None = None,
) -> Picture: ...


@overload
def zoom(
    source: NDArray[Sample],
    scale: float = 4.0,
    *,
    model: str | LoadedModel = "auto",
    frame: FrameKind = "full",
    crop: Box | None = None,
    clean: bool = False,
    crisp: float | None = None,
    strength: float = 1.0,
    effort: Effort = "full",
    raw: RawOptions | None = None,
    engine: EngineOptions | None = None,
) -> NDArray[Sample]: ...


@overload
def zoom(
    source: Image,
    scale: float = 4.0,
    *,
    model: str | LoadedModel = "auto",
    frame: FrameKind = "full",
    crop: Box | None = None,
    clean: bool = False,
    crisp: float | None = None,
    strength: float = 1.0,
    effort: Effort = "full",
    raw: RawOptions | None = None,
    engine: EngineOptions | None = None,
) -> Image: ...


def zoom(
    source: Source | NDArray[Any] | Image,
    scale: float = 4.0,
    *,
    model: str | LoadedModel = "auto",
    frame: FrameKind = "full",
    crop: Box | None = None,
    clean: bool = False,
    crisp: float | None = None,
    strength: float = 1.0,
    effort: Effort = "full",
    raw: RawOptions | None = None,
    engine: EngineOptions | None = None,
) -> Picture | NDArray[Any] | Image:
    """Enlarge a picture in memory, and give back what was given: depth, profile and metadata stay.

    Args:
        source: a file (RAW or RGB), or a picture: ``Picture(pixels)`` of H×W×3 uint8 or uint16; or an array,
            H×W or H×W×C with C of 1 to 4 (grey, grey and alpha, RGB, RGBA), uint8, uint16 or float of 0..1;
            or an image of Pillow.
        scale: output over input, 1 to 16.
        model: the name of a released model, a path, or what ``load_model`` returned; ``auto`` takes the
            smallest released model that reaches the scale, or a chain. Those for mosaics take RAW files.
        frame: ``full``, or ``camera`` for the centre at the input's own size.
        crop: only this region.
        clean: at a scale of 1: through the network, and reduced again, so that noise and faults of
            demosaicking go.
        crisp: how much of the model's crisp set of weights is mixed in: 0, true to what was there, to 1,
            crisp to the eye; None takes what the model's card states.
        strength: share of the network in the result, 0 to 1; the rest is plain bicubic.
        effort: ``auto`` leaves tiles without much texture to the light model of the same scale, ``light``
            all of them.
        raw: how a RAW file is developed.
        engine: device, precision, tile.

    Example:
        >>> import srnet_cli
        >>> picture = srnet_cli.zoom("photo.jpg", 2)
        >>> picture.pixels.shape, picture.bit_depth
        ((96, 144, 3), 8)
        >>> srnet_cli.write_picture(picture, Path("photo_x2.png"))
        ()
        >>> srnet_cli.zoom(np.zeros((24, 36), np.float32), 2).shape
        (48, 72)

    Returns:
        A file or a picture as a :class:`Picture`, whose ``pixels`` are the enlarged array; an array as an
        array of the same type and channels; an image of Pillow as one of the same mode, where that has
        values to enlarge (not a palette).

    Raises:
        SrnetError: its subclasses say what could not be read, loaded or computed.
    """
    check_share(strength, "strength")
    if clean and scale != 1:
        raise UsageError("clean is for a scale of 1: larger results are cleaned by being enlarged")
    options = engine or EngineOptions()
    if isinstance(model, LoadedModel):
        if crisp is not None:
            raise UsageError("crisp is mixed when a model is loaded", remedy="load_model(name, crisp)")
        if effort != "full":
            raise UsageError("a model that is loaded has no other one beside it", remedy="name the model")
        asked = ZoomRequest(scale, clean=clean, model=model.card.name)
        picture = _as_picture(source, raw, model.card.reads_mosaics)
    else:
        asked = ZoomRequest(scale, clean=clean, model=model, crisp=crisp, strength=strength, engine=options)
        choice = Engines(ModelChoice(model, crisp=crisp, engine=options, effort=effort))
        mosaic = mosaic_model(choice, asked) if isinstance(source, str | Path) else None
        picture = _as_picture(source, raw, mosaic is not None)
    plan = plan_frame(picture.height, picture.width, scale, frame, crop)
    reached = asked.reached_for(plan)
    if isinstance(model, LoadedModel):
        engines = _passes(model, reached, options)
    else:
        engines = choice.for_scale(reached, None if picture.mosaic is None else mosaic)
    return _as_given(zoom_picture(picture, plan, engines, strength=strength), source)


def residual(lr: Source, hr: Source, *, interpolation: Interpolation = "bicubic") -> Residual:
    """Measure what a zoom lost: LR enlarged to HR's size, their difference in 8 bit, its figures.

    Example:
        >>> import srnet_cli
        >>> 10 < srnet_cli.residual("lr.png", "hr.png").figures.psnr_rgb < 50
        True

    Raises:
        SrnetError: when a file cannot be read.
        ValueError: when the pictures are smaller than 7×7.
    """
    small, large = (to_8_bit(_opened(source, None).pixels) for source in (lr, hr))
    return measure(resize(small, large.shape[0], large.shape[1], interpolation), large)


def _passes(model: LoadedModel, scale: float, options: EngineOptions) -> list[Engine]:
    """Return the passes of one model; behind one that reads mosaics, those of others."""
    if scale <= 1 or not model.card.reads_mosaics:
        return [Engine(model, options)] * len(plan_passes(scale, [model.card.scale]))
    left = scale / model.card.enlarges
    return [Engine(model, options), *Engines(ModelChoice(engine=options)).for_scale(max(left, 1.0))]


def _as_picture(source: Source | NDArray[Any] | Image, raw: RawOptions | None, mosaic: bool) -> Picture:
    if isinstance(source, np.ndarray):
        return picture_of_array(source)
    if isinstance(source, str | Path | Picture):
        return _opened(source, raw, mosaic)
    return picture_of_image(source)


def _as_given(picture: Picture, source: Source | NDArray[Any] | Image) -> Picture | NDArray[Any] | Image:
    if isinstance(source, np.ndarray):
        return array_like(picture, source)
    return picture if isinstance(source, str | Path | Picture) else image_like(picture, source)


def _opened(source: Source, raw: RawOptions | None, mosaic: bool = False) -> Picture:
    if isinstance(source, Picture):
        return source
    return read_picture(Path(source), raw or RawOptions(), mosaic="beside" if mosaic else "none")
