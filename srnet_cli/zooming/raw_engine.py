"""The choice between the mosaic of a RAW file and its developed picture as what a network enlarges."""

from __future__ import annotations

from srnet_cli.imaging.raw import MosaicUse
from srnet_cli.zooming.chain import Engines
from srnet_cli.zooming.request import ZoomRequest


def mosaic_model(engines: Engines, request: ZoomRequest, *, undeveloped: bool = False) -> str | None:
    """Name the model that enlarges mosaics for a request; None where RAW files are developed first.

    ``undeveloped`` results (DNG) are made of camera colours by the models for pictures.

    Raises:
        WeightsError: when mosaics are asked for and no model for them is installed.
    """
    if undeveloped or request.raw_engine == "develop" or request.model_scale <= 1 or not request.runs_models:
        return None
    asked = request.raw_engine == "mosaic"
    # Only the networks for pictures that are released predict the residual that a heatmap shows, have crisp
    # weights, and see as much in a mirror.
    chosen = asked or request.model != "auto"
    if not chosen and (request.heatmap or request.crisp or request.engine.ensemble):
        return None
    return engines.mosaic_model(asked)


def mosaic_use(model: str | None, request: ZoomRequest) -> MosaicUse:
    """Say what is needed of a RAW file whose mosaic ``model`` would enlarge."""
    if model is None:
        return "none"
    # By a size, a picture may come out unchanged, without any network.
    shown = request.strength < 1 or request.compare or request.preview or request.size is not None
    return "beside" if shown else "alone"
