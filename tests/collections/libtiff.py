"""libtiff's pictures (pics-3.8.0 and its folder ``depth``), written to their description.

Every photometric interpretation in every depth, contiguous and planar, in strips and tiles, with every
compression that can be written here; and pages that no library writes, made by hand.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

from srnet_cli.imaging.codecs import ifd
from tests.collections.entries import Entry, gradient

HEIGHT, WIDTH = 43, 73  # of the flowers in ``depth``
_TILE = (16, 32)
_PACKED = {"none": None, "lzw": "lzw", "packbits": "packbits", "deflate": "deflate", "zstd": "zstd"}
_PACKED |= {"lzma": "lzma"}
_MIN_WHITE, _MIN_BLACK, _RGB, _PALETTE, _CMYK = 0, 1, 2, 3, 5


def entries() -> Iterator[Entry]:
    yield from _depths()
    yield from _layouts()
    yield from _floats()
    yield from _alphas()
    yield from _fax()
    yield from _pictures()
    yield from _ycbcr()
    yield from _orders()
    yield from _damaged()


def _scaled(values: NDArray[Any], bits: int) -> NDArray[Any]:
    peak = 255 if bits <= 8 else 65_535
    return np.rint(values * (peak / (2**bits - 1))).astype(np.uint8 if bits <= 8 else np.uint16)


def _page(
    data: bytes | list[bytes], tags: dict[int, tuple[int, ...]], order: str = "<", big: bool = False
) -> bytes:
    """A file of one page with the given strips or planes; ``tags`` are SHORT or, above 65,535, LONG."""
    pieces = [data] if isinstance(data, bytes) else data
    starts, position = [], 16
    for piece in pieces:
        starts.append(position)
        position += len(piece) + len(piece) % 2
    directory = {
        256: ifd.entry(ifd.LONG, WIDTH),
        257: ifd.entry(ifd.LONG, HEIGHT),
        259: ifd.entry(ifd.SHORT, 1),
        273: ifd.entry(ifd.LONG, *starts),
        278: ifd.entry(ifd.LONG, HEIGHT),
        279: ifd.entry(ifd.LONG, *(len(piece) for piece in pieces)),
    }
    directory |= {tag: ifd.entry(ifd.SHORT, *values) for tag, values in tags.items()}
    head = (
        struct.pack(f"{order}2sHHHQ", b"MM" if order == ">" else b"II", 43, 8, 0, position)
        if big
        else struct.pack(f"{order}2sHIQ", b"MM" if order == ">" else b"II", 42, position, 0)
    )
    body = b"".join(piece + b"\0" * (len(piece) % 2) for piece in pieces)
    return head + body + ifd.pack(ifd.Directory(directory), position, order=order, big=big)


def _packed(values: NDArray[Any], bits: int, order: str = "<") -> bytes:
    """Rows of whole numbers of any width, each row from a whole byte on."""
    if bits in (8, 16, 32):
        return values.astype(f"{order}u{bits // 8}").tobytes()
    if bits == 24:
        whole = np.ascontiguousarray(values.astype(f"{order}u4"))
        bytes_ = whole.view(np.uint8).reshape(*values.shape, 4)
        return (bytes_[..., 1:] if order == ">" else bytes_[..., :3]).tobytes()
    kind = np.uint8 if bits <= 8 else np.uint16 if bits <= 16 else np.uint32
    return b"".join(imagecodecs.packints_encode(row.ravel().astype(kind), bits) for row in values)


def _depths() -> Iterator[Entry]:
    for bits in (1, 2, 4, 6, 8, 10, 12, 14, 16, 24, 32):
        for order, mark in (("<", "le"), (">", "be")):
            if order == ">" and bits not in (8, 16, 24, 32):
                continue  # bits are packed alike in both
            for photometric, channels in ((_MIN_WHITE, 1), (_MIN_BLACK, 1), (_RGB, 3)):
                values = gradient(HEIGHT, WIDTH, channels, 2**bits - 1)
                right = _scaled(values, bits)
                right = np.iinfo(right.dtype).max - right if photometric == _MIN_WHITE else right
                # Those of 17 to 31 bits, which no camera writes, are refused by name.
                right = None if 16 < bits < 32 else right
                tags = {258: (bits,) * channels, 262: (photometric,), 277: (channels,)}
                name = ("minwhite", "minblack", "rgb")[photometric]
                data = _page(_packed(values, bits, order), tags, order)
                yield Entry(f"flower-{name}-contig-{bits:02}-{mark}.tif", data, right)
                if channels == 3:
                    planes = [_packed(values[..., c], bits, order) for c in range(3)]
                    data = _page(planes, {**tags, 284: (2,)}, order)
                    yield Entry(f"flower-{name}-planar-{bits:02}-{mark}.tif", data, right)
    for bits in (1, 2, 4, 8, 16):
        palette = np.random.default_rng(1).integers(0, 65_536, (3, 2**bits), np.uint16)
        values = gradient(HEIGHT, WIDTH, 1, 2**bits - 1)
        tags = {258: (bits,), 262: (_PALETTE,), 277: (1,), 320: tuple(palette.ravel().tolist())}
        right = palette[:, values[..., 0]].transpose(1, 2, 0)
        yield Entry(f"flower-palette-{bits:02}.tif", _page(_packed(values, bits), tags), right)
    for bits in (8, 16):
        values = gradient(HEIGHT, WIDTH, 4, 2**bits - 1)
        inks = np.rint(values / (2**bits - 1) * 255)
        right = np.rint((255 - inks[..., :3]) * (255 - inks[..., 3:]) / 255).astype(np.uint8)
        tags = {258: (bits,) * 4, 262: (_CMYK,), 277: (4,)}
        yield Entry(f"flower-separated-contig-{bits:02}.tif", _page(_packed(values, bits), tags), right, 2)
        planes = [_packed(values[..., c], bits) for c in range(4)]
        yield Entry(f"flower-separated-planar-{bits:02}.tif", _page(planes, {**tags, 284: (2,)}), right, 2)


def _written(values: NDArray[Any], **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, values, **options)
    return file.getvalue()


def _layouts() -> Iterator[Entry]:
    for bits in (8, 16):
        values = _scaled(gradient(HEIGHT, WIDTH, 3, 65_535), 16)
        values = values if bits == 16 else (values >> 8).astype(np.uint8)
        for word, compression in _PACKED.items():
            for planar in (False, True):
                for tile in (None, _TILE):
                    for predictor in (False, True):
                        if predictor and word in ("none", "packbits"):
                            continue
                        stored = np.moveaxis(values, -1, 0) if planar else values
                        name = f"quad-{word}-{'planar' if planar else 'contig'}"
                        name += f"-{'tile' if tile else 'strip'}{'-predictor' * predictor}-{bits}.tif"
                        for order in "<>":
                            data = _written(
                                stored,
                                photometric="rgb",
                                planarconfig="separate" if planar else "contig",
                                compression=compression,
                                tile=tile,
                                predictor=predictor,
                                rowsperstrip=None if tile else 8,
                                byteorder=order,
                                bigtiff=order == ">" and bits == 16,
                            )
                            yield Entry(("be-" if order == ">" else "") + name, data, values)


def _floats() -> Iterator[Entry]:
    for kind in ("float16", "float32", "float64"):
        for channels in (1, 3):
            values = (gradient(HEIGHT, WIDTH, channels, 65_535) / 65_535).astype(kind)
            right = np.rint(values.astype(np.float32) * np.float32(65_535)).astype(np.uint16)
            for word in ("none", "lzw", "deflate"):
                for predictor in (False, True):
                    if predictor and (word == "none" or kind == "float64"):
                        continue
                    data = _written(
                        values.squeeze(),
                        photometric="rgb" if channels == 3 else "minisblack",
                        compression=_PACKED[word],
                        predictor=predictor,
                    )
                    name = f"caspian-{kind}-{channels}-{word}{'-predictor' * predictor}.tif"
                    yield Entry(name, data, right)


def _alphas() -> Iterator[Entry]:
    for bits in (8, 16):
        levels = 2**bits - 1
        for channels, photometric in ((1, "minisblack"), (1, "miniswhite"), (3, "rgb")):
            colours = gradient(HEIGHT, WIDTH, 4, levels)[..., :channels]
            alpha = gradient(HEIGHT, WIDTH, 3, levels)[..., 2:]
            kind = np.uint8 if bits == 8 else np.uint16
            for planar in (False, True):
                for extra, count in (
                    ("unassalpha", 1),
                    ("assocalpha", 1),
                    ("unspecified", 1),
                    ("unassalpha", 2),
                ):
                    stored = np.rint(colours * alpha / levels) if extra == "assocalpha" else colours
                    whole = np.concatenate([stored, *[alpha] * count], axis=2).astype(kind)
                    shown = levels - colours if photometric == "miniswhite" else colours
                    right = np.concatenate([shown, alpha], axis=2).astype(kind)
                    if extra == "unspecified":
                        right = right[..., :-1]
                    if extra == "assocalpha" and photometric == "miniswhite":
                        continue  # nobody agrees what that is
                    data = _written(
                        np.moveaxis(whole, -1, 0) if planar else whole,
                        photometric=photometric,
                        planarconfig="separate" if planar else "contig",
                        extrasamples=[extra, *["unspecified"] * (count - 1)],
                        compression="lzw" if count == 1 else None,
                    )
                    name = (
                        f"strike-{photometric}-{extra}{count}-{'planar' if planar else 'contig'}-{bits}.tif"
                    )
                    # Dividing by little alpha tells little.
                    yield Entry(name, data, right, levels // 2 if extra == "assocalpha" else 0)


def _fax() -> Iterator[Entry]:
    from PIL import Image

    y, x = np.mgrid[:HEIGHT, :WIDTH]
    black = (x // 5 + y // 3) % 3 == 0
    for compression in (
        "group3",
        "group4",
        "tiff_ccitt",
        "raw",
        "packbits",
        "tiff_lzw",
        "tiff_adobe_deflate",
    ):
        file = io.BytesIO()
        Image.fromarray(~black).save(file, "TIFF", compression=compression)
        yield Entry(
            f"fax-{compression}.tif", file.getvalue(), np.where(black, 0, 255).astype(np.uint8)[..., None]
        )


def _pictures() -> Iterator[Entry]:
    """Other formats inside: without loss they are exact, with loss near."""
    values = gradient(48, 64, 3, 255).astype(np.uint8)
    for word, options, tolerance in (
        ("webp", {"compressionargs": {"lossless": True}}, 0),
        ("jpeg2000", {"compressionargs": {"level": 0}}, 0),
        ("png", {}, 0),
        ("jpegxl", {"compressionargs": {"lossless": True}}, 0),
        ("jpeg", {"compressionargs": {"level": 98}}, 6),
    ):
        for tile in (None, (16, 16)):
            try:
                data = _written(values, photometric="rgb", compression=word, tile=tile, **options)
            except (ValueError, ImportError, RuntimeError):
                continue  # this imagecodecs cannot write it
            yield Entry(f"jello-{word}-{'tile' if tile else 'strip'}.tif", data, values, tolerance)


def _ycbcr() -> Iterator[Entry]:
    from PIL import Image

    values = gradient(48, 64, 3, 255).astype(np.uint8)
    luma = np.asarray(Image.fromarray(values).convert("YCbCr"))
    right = np.asarray(Image.fromarray(luma, "YCbCr").convert("RGB"))
    for word in ("none", "lzw", "deflate"):
        data = _written(luma, photometric="ycbcr", compression=_PACKED[word], subsampling=(1, 1))
        yield Entry(f"ycbcr-{word}.tif", data, right, 1)
    for sub in ((1, 1), (2, 1), (2, 2)):
        data = _written(
            values, photometric="rgb", compression="jpeg", subsampling=sub, compressionargs={"level": 98}
        )
        yield Entry(f"zackthecat-{sub[0]}{sub[1]}.tif", data, values, 24)


def _orders() -> Iterator[Entry]:
    """Several pages, a thumbnail first, big-endian BigTIFF, bits from the lowest on."""
    values = gradient(HEIGHT, WIDTH, 3, 255).astype(np.uint8)
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(values[::4, ::4], photometric="rgb", subfiletype=1)
        writer.write(values, photometric="rgb", subfiletype=0)
        writer.write(values[::-1], photometric="rgb", subfiletype=2)
    yield Entry("pages-thumbnail-first.tif", file.getvalue(), values)
    tags = {258: (8,) * 3, 262: (_RGB,), 277: (3,)}
    for order in "<>":
        data = _page(values.tobytes(), tags, order, big=True)
        yield Entry(f"bigtiff-{'le' if order == '<' else 'be'}.tif", data, values)
    bits = gradient(HEIGHT, WIDTH, 1, 1)
    reversed_ = np.packbits(bits[..., 0].astype(np.uint8), axis=1, bitorder="little").tobytes()
    data = _page(reversed_, {258: (1,), 262: (_MIN_BLACK,), 277: (1,), 266: (2,)})
    yield Entry("fill-order-2.tif", data, (bits * 255).astype(np.uint8))
    for orientation in range(1, 9):
        turned = _oriented(values, orientation)
        data = _page(values.tobytes(), {**tags, 274: (orientation,)})
        yield Entry(f"orientation-{orientation}.tif", data, turned)


def _oriented(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """EXIF 2.32, 4.6.4: where the stored first row and column are to be shown."""
    if orientation >= 5:
        values = values.transpose(1, 0, 2)
    flips = {2: (1, -1), 3: (-1, -1), 4: (-1, 1), 6: (1, -1), 7: (-1, -1), 8: (-1, 1)}
    down, right = flips.get(orientation, (1, 1))
    return values[::down, ::right]


def _damaged() -> Iterator[Entry]:
    values = np.random.default_rng(2).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    for word in ("none", "lzw", "deflate", "zstd"):
        data = _written(values, photometric="rgb", compression=_PACKED[word], rowsperstrip=8)
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            start, length = file.pages[0].dataoffsets[-1], file.pages[0].databytecounts[-1]
        yield Entry(f"cut-{word}.tif", data[: start + length // 2], None)
        if word != "none":
            yield Entry(f"zeros-{word}.tif", data[:start] + bytes(length) + data[start + length :], None)
    tags = {258: (8,) * 3, 262: (_RGB,), 277: (3,)}
    yield Entry("no-pixels.tif", _page(b"", tags), None)
    yield Entry("too-short.tif", _page(values.tobytes()[:-500], tags), None)
    yield Entry("one-channel-of-three.tif", _page(values.tobytes(), {**tags, 277: (1,), 258: (8,)}), None)
    yield Entry("directory-only.tif", b"II*\0\x08\0\0\0\0\0\0\0\0\0", None)
