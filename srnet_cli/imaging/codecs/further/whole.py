"""Encoder of formats whose libraries take a picture as a whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

import numpy as np

from srnet_cli.errors import OutputError
from srnet_cli.imaging.codecs.layout import Encoder, Layout
from srnet_cli.imaging.picture import Pixels


def whole(
    title: str, encode: Callable[[Pixels, Layout], bytes], grey: bool = True
) -> Callable[[BinaryIO, Layout], Encoder]:
    """Return what collects rows and then has ``encode`` make a file's bytes of H×W×C pixels.

    Without ``grey`` grey is handed over as RGB. ``title`` is the name of the format in errors.
    """

    def opened(file: BinaryIO, layout: Layout) -> Encoder:
        return _WholeEncoder(file, layout, title, encode, grey)

    return opened


class _WholeEncoder:
    """Encoder that collects all rows first."""

    def __init__(
        self,
        file: BinaryIO,
        layout: Layout,
        title: str,
        encode: Callable[[Pixels, Layout], bytes],
        grey: bool,
    ) -> None:
        self._file, self._layout, self._title, self._encode, self._grey = file, layout, title, encode, grey
        dtype = np.uint16 if layout.bit_depth > 8 else np.uint8
        self._pixels = np.empty((layout.height, layout.width, layout.channels), dtype)
        self._filled = 0

    def write(self, rows: Pixels) -> None:
        self._pixels[self._filled : self._filled + rows.shape[0]] = rows
        self._filled += rows.shape[0]

    def finish(self) -> None:
        pixels = self._pixels
        if pixels.shape[2] < 3 and not self._grey:
            pixels = pixels[..., [0, 0, 0, 1][: pixels.shape[2] + 2]]
        try:
            encoded = self._encode(pixels, self._layout)
        except (OSError, ValueError, RuntimeError) as error:
            # In memory: no disk is involved, so this is the encoder's refusal.
            reason = " ".join(str(error).split())
            raise OutputError(
                f"cannot be encoded as {self._title}: {reason}", path=self._layout.path
            ) from error
        self._file.write(encoded)

    def close(self) -> None:
        self._pixels = np.empty((0, 0, 0), np.uint8)
