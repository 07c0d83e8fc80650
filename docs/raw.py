"""The table of ``docs/raw.md``: RAW files zoomed from their mosaic, and developed first."""

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
