"""The choices that data offers, by name; of the standard library alone, so that help is quick."""

from __future__ import annotations

from typing import Literal

#: how LR pictures are made of sharp photographs
DegradationName = Literal["camera", "mixed", "bicubic"]
#: which items of real pairs are held out
Split = Literal["scene", "published"]
#: how the LR picture is enlarged before its residual is taken
LabelInterpolation = Literal["bicubic", "nearest"]
