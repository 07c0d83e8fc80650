"""Mutated files: every one is refused with a clean error or gives a result that makes sense.

More mutations, other ones each time: ``SRNET_FUZZ=20 pytest tests/faults/fuzz`` multiplies their number. What
a run finds is put into ``cases/`` under the name of its kind, and stays there.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from srnet_cli.errors import SrnetError
from tests.faults.fuzz.mutations import Edit, mutated, with_right_checksums
from tests.faults.fuzz.targets import KINDS, load, read_and_write
from tests.faults.program import ROOT, Program, disk, environment

CASES = sorted((Path(__file__).parent / "cases").iterdir())
#: mutations of each kind, more where they cost little
EXAMPLES = {
    "png": 900,
    "jpeg": 700,
    "tiff": 1000,
    "dng": 200,
    "arw": 200,
    "webp": 300,
    "safetensors": 500,
    "pickle": 250,
    "card": 450,
    "tform": 700,
}
WORKERS = 2

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded by means of Linux")


@pytest.mark.timeout(900)
def test_thousands_of_mutations(tmp_path: Path) -> None:
    factor = int(os.environ.get("SRNET_FUZZ", "0"))
    assert sum(EXAMPLES.values()) >= 5000

    def run(kind: str) -> subprocess.CompletedProcess[str]:
        folder = tmp_path / kind
        folder.mkdir()
        seed = [str(random.randrange(1 << 32))] if factor else []
        arguments = [kind, str(EXAMPLES[kind] * max(factor, 1)), str(folder), *seed]
        return subprocess.run(
            [sys.executable, "-m", "tests.faults.fuzz", *arguments],
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            text=True,
        )

    with ThreadPoolExecutor(WORKERS) as pool:
        ended = dict(zip(EXAMPLES, pool.map(run, EXAMPLES), strict=True))
    done = 0
    for kind, process in ended.items():
        # A crash leaves the file that caused it at the folder's in-work; a negative code is its signal.
        assert process.returncode == 0, f"{kind}, {tmp_path / kind}:\n{process.stderr[-4000:]}"
        _, refused, _, read, *_ = process.stdout.split()
        # Both ways out were taken, so the mutations are neither harmless nor hopeless.
        assert int(refused) > 0 and int(read) > 0, process.stdout
        done += int(refused) + int(read)
    assert done >= 5000


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_was_found_before(case: Path, tmp_path: Path) -> None:
    kind = KINDS[case.name.partition("-")[0]]
    path = tmp_path / f"case{kind.suffix}"
    path.write_bytes(case.read_bytes())
    with suppress(SrnetError):
        kind.target(path)


def test_mutated_pictures_through_the_program(srnet: Program, model: Path, tmp_path: Path) -> None:
    """A hundred in one batch: one line for each, and not one piece of a file beside the results."""
    inputs, output = tmp_path / "in", tmp_path / "out"
    inputs.mkdir()
    generator = random.Random(7)
    kinds = ["png", "jpeg", "tiff", "dng", "arw", "webp"]
    seeds = {kind: KINDS[kind].seeds() for kind in kinds}
    count = 100
    for index in range(count):
        kind = kinds[index % len(kinds)]
        edit = Edit(
            generator.choice(["bit", "byte", "fill"]), generator.random(), generator.randrange(1 << 16)
        )
        data = mutated(generator.choice(seeds[kind]), [edit])
        data = with_right_checksums(data) if kind == "png" else data
        (inputs / f"{index:03d}{KINDS[kind].suffix}").write_bytes(data)
    before = disk(inputs)
    ended = srnet(
        *("zoom", inputs, "-o", output, "-s", "2", "--model", model),
        *("--max-pixels", "100000"),
    )
    assert ended.code in (0, 1)
    assert disk(inputs) == before
    written = disk(output)
    lines = [line for line in ended.err.splitlines() if not line.startswith("note ")]
    # A line for each as it is done, and the table with its heading and its sum.
    assert len(lines) == count + len(ended.errors) + 2, ended.err
    assert len(ended.errors) == count - len(written)
    assert 0 < len(written) < count
    for name in written:
        assert name[3:6] == "_x2"


def test_targets_notice_what_they_should(tmp_path: Path) -> None:
    """The harness itself: a valid file passes, another one is refused."""
    path = tmp_path / "a.png"
    path.write_bytes(KINDS["png"].seeds()[0])
    read_and_write(path)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(SrnetError):
        read_and_write(path)
    with pytest.raises(SrnetError):
        load(path)
