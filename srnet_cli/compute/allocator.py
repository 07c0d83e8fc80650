"""Settings of the C library's memory allocator that are worth a fifth of the speed on the CPU."""

from __future__ import annotations

import sys

# Names and values of malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
_NEVER = 2**31 - 1
#: blocks up to this size are kept: feature maps of a tile are smaller, whole pictures go back to the system
_KEPT_BLOCK = 128 << 20
#: the largest block older glibc accepts
_KEPT_BLOCK_OLD = 32 << 20


def keep_large_blocks() -> bool:
    """Tell glibc to keep freed feature maps instead of giving their pages back; True if it took effect.

    By default every large block goes back to the system, and each new feature map pays for fresh, zeroed
    pages. To be called before the first tensor is made. Does nothing on other systems and C libraries.
    """
    if sys.platform != "linux":
        return False
    import ctypes

    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False  # not glibc
    mallopt.argtypes, mallopt.restype = [ctypes.c_int, ctypes.c_int], ctypes.c_int
    kept = any(mallopt(_M_MMAP_THRESHOLD, size) for size in (_KEPT_BLOCK, _KEPT_BLOCK_OLD))
    # Arenas of other threads cannot hold blocks of this size: all threads share the main one.
    return bool(kept and mallopt(_M_TRIM_THRESHOLD, _NEVER) and mallopt(_M_ARENA_MAX, 1))
