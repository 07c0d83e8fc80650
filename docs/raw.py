"""The tables of ``docs/raw.md``: RAW files zoomed from their mosaic or developed first, and DNGs of them."""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]


def raw_table(found: Document) -> list[list[str]]:
    """Return heads and rows: a way each, with PSNR and the gain over the judge at each ISO speed."""
    speeds = list(dict.fromkeys(row["iso"] for row in found["rows"]))
    cells = {(row["way"], row["iso"]): row for row in found["rows"]}
    lines = [["", *(f"ISO {iso:,}" for iso in speeds), "s/MP"]]
    for way in dict.fromkeys(row["way"] for row in found["rows"]):
        line = [way]
        for iso in speeds:
            row = cells[way, iso]
            gain = row["gain"]
            shown = f"{row['psnr']:.2f}"
            if gain["value"] or gain["low"]:
                shown += f" ({gain['value']:+.2f} [{gain['low']:+.2f}, {gain['high']:+.2f}])"
            line.append(shown)
        seconds = found["seconds_per_sensor_megapixel"].get(way)
        lines.append([*line, "–" if seconds is None else f"{seconds:.1f}"])
    return lines


def raw_note(found: Document) -> str:
    """Say what the figures are."""
    side = found["largest_side"]
    cut = "" if side is None else f", of which the middle {side} pixels of each side were taken"
    return (
        f"PSNR RGB in dB against {found['pictures']} photographs{cut}; in brackets the mean gain over "
        "`develop + srnet-lite-x4` with its 95 % interval, faithful weights both. Seconds of one thread, for "
        "a megapixel of the sensor, reading and developing included, on a machine that did other work."
    )


def dng_table(found: Document) -> list[list[str]]:
    """Return heads and rows: a RAW file each, with what every program makes of its DNG."""
    programs = list(dict.fromkeys(row["program"] for row in found["rows"] if row["program"]))
    files = dict.fromkeys(row["file"] for row in found["rows"] if row["program"])
    cells = {(row["file"], row["program"]): row for row in found["rows"]}
    lines = [["", *programs]]
    for file in files:
        lines.append([f"`{file}`", *(_dng_cell(cells.get((file, program))) for program in programs)])
    return lines


def _dng_cell(row: Document | None) -> str:
    if row is None:
        return "–"
    if row["levels"] is None:
        return "cannot read the original" if row["reason"].startswith("not the original") else row["reason"]
    return " ".join(f"{level:+.1f}" for level in row["levels"])


def dng_note(found: Document) -> str:
    """Say what the figures are."""
    areas = max(row["areas"] for row in found["rows"])
    return (
        "Levels of 255, red, green and blue, by which the DNG's picture differs from the original's in the "
        f"mean of {areas} flat areas in the middle, both developed by the same program with the camera's "
        "white balance."
    )
