"""Real LR and simulated LR of the same scenes, measured alike."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.camera.measures import BANDS, SUMMARY, measure
from benchmarks.camera.pairs import CAMERAS, SCALE, as_pictures, as_tensor, read_pairs
from srnet_cli.data.camera.parameters import CameraRanges
from srnet_cli.data.camera.simulation import VERSION, camera_zoom

#: what is simulated: all of the camera, and what of it a camera's own JPEG is like
SIMULATED = {
    "simulated": CameraRanges(pattern_share=0.0),
    "simulated, with engine": CameraRanges(raw_share=0.0, pattern_share=0.0),
}

Measures = dict[str, dict[str, list[dict[str, float]]]]


def compare(folder: Path, draws: int, every: int) -> dict[str, Any]:
    """Measure the real LR and ``draws`` simulated ones of every scene."""
    measured: Measures = {camera: {} for camera in CAMERAS}
    for number, pair in enumerate(read_pairs(folder, every)):
        seeds = [number * 1000 + i for i in range(draws)]
        pictures = {"real": [pair.lr], "scene": [pair.scene]}
        for name, ranges in SIMULATED.items():
            pictures[name] = as_pictures(camera_zoom(as_tensor(pair.hr, draws), SCALE, seeds, ranges))
        for name, own in pictures.items():
            rows = [measure(picture, pair.scene) for picture in own]
            measured[pair.camera].setdefault(name, []).extend(rows)
        print(number, pair.name, flush=True)
    return {
        "pictures": {camera: len(measured[camera]["real"]) for camera in CAMERAS},
        "draws": draws,
        "quantiles": _quantiles(measured),
        "coverage": _coverage(measured),
    }


def facts() -> dict[str, Any]:
    """Return what the figures depend on: the camera's version and ranges, and the bands of the spectra."""
    bands = [round(float(band), 4) for band in BANDS]
    return {"camera": VERSION, "ranges": asdict(CameraRanges()), "bands": bands}


def _quantiles(measured: Measures) -> dict[str, Any]:
    """Quantiles 10, 50 and 90 of each measure; None of what no picture offered."""

    def of(values: list[float]) -> list[float] | None:
        if np.isnan(values).all():
            return None
        return [round(float(q), 4) for q in np.nanquantile(values, [0.1, 0.5, 0.9])]

    return {
        camera: {name: {key: of([m[key] for m in rows]) for key in rows[0]} for name, rows in sources.items()}
        for camera, sources in measured.items()
    }


def _coverage(measured: Measures) -> dict[str, Any]:
    """Share of real pictures whose measure lies between the simulation's quantiles 5 and 95."""
    result: dict[str, Any] = {camera: {} for camera in measured}
    for camera, sources in measured.items():
        for name in SIMULATED:
            covered = {}
            for key in SUMMARY:
                real, made = (_finite([m[key] for m in sources[s]]) for s in ("real", name))
                if not len(real) or not len(made):
                    continue
                low, high = np.quantile(made, [0.05, 0.95])
                covered[key] = round(float(((real >= low) & (real <= high)).mean()), 3)
            mean = round(float(np.mean(list(covered.values()))), 3)
            result[camera][name] = {**covered, "mean": mean}
    return result


def _finite(values: list[float]) -> NDArray[np.float64]:
    return np.array([value for value in values if np.isfinite(value)])


def table(sets: dict[str, dict[str, Any]]) -> str:
    """Write medians of real and simulated LR, and how much of the real lies within the simulated."""
    lines = [
        "| pairs | camera | measure | real | simulated | simulated, with engine | real within simulated |",
        "| :-- | :-- | :-- | --: | --: | --: | --: |",
    ]
    for name, found in sets.items():
        for camera in CAMERAS:
            quantiles, coverage = found["quantiles"][camera], found["coverage"][camera]["simulated"]
            for key in SUMMARY:
                cells = [_range(quantiles[source].get(key)) for source in ("real", *SIMULATED)]
                what = f"{name}, {found['pictures'][camera]} pairs | {camera} | {key.replace('_', ' ')}"
                lines.append(f"| {what} | {' | '.join(cells)} | {_percent(coverage.get(key))} |")
            lines.append(f"| {name} | {camera} | **all, mean** | | | | {100 * coverage['mean']:.0f} % |")
    note = (
        "Medians [quantiles 10, 90] over pictures. Bands: power of LR over the scene's in dB, in logarithmic "
        "bands of 0.02–0.5 cycles per LR pixel, numbered from 0. Noise: deviation in flat areas, levels; "
        "correlation of neighbours in it. Over- and undershoot beside strong edges, shares of the step. "
        "Sharpness: strongest gradients over the scene's. Within: share of real pictures between quantiles 5 "
        "and 95 of the simulated ones, 90 % where the two are alike."
    )
    return "\n".join(lines) + f"\n\n{note}\n"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def _range(quantiles: list[float] | None) -> str:
    if quantiles is None:
        return "–"
    low, median, high = quantiles
    return f"{median:.2f} [{low:.2f}, {high:.2f}]"
