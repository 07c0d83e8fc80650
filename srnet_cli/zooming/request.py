"""What is asked of a zoom, and what came of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from srnet_cli.errors import UsageError
from srnet_cli.imaging import Picture, RawOptions, WriteOptions
from srnet_cli.imaging.boxes import Box
from srnet_cli.imaging.origin import origin_of
from srnet_cli.imaging.write import output_format
from srnet_cli.models.crisp import check_share
from srnet_cli.names import PREVIEW, zoom_tag
from srnet_cli.zooming.effort.texture import Effort
from srnet_cli.zooming.engine import EngineOptions
from srnet_cli.zooming.frame import Frame, FrameKind, Size, plan_frame

#: a scale of which kind there is, where it follows from each picture's size
_ANY_SCALE = 2.0
#: the scale of the models that clean, and one that a single pass of any model reaches
_CLEANING, _ONE_PASS = 4.0, 1.01

Status = Literal["written", "skipped", "failed"]
#: what of a RAW file is enlarged; auto: the mosaic, where a model was measured to do it better
RawEngine = Literal["auto", "mosaic", "develop"]


@dataclass(frozen=True)
class ZoomRequest:
    """Everything that is to be done with a picture."""

    scale: float = 4.0
    #: instead of the scale, which then follows for each picture
    size: Size | None = None
    #: at a scale of 1: through the models, and reduced again
    clean: bool = False
    frame: FrameKind = "full"
    crop: Box | None = None
    #: "auto", the name of a released model, or a path
    model: str = "auto"
    fast: bool = False
    #: which tiles a light model computes
    effort: Effort = "full"
    #: how much of a model's crisp set of weights is mixed in, 0..1; None: what its card states
    crisp: float | None = None
    #: share of the network in the result, 0..1; the rest is plain bicubic
    strength: float = 1.0
    raw: RawOptions = field(default_factory=RawOptions)
    raw_engine: RawEngine = "auto"
    write: WriteOptions = field(default_factory=WriteOptions)
    engine: EngineOptions = field(default_factory=EngineOptions)
    heatmap: bool = False
    #: only a detail of each picture, before and after
    preview: bool = False
    #: also a page on which the result can be compared with plain interpolation
    compare: bool = False
    #: pattern of the results' names; None: the stem and what was done
    name: str | None = None
    overwrite: bool = False
    skip_existing: bool = False
    max_pixels: int = 250_000_000
    #: show where an unexpected error came from
    debug: bool = False

    def __post_init__(self) -> None:
        check_share(self.crisp or 0.0, "--crisp")
        check_share(self.strength, "--strength")
        if self.raw_engine not in get_args(RawEngine):
            raise UsageError(
                f"--raw-engine cannot be {self.raw_engine!r}",
                remedy=f"one of {', '.join(get_args(RawEngine))}",
            )
        if self.fast and self.effort != "full":
            raise UsageError(
                "--fast lets light models do everything, and --effort shares it out", remedy="leave one out"
            )
        if self.clean and (self.scale != 1 or self.size is not None):
            raise UsageError(
                "--clean is for a scale of 1: larger results are cleaned by being enlarged",
                remedy="--scale 1, or leave out --clean",
            )

    @property
    def runs_models(self) -> bool:
        """Whether a model computes anything: at strength 0 only the heatmap needs one."""
        return self.strength > 0 or self.heatmap

    @property
    def model_scale(self) -> float:
        """What the models have to reach; where they only clean, the largest scale of one pass.

        With a size it differs between pictures, and stands for any that needs models.
        """
        if self.clean:
            return _CLEANING if self.model == "auto" else _ONE_PASS
        return self.scale if self.size is None else _ANY_SCALE

    def reached_for(self, frame: Frame) -> float:
        """Return what the models have to reach for a frame of this request."""
        return self.model_scale if self.clean else frame.scale

    def wants_camera_colours(self, target: Path) -> bool:
        """Tell whether a picture is read as what its sensor saw, for a result of this name."""
        return not self.preview and output_format(target, self.write).holds_camera_colours

    @property
    def tag(self) -> str:
        """Name what is done, as the names of results tell it."""
        crop = self.crop
        sides = None if crop is None else (crop.left, crop.top, crop.width, crop.height)
        asked = self.scale if self.size is None else str(self.size)
        done = zoom_tag(asked, camera=self.frame == "camera", crop=sides, clean=self.clean)
        return f"{done}_{PREVIEW}" if self.preview else done

    def with_statements(self, picture: Picture, source: Path) -> Picture:
        """Have a result say which file it is made from, and in which size it is to be printed."""
        sheet = None if self.size is None else self.size.sheet
        metadata = replace(picture.metadata, origin=str(origin_of(source) or ""))
        if sheet is not None:
            metadata = replace(metadata, print_resolution=float(sheet.dpi))
        return replace(picture, metadata=metadata)

    def frame_of(self, height: int, width: int) -> Frame:
        """Plan the geometry for a picture of ``height``×``width``.

        Raises:
            UsageError: as :func:`plan_frame` and :meth:`Size.scale_for`.
        """
        scale = self.scale
        if self.size is not None:
            # The crop is looked at before the size is worked out from it.
            region = plan_frame(height, width, 1.0, self.frame, self.crop).region
            scale = self.size.scale_for(region.height, region.width)
        return plan_frame(height, width, scale, self.frame, self.crop)


@dataclass(frozen=True)
class ZoomResult:
    """The outcome for one picture."""

    source: Path
    target: Path | None
    status: Status
    #: of the result, in pixels; None where none was made
    width: int | None = None
    height: int | None = None
    #: output over input; None where none was made
    scale: float | None = None
    models: tuple[str, ...] = ()
    #: of each of the models: how much of its crisp set was mixed in
    crisp: tuple[float, ...] = ()
    #: share of the tiles that light models computed, 0..1; None where no model was run
    light_share: float | None = None
    #: share of the network in the result; None where none was made
    strength: float | None = None
    #: what computed it, as ``--device`` names it: more than one where a device was left in the middle
    devices: tuple[str, ...] = ()
    seconds: float = 0.0
    error: str | None = None
    heatmaps: tuple[Path, ...] = ()
    #: the page that compares it with plain interpolation
    comparison: Path | None = None

    def document(self) -> dict[str, Any]:
        """Put the result as JSON has it."""
        values = asdict(self)
        for name in ("source", "target", "comparison"):
            values[name] = None if values[name] is None else str(values[name])
        values["heatmaps"] = [str(path) for path in self.heatmaps]
        values["seconds"] = round(self.seconds, 3)
        return values
