"""The part of an input's metadata that a result holds, decided for every format by its row of the table."""

from __future__ import annotations

from dataclasses import replace

from srnet_cli.imaging.codecs.layout import Layout
from srnet_cli.imaging.formats import Format
from srnet_cli.imaging.metadata.exif import ExifPlace, exif_for_output
from srnet_cli.imaging.metadata.mark import software_mark
from srnet_cli.imaging.metadata.xmp import xmp_for_output
from srnet_cli.imaging.picture import Metadata

#: keywords of PNG (11.3.3.1) that EXIF has a tag for
_TAGS = {"Title": 270, "Description": 270, "Author": 315, "Copyright": 33432}
_COMMENT = "Comment"
#: of the program that wrote the input, of its thumbnail
_NEVER_CARRIED = ("Software", "Thumb::")
#: longer ones do not go into EXIF, where they might displace what cameras write
_MOST_TEXT = 4096


def with_metadata(
    layout: Layout, row: Format, metadata: Metadata, notes: list[str], as_srgb: bool = False
) -> Layout:
    """Return the layout with all metadata that the format holds; what is left out is noted.

    ``as_srgb``: the colours were brought to sRGB, whatever the input's EXIF says of them.
    """
    xmp, lost = xmp_for_output(metadata.xmp, layout.height, layout.width)
    notes.extend(lost)
    if xmp is not None and row.xmp_limit is not None and len(xmp) > row.xmp_limit:
        xmp = None
        notes.append(f"its XMP is too long for {row.title} and was left out")
    iptc = metadata.iptc
    if iptc is not None and len(iptc) > row.iptc_limit:
        iptc = None
        notes.append(
            f"{row.title} holds no IPTC{' as long as this' if row.iptc_limit else ''}: it was left out"
        )
    texts = tuple(text for text in metadata.texts if not text[0].startswith(_NEVER_CARRIED))
    into_exif = () if row.has_texts else tuple(text for text in texts if _fits_exif(*text))
    for keyword, _ in () if row.has_texts else texts:
        if not any(keyword == kept for kept, _ in into_exif):
            notes.append(f'its text "{keyword}" has no place in {row.title} and was left out')
    asked = metadata.print_resolution
    resolution = metadata.resolution if asked is None else (asked, asked)
    place = ExifPlace(
        layout.height,
        layout.width,
        software_mark(metadata.made_with, metadata.origin),
        resolution,
        tuple((_TAGS[keyword], text) for keyword, text in into_exif if keyword in _TAGS),
        next((text for keyword, text in into_exif if keyword == _COMMENT), None),
        row.exif_limit,
        row.has_exif_block,
        not row.turns_outside_exif,
        own_resolution=asked is not None,
        as_srgb=as_srgb,
    )
    exif, lost = exif_for_output(metadata.exif, place)
    notes.extend(lost)
    return replace(
        layout,
        exif=exif,
        xmp=xmp,
        iptc=iptc,
        texts=texts if row.has_texts else (),
        resolution=resolution,
    )


def _fits_exif(keyword: str, text: str) -> bool:
    return (keyword in _TAGS or keyword == _COMMENT) and len(text) <= _MOST_TEXT
