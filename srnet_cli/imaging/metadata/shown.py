"""What EXIF says about a shot, for people to read."""

from __future__ import annotations

from datetime import datetime

from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.ifd import Directory
from srnet_cli.imaging.metadata.exif import Shot, focal_length_of

_MAKE, _MODEL, _LENS, _ARTIST, _TAKEN = 271, 272, 42036, 315, 36867
_EXPOSURE_TIME, _APERTURE, _ISO = 33434, 33437, 34855


def shot_of(exif: bytes | None) -> Shot:
    """Return what is known of a shot; None is unknown."""
    structure = None if exif is None else ifd.parse(exif)
    if structure is None or not structure.directories:
        return Shot()
    top = structure.directories[0]
    inner = top.child(ifd.EXIF_POINTER)
    return Shot(
        make=_text(top, _MAKE),
        model=_text(top, _MODEL),
        lens=_text(inner, _LENS),
        artist=_text(top, _ARTIST),
        taken=_date(_text(inner, _TAKEN)),
        exposure_time=_positive(inner.number(_EXPOSURE_TIME)),
        aperture=_positive(inner.number(_APERTURE)),
        iso=_positive(inner.number(_ISO)),
        focal_length=focal_length_of(exif),
    )


def shown_shot(shot: Shot) -> dict[str, str]:
    """Write camera, lens and exposure as cameras show them; what is unknown is left out.

    Example:
        >>> shown_shot(Shot("Sony", "ILCE-7", exposure_time=0.008, aperture=5.6, iso=100, focal_length=35.0))
        {'camera': 'Sony ILCE-7', 'shot': '35 mm, f/5.6, 1/125 s, ISO 100'}
    """
    make, model = shot.make or "", shot.model or ""
    camera = model if model.lower().startswith(make.lower().split(" ")[0]) else f"{make} {model}"
    parts = (
        "" if shot.focal_length is None else f"{shot.focal_length:g} mm",
        "" if shot.aperture is None else f"f/{shot.aperture:g}",
        "" if shot.exposure_time is None else _exposure(shot.exposure_time),
        "" if shot.iso is None else f"ISO {shot.iso:g}",
    )
    exposure = ", ".join(filter(None, parts))
    taken = "" if shot.taken is None else f"{shot.taken:%Y-%m-%d %H:%M}"
    rows = {"camera": camera.strip(), "lens": shot.lens or "", "shot": exposure, "taken": taken}
    return {name: text for name, text in rows.items() if text}


def _exposure(seconds: float) -> str:
    return f"1/{round(1 / seconds)} s" if seconds < 0.3 else f"{seconds:g} s"


def _text(directory: Directory, tag: int) -> str | None:
    entry = directory.entries.get(tag)
    return (entry.text().strip() or None) if entry is not None else None


def _date(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.strptime(text, "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None


def _positive(value: float | None) -> float | None:
    return value if value is not None and 0 < value < float("inf") else None
