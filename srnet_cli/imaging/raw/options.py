"""Options of developing, and what LibRaw is told for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from srnet_cli.errors import UsageError

Highlights = Literal["clip", "blend", "reconstruct"]
Demosaic = Literal["ahd", "linear", "vng", "ppg", "dcb", "dht", "aahd"]
WhiteBalance = Literal["camera", "auto", "daylight"]
Gains = tuple[float, float, float, float]


@dataclass(frozen=True)
class RawOptions:
    """Options of developing a RAW file. The defaults are what the camera meant."""

    #: camera (as shot), auto (grey world), daylight, or gains of red, green, blue and second green
    white_balance: WhiteBalance | Gains = "camera"
    #: stops on top of the BaselineExposure that a DNG states; 0 shows sensor white as white
    exposure: float = 0.0
    #: what becomes of overexposed parts: clip to white, blend the clipped with the unclipped channels,
    #: or reconstruct them
    highlights: Highlights = "clip"
    demosaic: Demosaic = "ahd"
    #: brighten until one per cent of the pixels are white
    auto_brightness: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.white_balance, str):
            _check_choice("white balance", self.white_balance, get_args(WhiteBalance))
        elif len(self.white_balance) != 4 or not all(0 < gain < 1000 for gain in self.white_balance):
            raise UsageError("white balance takes four gains above 0: red, green, blue, second green")
        _check_choice("highlights", self.highlights, get_args(Highlights))
        _check_choice("demosaic", self.demosaic, get_args(Demosaic))
        if not -10.0 <= self.exposure <= 10.0:
            raise UsageError("exposure goes from -10 to +10 stops")


def libraw_parameters(options: RawOptions, *, is_dng: bool) -> dict[str, Any]:
    """Return all that LibRaw can be told, so that no default of a library decides on a picture."""
    import rawpy

    algorithms = rawpy.DemosaicAlgorithm
    demosaic = {
        "ahd": algorithms.AHD,
        "linear": algorithms.LINEAR,
        "vng": algorithms.VNG,
        "ppg": algorithms.PPG,
        "dcb": algorithms.DCB,
        "dht": algorithms.DHT,
        "aahd": algorithms.AAHD,
    }
    modes = rawpy.HighlightMode
    highlights = {"clip": modes.Clip, "blend": modes.Blend, "reconstruct": modes.ReconstructDefault}
    balance = options.white_balance
    return {
        "demosaic_algorithm": demosaic[options.demosaic],
        "half_size": False,
        "four_color_rgb": False,
        "fbdd_noise_reduction": rawpy.FBDDNoiseReductionMode.Off,
        "noise_thr": None,
        "median_filter_passes": 0,
        "use_camera_wb": balance == "camera",
        "use_auto_wb": balance == "auto",
        "user_wb": None if isinstance(balance, str) else list(balance),
        "output_color": rawpy.ColorSpace.sRGB,
        "output_bps": 16,
        # Turned after cropping, because the crop is given in sensor coordinates.
        "user_flip": 0,
        "no_auto_scale": False,
        "no_auto_bright": not options.auto_brightness,
        "auto_bright_thr": 0.01,
        # A DNG states its white level; for other files the brightest value may correct LibRaw's table, which
        # keeps overexposed parts from turning pink.
        "adjust_maximum_thr": 0.0 if is_dng else 0.75,
        "bright": 1.0,
        "highlight_mode": highlights[options.highlights],
        # Linear; the sRGB curve and the exposure are applied together afterwards.
        "gamma": (1, 1),
        "chromatic_aberration": (1, 1),
    }


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UsageError(f"{name} cannot be {value!r}", remedy=f"one of {', '.join(choices)}")
