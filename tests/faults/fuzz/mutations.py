"""What can happen to the bytes of a file, as Hypothesis strategies."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

#: values at which sizes, counts and offsets tend to go wrong
_LOADED = (0, 1, 2, 3, 7, 8, 9, 16, 32, 64, 127, 128, 255, 256, 257, 0x7FFF, 0x8000, 0xFFFF, 0x10000)
_LOADED_32 = (*_LOADED, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


@dataclass(frozen=True)
class Edit:
    """One change. ``place`` is a share of the file's length, so that an edit fits files of any size."""

    kind: str
    place: float
    value: int

    def apply(self, data: bytes) -> bytes:
        at = min(int(self.place * len(data)), max(len(data) - 1, 0))
        small = self.value % 256
        length = 1 + self.value % 64
        match self.kind:
            case "bit":
                return (
                    data[:at] + bytes([data[at] ^ (1 << self.value % 8)]) + data[at + 1 :] if data else data
                )
            case "byte":
                return data[:at] + bytes([small]) + data[at + 1 :]
            case "short":
                order = "<>"[self.value % 2]
                return _overwrite(
                    data, at, struct.pack(f"{order}H", _LOADED[self.value % len(_LOADED)] % 65536)
                )
            case "long":
                order = "<>"[self.value % 2]
                value = _LOADED_32[self.value % len(_LOADED_32)]
                return _overwrite(data, at, struct.pack(f"{order}I", value))
            case "quad":
                return _overwrite(data, at, struct.pack("<Q", _LOADED_32[self.value % len(_LOADED_32)] << 16))
            case "cut":
                return data[:at]
            case "drop":
                return data[:at] + data[at + length :]
            case "repeat":
                return data[:at] + data[at : at + length] * 2 + data[at + length :]
            case "fill":
                return _overwrite(data, at, bytes([small]) * length)
            case "move":
                source = self.value % max(len(data), 1)
                return _overwrite(data, at, data[source : source + length])
            case "insert":
                return data[:at] + bytes([small]) * length + data[at:]
            case "text":
                word = _WORDS[self.value % len(_WORDS)]
                return data[:at] + word + data[at + self.value % 3 * len(word) // 2 :]
        raise ValueError(self.kind)


_WORDS = (
    *(
        b"nan",
        b"inf",
        b"-1",
        b"1e999",
        b"0",
        b"99999999999999999999",
        b'"',
        b"[",
        b"{",
        b"]",
        b"}",
        b"=",
        b"\n",
    ),
    *(b"'''", b"\0", b"\xff\xfe", b"\xc3", b"true", b"null", b"../../x", b"[[a]]\n", b"-", b".", b",", b"#"),
)
_KINDS = ("bit", "byte", "short", "long", "quad", "cut", "drop", "repeat", "fill", "move", "insert", "text")

edits: st.SearchStrategy[list[Edit]] = st.lists(
    st.builds(
        Edit,
        st.sampled_from(_KINDS),
        # Headers and directories lie at either end of a file, so that is where edits gather.
        st.one_of(st.floats(0, 1), st.floats(0, 0.1), st.floats(0.9, 1)),
        st.integers(0, 0xFFFF),
    ),
    min_size=1,
    max_size=4,
)


def mutated(data: bytes, changes: Sequence[Edit]) -> bytes:
    """The file after all changes."""
    for change in changes:
        data = change.apply(data)
    return data


def with_right_checksums(data: bytes) -> bytes:
    """A PNG whose chunks' checksums are made right again, so that damage reaches the decoder behind them."""
    result, position = bytearray(data[:8]), 8
    while position + 12 <= len(data):
        (length,) = struct.unpack(">I", data[position : position + 4])
        body = data[position + 4 : position + 8 + length]
        if position + 12 + length > len(data):
            break
        result += data[position : position + 4] + body + struct.pack(">I", zlib.crc32(body))
        position += 12 + length
    return bytes(result + data[position:])


def _overwrite(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new[: len(data) - at] + data[at + len(new) :]
