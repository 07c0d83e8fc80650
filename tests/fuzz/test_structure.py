"""The mutations of ``python -m tests.fuzz`` themselves, and a short round of each kind."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.program import ROOT, environment
from tests.fuzz.kinds import NIGHT
from tests.fuzz.structure import MUTATIONS, png_chunks, tensor_header


@pytest.mark.parametrize("name", MUTATIONS)
def test_mutations_change_files_and_come_again_with_their_seed(name: str) -> None:
    seed = next(iter(NIGHT[name].seeds()), None)
    if seed is None:
        pytest.skip("needs the package that writes it")
    for mutation in MUTATIONS[name]:
        first = [mutation(seed, random.Random(n)) for n in range(20)]
        assert first == [mutation(seed, random.Random(n)) for n in range(20)]
        assert sum(data != seed for data in first) >= 10


def test_structure_is_kept() -> None:
    """Checksums of chunks stay right, and a header of tensors stays JSON of its stated length."""
    import json
    import zlib

    png, tensors = NIGHT["png"].seeds()[0], NIGHT["safetensors"].seeds()[0]
    for n in range(50):
        data, position = png_chunks(png, random.Random(n)), 8
        while position < len(data):
            length = int.from_bytes(data[position : position + 4], "big")
            body = data[position + 4 : position + 8 + length]
            assert zlib.crc32(body) == int.from_bytes(data[position + 8 + length :][:4], "big")
            position += 12 + length
        data = tensor_header(tensors, random.Random(n))
        assert json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])


@pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded by means of Linux")
@pytest.mark.parametrize("name", ["png", "tiff"])
def test_a_round_finds_nothing(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz", "--findings", str(tmp_path), "--round", name, "1"]
    ended = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr[-2000:]
    assert ", 0 found" in ended.stdout
