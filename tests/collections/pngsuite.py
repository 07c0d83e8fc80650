"""PngSuite (Willem van Schaik, 1996–2011): every kind of PNG, with its names, written to their description.

A name is: test, interlaced or not, colour type as digit, letter and bits. What is right follows from the
specification alone; files of the group ``x`` are damaged.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.collections.entries import Entry, gradient
from tests.imaging.codecs.pngs import CHANNELS, GREY, GREY_ALPHA, PALETTE, RGB, RGBA, SIGNATURE, chunk, lines

_KINDS = [(GREY, 1), (GREY, 2), (GREY, 4), (GREY, 8), (GREY, 16), (RGB, 8), (RGB, 16), (PALETTE, 1)]
_KINDS += [(PALETTE, 2), (PALETTE, 4), (PALETTE, 8), (GREY_ALPHA, 8), (GREY_ALPHA, 16), (RGBA, 8), (RGBA, 16)]
_LETTERS = {GREY: "g", RGB: "c", PALETTE: "p", GREY_ALPHA: "a", RGBA: "a"}
_ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
_PALETTE = np.random.default_rng(3).integers(0, 256, (256, 3), np.uint8)


def entries() -> Iterator[Entry]:
    yield from _basic()
    yield from _odd_sizes()
    yield from _filters()
    yield from _colours()
    yield from _transparency()
    yield from _chunks()
    yield from _damaged()


def _basic() -> Iterator[Entry]:
    for kind, depth in _KINDS:
        for interlaced in (False, True):
            name = f"bas{'i' if interlaced else 'n'}{kind}{_LETTERS[kind]}{depth:02}.png"
            yield _entry(name, kind, depth, interlaced=interlaced)
    for kind, depth in ((GREY_ALPHA, 8), (GREY_ALPHA, 16), (RGBA, 8), (RGBA, 16)):
        # A suggested background is no part of the picture.
        body = struct.pack(">H", 7) * (1 if kind == GREY_ALPHA else 3)
        yield _entry(f"bgbn{kind}a{depth:02}.png", kind, depth, ahead=chunk(b"bKGD", body))


def _odd_sizes() -> Iterator[Entry]:
    for side in (*range(1, 10), *range(32, 41)):
        for interlaced in (False, True):
            name = f"s{side:02}{'i' if interlaced else 'n'}3p{4 if side > 7 else 2:02}.png"
            yield _entry(name, PALETTE, 4 if side > 7 else 2, size=(side, side), interlaced=interlaced)


def _filters() -> Iterator[Entry]:
    for kind, depth in _KINDS:
        for number in range(6):  # 5: another one on each line
            yield _entry(f"f{number:02}n{kind}{_LETTERS[kind]}{depth:02}.png", kind, depth, filtered=number)
    for level in (0, 3, 6, 9):
        yield _entry(f"z{level:02}n2c08.png", RGB, 8, level=level)
    for parts in (1, 2, 4, 9, 4000):
        yield _entry(f"oi{min(parts, 9)}n{parts}2c16.png", RGB, 16, parts=parts)


def _colours() -> Iterator[Entry]:
    for gamma in (35, 45, 55, 70, 100, 250):
        ahead = chunk(b"gAMA", struct.pack(">I", gamma * 1000))
        for kind, depth in ((GREY, 16), (RGB, 8), (PALETTE, 4)):
            yield _entry(f"g{gamma:02}n{kind}{_LETTERS[kind]}{depth:02}.png", kind, depth, ahead=ahead)
    primaries = struct.pack(">8I", 31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000)
    for kind, depth in ((RGB, 8), (PALETTE, 8)):
        yield _entry(
            f"ccwn{kind}{_LETTERS[kind]}{depth:02}.png", kind, depth, ahead=chunk(b"cHRM", primaries)
        )
    for bits, (kind, depth) in ((5, (RGB, 8)), (8, (RGB, 8)), (13, (RGB, 16)), (3, (PALETTE, 8))):
        # Significant bits are a hint: the stored samples count.
        yield _entry(f"cs{bits}n{kind}c{depth:02}.png", kind, depth, ahead=chunk(b"sBIT", bytes([bits] * 3)))


def _transparency() -> Iterator[Entry]:
    for kind, depth in _KINDS:
        levels = 2**depth - 1
        for interlaced in (False, True):
            mark = "i" if interlaced else "n"
            if kind in (GREY, RGB):
                values = gradient(32, 32, CHANNELS[kind], levels)
                colour = values[13, 9]
                yield _entry(
                    f"tb{mark}{kind}{_LETTERS[kind]}{depth:02}.png",
                    kind,
                    depth,
                    interlaced=interlaced,
                    behind=chunk(b"tRNS", struct.pack(f">{len(colour)}H", *colour)),
                    hidden=(values == colour).all(axis=2),
                )
            elif kind == PALETTE:
                for count in {1, 2**depth}:
                    alpha = np.full(256, 255, np.uint8)
                    alpha[:count] = np.linspace(0, 200, count).astype(np.uint8)
                    yield _entry(
                        f"t{count}{mark}3p{depth:02}.png",
                        kind,
                        depth,
                        interlaced=interlaced,
                        behind=chunk(b"tRNS", alpha[:count].tobytes()),
                        alpha=alpha,
                    )


def _chunks() -> Iterator[Entry]:
    for name, body in (("cdf", (1, 4, 0)), ("cdh", (4, 1, 0)), ("cds", (1, 1, 0)), ("cdu", (1000, 1000, 1))):
        # Pixels that are not square are kept as they are: a zoom of pixels.
        tags = {"XResolution": "25.4"} if body[2] else {}
        yield _entry(f"{name}n2c08.png", RGB, 8, ahead=chunk(b"pHYs", struct.pack(">IIB", *body)), tags=tags)
    for count in (1, 2):
        depth = 4 * count
        yield _entry(f"ch{count}n3p{depth:02}.png", PALETTE, depth, behind=chunk(b"hIST", b"\0\1" * 2**depth))
    for name, year in (("cm0", 2000), ("cm7", 1970), ("cm9", 1999)):
        yield _entry(
            f"{name}n0g04.png", GREY, 4, ahead=chunk(b"tIME", struct.pack(">HBBBBB", year, 1, 1, 0, 0, 60))
        )
    title = b"Title\0PngSuite"
    packed = b"Title\0\0" + zlib.compress(b"PngSuite")
    international = b"Title\0\0\0en\0Title\0PngSuite"
    for name, kind, body in (
        ("ct1", b"tEXt", title),
        ("ctz", b"zTXt", packed),
        ("cte", b"iTXt", international),
    ):
        tags = {"ImageDescription": "PngSuite"}
        yield _entry(f"{name}n0g04.png", GREY, 4, ahead=chunk(kind, body), tags=tags)
    suggested = b"six-cube\0\x08" + bytes(6 * 8)
    for name, kind, depth in (("ps1", GREY, 8), ("ps2", RGB, 16)):
        yield _entry(f"{name}n{kind}g{depth:02}.png", kind, depth, ahead=chunk(b"sPLT", suggested))
    for name, kind, depth in (("pp0", RGB, 16), ("pp0", RGBA, 8)):
        yield _entry(
            f"{name}n{kind}c{depth:02}.png", kind, depth, ahead=chunk(b"PLTE", _PALETTE[:216].tobytes())
        )
    yield _entry("private.png", RGB, 8, ahead=chunk(b"prVt", b"anything"), behind=chunk(b"vpAg", bytes(9)))


def _damaged() -> Iterator[Entry]:
    whole = _entry("", RGB, 8).data
    at = whole.index(b"IDAT")
    deflated = zlib.compress(lines(gradient(32, 32, 3, 255), 8))
    end = chunk(b"IEND", b"")

    def header(depth: int, kind: int) -> bytes:
        return SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 32, 32, depth, kind, 0, 0, 0))

    def file(head: bytes, pixels: bytes = deflated) -> bytes:
        return head + chunk(b"IDAT", pixels) + end

    for name, data in (
        ("xs1n0g01", b"\x88" + whole[1:]),
        ("xs4n0g01", whole[:4] + b"\n\n" + whole[6:]),
        ("xcrn0g04", whole.replace(b"\r\n", b"\r")),
        ("xlfn0g04", whole.replace(b"\r\n", b"\n")),
        ("xhdn0g08", whole[:29] + bytes(4) + whole[33:]),
        ("xcsn0g01", whole[: at + 8] + bytes([whole[at + 8] ^ 1]) + whole[at + 9 :]),
        ("xc1n0g08", file(header(8, 1))),
        ("xc9n2c08", file(header(8, 9))),
        ("xd0n2c08", file(header(0, RGB))),
        ("xd3n2c08", file(header(3, RGB))),
        ("xd9n2c08", file(header(99, RGB))),
        ("xdtn0g01", header(8, RGB) + end),
        ("xno_palette", file(header(8, PALETTE), zlib.compress(bytes(33 * 32)))),
        ("xzero", SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 0, 32, 8, 2, 0, 0, 0)) + whole[33:]),
        ("xhalf", whole[: len(whole) // 2]),
        ("xshort", file(header(8, RGB), zlib.compress(lines(gradient(20, 32, 3, 255), 8)))),
        ("xbits", file(header(8, RGB), deflated[: len(deflated) // 2])),
        ("xempty", b""),
        ("xsignature", SIGNATURE),
    ):
        yield Entry(f"{name}.png", data, None)


def _entry(
    name: str,
    kind: int,
    depth: int,
    *,
    size: tuple[int, int] = (32, 32),
    interlaced: bool = False,
    filtered: int = 0,
    level: int = 6,
    parts: int = 1,
    ahead: bytes = b"",
    behind: bytes = b"",
    hidden: NDArray[np.bool_] | None = None,
    alpha: NDArray[np.uint8] | None = None,
    tags: dict[str, str] | None = None,
) -> Entry:
    """One file and its right pixels; ``ahead`` and ``behind`` are chunks before and after the palette."""
    levels = 2**depth - 1
    values = gradient(*size, CHANNELS[kind], levels)
    passes = [values[y::dy, x::dx] for y, x, dy, dx in _ADAM7] if interlaced else [values]
    step = max(1, CHANNELS[kind] * depth // 8)
    raw = b"".join(_with_filter(lines(part, depth), part.shape[0], step, filtered) for part in passes)
    packed = zlib.compress(raw, level)
    cut = -(-len(packed) // parts)
    data = SIGNATURE + chunk(
        b"IHDR", struct.pack(">IIBBBBB", size[1], size[0], depth, kind, 0, 0, interlaced)
    )
    data += ahead
    if kind == PALETTE:
        data += chunk(b"PLTE", _PALETTE[: 2**depth].tobytes())
    data += behind
    data += b"".join(chunk(b"IDAT", packed[i : i + cut]) for i in range(0, len(packed), cut))
    return Entry(name, data + chunk(b"IEND", b""), _right(values, kind, depth, hidden, alpha), 0, tags or {})


def _right(
    values: NDArray[np.int64],
    kind: int,
    depth: int,
    hidden: NDArray[np.bool_] | None,
    alpha: NDArray[np.uint8] | None,
) -> NDArray[Any]:
    if kind == PALETTE:
        colours = _PALETTE[values[..., 0]]
        return colours if alpha is None else np.dstack([colours, alpha[values[..., 0]]])
    peak = 65_535 if depth == 16 else 255
    full = np.rint(values * (peak / (2**depth - 1))).astype(np.uint16 if depth == 16 else np.uint8)
    if hidden is None:
        return full
    return np.dstack([full, np.where(hidden, 0, peak).astype(full.dtype)])


def _with_filter(rows: bytes, height: int, step: int, number: int) -> bytes:
    """Filter rows that carry none; ``step`` is the distance to the pixel on the left, in bytes."""
    if not rows or number == 0:
        return rows
    plain = np.frombuffer(rows, np.uint8).reshape(height, -1)[:, 1:].astype(np.int64)
    above = np.vstack([np.zeros_like(plain[:1]), plain[:-1]])

    def left(values: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.hstack([np.zeros((height, min(step, values.shape[1])), np.int64), values[:, :-step]])[
            :, : values.shape[1]
        ]

    a, b, c = left(plain), above, left(above)
    p = a + b - c
    distances = np.abs(np.stack([p - a, p - b, p - c]))
    nearest = np.choose(distances.argmin(axis=0), [a, b, c])
    predicted = [np.zeros_like(plain), a, b, (a + b) // 2, nearest]
    kinds = np.arange(height) % 5 if number == 5 else np.full(height, number)
    result = np.stack([plain[y] - predicted[kind][y] for y, kind in enumerate(kinds)])
    return np.hstack([kinds[:, None], result & 255]).astype(np.uint8).tobytes()
