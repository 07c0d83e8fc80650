"""Many pictures in one process: every one is done, and memory does not grow."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from srnet_cli.zooming.progress import BatchProgress
from tests.faults.pictures import encoded, encoded_arw, encoded_dng, encoded_png16, encoded_tiff, scene
from tests.faults.program import Program

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads the memory's size as Linux tells it")

COUNT = 200
SETTLED = 20
SMALLEST, LARGEST = 8, 160
#: what the allocator may keep in pieces
SLACK = 24 << 20


def picture(generator: np.random.Generator, kind: int) -> tuple[str, bytes]:
    """A suffix and a file of one of twelve kinds, of random size."""
    height, width = (int(side) for side in generator.integers(SMALLEST, LARGEST, 2))
    plain = scene(height, width)
    match kind:
        case 0:
            return ".png", encoded("PNG", plain)
        case 1:
            return ".png", encoded("PNG", np.dstack([plain, plain[..., 0]]))
        case 2:
            return ".png", encoded_png16(scene(height, width, "uint16"))
        case 3:
            return ".png", encoded("PNG", Image.fromarray(plain).convert("P"))
        case 4:
            return ".jpg", encoded("JPEG", plain)
        case 5:
            return ".jpg", encoded("JPEG", Image.fromarray(plain).convert("CMYK"))
        case 6:
            return ".tif", encoded_tiff(scene(height, width, "uint16"), photometric="rgb")
        case 7:
            return ".tif", encoded("TIFF", plain, compression="tiff_lzw")
        case 8:
            return ".webp", encoded("WEBP", plain)
        case 9:
            return ".dng", encoded_dng(height=height // 2 * 2 + 16, width=width // 2 * 2 + 16)
        case 10:
            return ".arw", encoded_arw(height=64, width=96)
        case _:
            # Cut short: a failure must not leak either.
            return ".jpg", encoded("JPEG", plain)[:-40]


@pytest.mark.timeout(900)
def test_memory_is_flat(srnet: Program, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(COUNT)
    kinds = [*range(12), *generator.integers(0, 12, COUNT - 12)]
    inputs, output = tmp_path / "in", tmp_path / "out"
    inputs.mkdir()
    damaged = 0
    for index, kind in enumerate(kinds):
        suffix, content = picture(generator, int(kind))
        damaged += kind == 11
        (inputs / f"{index:03d}{suffix}").write_bytes(content)

    sizes: list[int] = []
    finished = BatchProgress.picture_done

    def measured(progress: BatchProgress) -> None:
        finished(progress)
        sizes.append(resident())

    monkeypatch.setattr(BatchProgress, "picture_done", measured)
    ended = srnet("zoom", inputs, "-o", output, "-s", "2", "--model", model)
    assert ended.code == 1
    assert len(ended.errors) == damaged
    assert len(list(output.iterdir())) == COUNT - damaged
    assert len(sizes) == COUNT
    settled = max(sizes[:SETTLED])
    assert max(sizes[SETTLED:]) - settled < SLACK, [size >> 20 for size in sizes]
    # No slow creep below the slack: the second half needs what the first did.
    half = SETTLED + (COUNT - SETTLED) // 2
    assert np.median(sizes[half:]) - np.median(sizes[SETTLED:half]) < SLACK / 4, [s >> 20 for s in sizes]


def test_descriptors_and_threads_are_given_back(srnet: Program, model: Path, tmp_path: Path) -> None:
    for index in range(4):
        (tmp_path / f"{index}.jpg").write_bytes(encoded("JPEG"))
    arguments = ("zoom", tmp_path, "-s", "2", "--model", model, "--overwrite")
    assert srnet(*arguments).code == 0
    before = set(descriptors())
    assert srnet(*arguments).code == 0
    assert set(descriptors()) <= before


def descriptors() -> Iterator[str]:
    return (path.name for path in Path("/proc/self/fd").iterdir())


def resident() -> int:
    """Bytes of memory that this process occupies now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
