"""Which file formats there are, and how to tell them: RAW by suffix, all others by their content."""

from __future__ import annotations

from pathlib import Path

#: camera RAW files that LibRaw knows
RAW_SUFFIXES = frozenset({
    ".3fr", ".ari", ".arw", ".bay", ".cap", ".cr2", ".cr3", ".crw", ".dcr", ".dcs", ".dng", ".drf",
    ".eip", ".erf", ".fff", ".gpr", ".iiq", ".k25", ".kdc", ".mdc", ".mef", ".mos", ".mrw", ".nef",
    ".nrw", ".orf", ".pef", ".ptx", ".pxn", ".r3d", ".raf", ".raw", ".rw2", ".rwl", ".rwz", ".sr2",
    ".srf", ".srw", ".x3f",
})  # fmt: skip
#: pictures
RGB_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".jpe", ".tif", ".tiff", ".webp", ".avif", ".bmp"})


def is_raw_path(path: Path | str) -> bool:
    """Whether the name is that of a camera RAW file."""
    return Path(path).suffix.lower() in RAW_SUFFIXES


def content_format(head: bytes) -> str | None:
    """The format that the first 32 bytes of a file show: png, jpeg, tiff, webp, avif, bmp or None."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "tiff"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp" and any(brand in head[8:] for brand in (b"avif", b"avis")):
        return "avif"
    if head.startswith(b"BM"):
        return "bmp"
    return None
