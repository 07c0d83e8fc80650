"""Deflate at a speed that keeps up with the network: by Intel's ISA-L.

ISA-L is several times as fast as zlib and comes as wheels for the usual machines; where it is missing, zlib
with run-length matching takes its place.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

_fast: Any
try:
    from isal import isal_zlib as _fast
except ImportError:
    _fast = None

#: of ISA-L's levels: 0 is no faster here and leaves files a fifth larger, 2 is slower for one per cent
_LEVEL = 1
#: window of 32 kB, negative: without the header and the checksum of a zlib stream
_WINDOW, _BARE_WINDOW = 15, -15


def zlib_stream(data: bytes | NDArray[np.uint8]) -> bytes:
    """Return a whole zlib stream of ``data``."""
    deflate = _compressor(_WINDOW)
    return bytes(deflate.compress(data) + deflate.flush())


def bare_block(data: bytes | NDArray[np.uint8]) -> bytes:
    """Return deflated ``data`` that ends at a byte and refers to nothing before it: blocks can be joined."""
    deflate = _compressor(_BARE_WINDOW)
    return bytes(deflate.compress(data) + deflate.flush(zlib.Z_FULL_FLUSH))


def _compressor(window: int) -> Any:
    if _fast is not None:
        return _fast.compressobj(_LEVEL, zlib.DEFLATED, window)
    return zlib.compressobj(1, zlib.DEFLATED, window, 9, zlib.Z_RLE)
