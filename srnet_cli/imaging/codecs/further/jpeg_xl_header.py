"""Header of a JPEG XL codestream: size, depth, channels, and what its colours are.

Format: ISO/IEC 18181-1, annex D (headers) and E (colour encoding), 18181-2 (boxes).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from srnet_cli.imaging.codecs.further.boxes import boxes
from srnet_cli.imaging.colour.stated import SRGB_COLOUR, StatedColour, colour_of_cicp

#: how a codestream begins
CODESTREAM = b"\xff\x0a"
#: boxes of it, whole or in pieces in their order, and the bytes in them that are ahead of it
FIRST_PIECE = {b"jxlc": 0, b"jxlp": 4}
#: width over height by the number of the ratio
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_SIDE_BITS = (9, 13, 18, 30)
_HEAD_BYTES = 512
#: enumerated values of a channel, of its kind, of a colour encoding
_ENUM = ((0, 0), (0, 1), (4, 2), (6, 18))
_ALPHA, _SPOT, _COLOUR_FILTER = 0, 2, 5
_GREY, _XYB = 1, 2
_D65 = 1
#: primaries of table E.3, with a white of D65, as codes of H.273
_CODES = {1: 1, 9: 9, 11: 12}
_GAMMA_STEPS = 10_000_000
#: curves of table E.4, as codes of H.273
_LINEAR, _SRGB = 8, 13
LINEAR = StatedColour(gamma=1.0)


@dataclass(frozen=True)
class Header:
    """What a codestream says of its picture."""

    height: int
    width: int
    #: EXIF orientation, which the decoder undoes
    orientation: int = 1
    bits: int = 8
    floating: bool = False
    further_channels: int = 0
    animated: bool = False
    #: what the numbers mean; None where a profile says it, or a rare statement that is not understood
    colour: StatedColour | None = SRGB_COLOUR


def codestream(data: bytes) -> bytes:
    """Return the codestream of a file, which its boxes may have in pieces; nothing where there is none."""
    if data.startswith(CODESTREAM):
        return data
    # Made from a JPEG, the first of many pieces may be of seven bytes.
    return b"".join(body[FIRST_PIECE[kind] :] for kind, body in boxes(data) if kind in FIRST_PIECE)


def read_header(stream: bytes, most_channels: int) -> Header:
    """Read the header of a codestream, whose signature is in front; of more channels the rest is not read."""
    return _read(_Bits(stream[2:_HEAD_BYTES]), most_channels)


def with_srgb_curve(stream: bytes) -> bytes:
    """Return a codestream whose header says linear light with one that says the curve of sRGB.

    Raises:
        ValueError: it says something else.
    """
    bits = _Bits(stream[2:_HEAD_BYTES])
    header = _read(bits, most_channels=1)
    if header.colour != LINEAR or bits.curve_at is None:
        raise ValueError("the codestream is not one of linear light")
    place = 16 + bits.curve_at  # both values are 2 and four bits
    head = int.from_bytes(stream[:_HEAD_BYTES], "little") ^ ((_LINEAR - 2) ^ (_SRGB - 2)) << place
    return head.to_bytes(min(_HEAD_BYTES, len(stream)), "little") + stream[_HEAD_BYTES:]


def _read(bits: _Bits, most_channels: int) -> Header:
    header = Header(*bits.size())
    if bits.take(1):  # all that follows is as usual
        return header
    if bits.take(1):
        header = replace(header, orientation=1 + bits.take(3))
        if bits.take(1):
            bits.size()
        if bits.take(1):
            bits.preview_size()
        if bits.take(1):
            header = replace(header, animated=True)
            bits.animation()
    floating, depth = bits.depth()
    bits.take(1)
    further = bits.number((0, 0), (0, 1), (4, 2), (12, 1))
    header = replace(header, floating=floating, bits=depth, further_channels=further)
    if further > most_channels:
        return header
    for _ in range(further):
        bits.channel()
    bits.take(1)
    return replace(header, colour=bits.colour())


class _Bits:
    """Reader of a codestream's bits, the lowest of each byte first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")
        self._taken = 0
        #: where the value of the curve begins, once it was read
        self.curve_at: int | None = None

    def take(self, count: int) -> int:
        found = self._value & ((1 << count) - 1)
        self._value >>= count
        self._taken += count
        return found

    def number(self, *choices: tuple[int, int]) -> int:
        """Read one of four forms of a number: so many bits, and what is added to them."""
        count, offset = choices[self.take(2)]
        return offset + self.take(count)

    def size(self) -> tuple[int, int]:
        """Read height and width."""
        small = self.take(1)

        def side() -> int:
            return 8 * (self.take(5) + 1) if small else self.number(*((bits, 1) for bits in _SIDE_BITS))

        height = side()
        return height, self._width(height) or side()

    def depth(self) -> tuple[bool, int]:
        """Read whether samples are floating-point values, and their bits."""
        floating = bool(self.take(1))
        forms = ((0, 32), (0, 16), (0, 24), (6, 1)) if floating else ((0, 8), (0, 10), (0, 12), (6, 1))
        bits = self.number(*forms)
        if floating:
            self.take(4)
        return floating, bits

    def channel(self) -> None:
        """Read what a channel besides the colours is."""
        if self.take(1):  # alpha of 8 bits
            return
        kind = self.number(*_ENUM)
        self.depth()
        self.number((0, 0), (0, 3), (0, 4), (3, 1))
        self.take(8 * self.number((0, 0), (4, 0), (5, 16), (10, 48)))
        if kind == _ALPHA:
            self.take(1)
        elif kind == _SPOT:
            self.take(4 * 16)
        elif kind == _COLOUR_FILTER:
            self.number((0, 1), (2, 0), (4, 3), (8, 19))

    def colour(self) -> StatedColour | None:
        """Read what the numbers mean."""
        if self.take(1):
            return SRGB_COLOUR
        has_profile, space = self.take(1), self.number(*_ENUM)
        if has_profile or space >= _XYB or self.number(*_ENUM) != _D65:
            return None
        primaries = _CODES.get(1 if space == _GREY else self.number(*_ENUM))
        if primaries is None:
            return None
        if self.take(1):
            gamma, linear = self.take(24) / _GAMMA_STEPS, colour_of_cicp(primaries, _LINEAR)
            return replace(linear, gamma=1 / gamma) if linear is not None and gamma > 0 else None
        self.curve_at = self._taken + 2
        return colour_of_cicp(primaries, self.number(*_ENUM))

    def preview_size(self) -> None:
        eighths = self.take(1)
        forms = ((0, 16), (0, 32), (5, 1), (9, 33)) if eighths else ((6, 1), (8, 65), (10, 321), (12, 1345))
        height = self.number(*forms)
        if not self._width(height):
            self.number(*forms)

    def animation(self) -> None:
        """Read how fast an animation runs, and how often."""
        self.number((0, 100), (0, 1000), (10, 1), (30, 1))
        self.number((0, 1), (0, 1001), (8, 1), (10, 1))
        self.number((0, 0), (3, 0), (16, 0), (32, 0))
        self.take(1)

    def _width(self, height: int) -> int:
        """Read the ratio of a size, and return the width that it gives; 0 where the width follows."""
        across, down = _RATIOS.get(self.take(3), (0, 1))
        return height * across // down
