"""The functions behind ``srnet_cli.zoom`` and ``srnet_cli.residual``."""

from __future__ import annotations

from pathlib import Path

from srnet_cli.errors import UsageError
from srnet_cli.imaging import Picture, RawOptions, read_picture
from srnet_cli.imaging.boxes import Box
from srnet_cli.imaging.depth import to_8_bit
from srnet_cli.imaging.resize import Interpolation, resize
from srnet_cli.models.crisp import check_share
from srnet_cli.models.store import LoadedModel
from srnet_cli.residuals.figures import Residual, measure
from srnet_cli.zooming.chain import Engines, ModelChoice
from srnet_cli.zooming.engine import Engine, EngineOptions
from srnet_cli.zooming.frame import FrameKind, plan_frame, plan_passes
from srnet_cli.zooming.pipeline import zoom_picture

Source = str | Path | Picture


def zoom(
    source: Source,
    scale: float = 4.0,
    *,
    model: str | LoadedModel = "auto",
    frame: FrameKind = "full",
    crop: Box | None = None,
    crisp: float | None = None,
    strength: float = 1.0,
    raw: RawOptions | None = None,
    engine: EngineOptions | None = None,
) -> Picture:
    """Enlarge a picture in memory; bit depth, profile and metadata stay.

    Args:
        source: a file (RAW or RGB), or a picture: ``Picture(pixels)`` of H×W×3 uint8 or uint16.
        scale: output over input, 1 to 16.
        model: the name of a released model, a path, or what ``load_model`` returned; ``auto`` takes the
            smallest released model that reaches the scale, or a chain.
        frame: ``full``, or ``camera`` for the centre at the input's own size.
        crop: only this region.
        crisp: how much of the model's crisp set of weights is mixed in: 0, true to what was there, to 1,
            crisp to the eye; None takes what the model's card states.
        strength: share of the network in the result, 0 to 1; the rest is plain bicubic.
        raw: how a RAW file is developed.
        engine: device, precision, tile.

    Example:
        >>> import srnet_cli
        >>> picture = srnet_cli.zoom("photo.jpg", 2)
        >>> srnet_cli.write_picture(picture, Path("photo_x2.png"))

    Returns:
        The picture; its ``pixels`` are the enlarged array.

    Raises:
        SrnetError: its subclasses say what could not be read, loaded or computed.
    """
    check_share(strength, "strength")
    picture = _opened(source, raw)
    plan = plan_frame(picture.height, picture.width, scale, frame, crop)
    options = engine or EngineOptions()
    if isinstance(model, LoadedModel):
        if crisp is not None:
            raise UsageError("crisp is mixed when a model is loaded", remedy="load_model(name, crisp)")
        engines = [Engine(model, options)] * len(plan_passes(scale, [model.card.scale]))
    else:
        engines = Engines(ModelChoice(model, crisp=crisp, engine=options)).for_scale(scale)
    return zoom_picture(picture, plan, engines, strength=strength)


def residual(lr: Source, hr: Source, *, interpolation: Interpolation = "bicubic") -> Residual:
    """Measure what a zoom lost: LR enlarged to HR's size, their difference in 8 bit, its figures.

    Example:
        >>> import srnet_cli
        >>> srnet_cli.residual("lr.png", "hr.png").figures.psnr_rgb

    Raises:
        SrnetError: when a file cannot be read.
        ValueError: when the pictures are smaller than 7×7.
    """
    small, large = (to_8_bit(_opened(source, None).pixels) for source in (lr, hr))
    return measure(resize(small, large.shape[0], large.shape[1], interpolation), large)


def _opened(source: Source, raw: RawOptions | None) -> Picture:
    return source if isinstance(source, Picture) else read_picture(Path(source), raw or RawOptions())
