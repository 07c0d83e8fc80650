"""Names of the pictures that the program makes of others: enlarged, heatmaps, residuals of pairs."""

from __future__ import annotations

from pathlib import Path

#: pictures of a residual's own pixels, and those drawn for people
RESIDUAL_KINDS = ("residual", "enhanced")
DRAWN_KINDS = ("heatmap", "entropy", "histogram", "overview")


def zoom_tag(scale: float) -> str:
    """Name what a zoom does.

    Example:
        >>> zoom_tag(2.5)
        'x2.5'
    """
    return f"x{scale:g}"


def zoom_path(folder: Path, source: Path, tag: str, suffix: str, *, keep_suffix: bool = False) -> Path:
    """Name the enlarged ``source`` in a folder; ``keep_suffix`` tells pictures of one stem apart.

    Example:
        >>> zoom_path(Path("out"), Path("a.jpg"), "x4", ".png", keep_suffix=True).as_posix()
        'out/a_jpg_x4.png'
    """
    stem = source.name.replace(".", "_") if keep_suffix else source.stem
    return folder / f"{stem}_{tag}{suffix}"


def heatmap_paths(result: Path) -> tuple[Path, Path]:
    """Name the heatmaps beside an enlarged picture: of its predicted residual, and of that one's entropy.

    Example:
        >>> [path.name for path in heatmap_paths(Path("a_x4.png"))]
        ['a_x4_residual.png', 'a_x4_entropy.png']
    """
    residual, entropy = (result.with_name(f"{result.stem}_{kind}.png") for kind in ("residual", "entropy"))
    return residual, entropy


def residual_paths(folder: Path, stem: str, *, drawn: bool) -> dict[str, Path]:
    """Name the pictures of a pair's residual by kind; ``drawn`` for the heatmaps too.

    Example:
        >>> residual_paths(Path("out"), "a", drawn=False)["enhanced"].as_posix()
        'out/a_enhanced.png'
    """
    kinds = RESIDUAL_KINDS + DRAWN_KINDS if drawn else RESIDUAL_KINDS
    return {kind: folder / f"{stem}_{kind}.png" for kind in kinds}
