"""A page in one HTML file that needs nothing else, with sliders between pictures of the same thing."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from html import escape
from importlib.resources import files
from io import BytesIO

import numpy as np
from numpy.typing import NDArray


def page(title: str, heading: str, below: str, body: str) -> str:
    """Write a whole page; ``title``, ``heading`` and the line ``below`` it are text, ``body`` is HTML."""
    return (
        "<!doctype html>\n"
        '<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_asset('page.css')}</style></head><body>"
        f"<header><h1>{escape(heading)}</h1><p>{escape(below)}</p></header><main>{body}</main>"
        f"<script>{_asset('slider.js')}</script></body></html>\n"
    )


def slider(
    name: str,
    place: str,
    shown: Mapping[str, NDArray[np.uint8]],
    sides: tuple[str, str],
    describe: Callable[[str], str] = str,
) -> str:
    """Write a slider between two of the pictures ``shown``, which the reader chooses, as HTML.

    The pictures are H×W×3 of one size; ``sides`` are the names of those that are seen left and right at
    first. Without scripts the right one is seen.
    """
    left, right = sides
    images = "".join(
        f'<img data-method="{escape(each)}" alt="{escape(f"{name} by {each}")}" '
        f'src="{data_address(picture_bytes(pixels), "webp")}"{_role(each, left, right)}>'
        for each, pixels in shown.items()
    )
    height, width = next(iter(shown.values())).shape[:2]
    choices = _select("left", shown, left, describe) + _select("right", shown, right, describe)
    return (
        f'<figure class="compare"><figcaption><b>{escape(name)}</b> <span>{escape(place)}</span></figcaption>'
        f'<div class="choice">{choices}</div>'
        f'<div class="stage" style="aspect-ratio:{width}/{height};max-width:{2 * width}px">{images}'
        '<input type="range" min="0" max="100" value="50" step="0.1" aria-label="Where the two meet">'
        '<div class="line"></div></div></figure>'
    )


def data_address(content: bytes, kind: str) -> str:
    """Put a picture into an address of its own; ``kind`` is png or webp."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def picture_bytes(pixels: NDArray[np.uint8]) -> bytes:
    """Write lossless WebP: a compressed picture would not show what a method did."""
    from PIL import Image

    content = BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(content, "WEBP", lossless=True, quality=60, method=4)
    return content.getvalue()


def _asset(name: str) -> str:
    return files("srnet_cli.zooming.showing").joinpath(name).read_text(encoding="utf-8")


def _role(name: str, left: str, right: str) -> str:
    return ' class="left"' if name == left else ' class="right"' if name == right else ""


def _select(side: str, shown: Iterable[str], chosen: str, describe: Callable[[str], str]) -> str:
    options = "".join(
        f'<option value="{escape(name)}"{" selected" if name == chosen else ""}>'
        f"{escape(describe(name))}</option>"
        for name in shown
    )
    return f'<label>{side} <select data-side="{side}">{options}</select></label>'
