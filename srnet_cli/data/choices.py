"""The choices that data offers, by name; of the standard library alone, so that help is quick."""

from __future__ import annotations

from typing import Literal

#: how LR pictures are made of sharp photographs
DegradationName = Literal["camera", "mixed", "bicubic"]
#: which shots of SR-RAW make a pair, and how: by focal ratio with one resampling, or as the authors did
Pairing = Literal["ratio", "published"]
#: which items of real pairs are held out
Split = Literal["scene", "published"]
#: everything that the published runs had and the own defaults have not
Protocol = Literal["published"]
#: what the auxiliary stream is taught: the enhanced residual of the published runs, the authors' edges of HR,
#: or our slopes of the residual
LabelName = Literal["residual", "edge", "slope"]
#: how the LR picture is enlarged before its residual is taken
LabelInterpolation = Literal["bicubic", "nearest"]
