"""The command that checks a card, on a CPU."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from benchmarks import gpu, gpu_parts
from benchmarks.gpu_parts import PARTS, Plan, Row

CPU = Plan.small(torch.device("cpu"))


def test_outputs_and_gradients_are_compared() -> None:
    rows: list[Row] = []
    assert gpu.run_part("outputs against fp32 on the CPU", CPU, rows.append) is None
    assert [row["type"] for row in rows] == ["bf16", "fp16"] * 2
    assert all(float(row["dB to fp32"] or 0) > 50 for row in rows)
    rows.clear()
    assert gpu.run_part("a training step against the CPU's", CPU, rows.append) is None
    # On the CPU, fp32 is what it is compared with.
    assert [row["gradients, over largest"] for row in rows if row["type"] == "fp32"] == [0, 0]
    assert all(float(row["gradients, over largest"] or 0) < 0.1 for row in rows)


def test_recorded_steps_are_compared_and_timed() -> None:
    rows: list[Row] = []
    assert gpu.run_part("recorded steps against plain ones", CPU, rows.append) is None
    assert [(row["recorded"], row["said"]) for row in rows] == [("yes", "")] * 2
    assert all(float(row["losses, apart"] or 0) < 1e-3 for row in rows)
    rows.clear()
    assert gpu.run_part("speed of training", CPU, rows.append) is None
    assert [row["form"] for row in rows] == ["recorded", "plain"] * 2


def failing(plan: Plan) -> Iterator[Row]:
    yield {"done": 1}
    raise RuntimeError("CUDA error: an illegal memory access")


def test_what_fails_is_told_and_keeps_what_it_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PARTS, "zoom", failing)
    rows: list[Row] = []
    error = gpu.run_part("zoom", CPU, rows.append)
    assert error == "RuntimeError: CUDA error: an illegal memory access" and rows == [{"done": 1}]
    text = gpu.tables([gpu.Result("zoom", 1.0, rows, error), gpu.Result("next", 1.0, [{"ms": 2.5}])], "now")
    assert "**failed** after 1 s: RuntimeError" in text and "| 2.5 |" in text


@pytest.mark.slow
def test_the_whole_command(tmp_path: Path) -> None:
    arguments = ["--device", "cpu", "--small", "--limit", "900", "--output", str(tmp_path)]
    assert gpu.main(arguments) == 0
    parts = json.loads((tmp_path / "gpu.json").read_text())["parts"]
    assert list(parts) == list(PARTS)
    assert all(part["error"] is None and part["rows"] for part in parts.values())
    text = (tmp_path / "gpu.md").read_text()
    assert all(f"## {name}" in text for name in gpu_parts.PARTS)


@pytest.mark.slow
def test_a_part_whose_time_is_up_is_told() -> None:
    result = gpu.run_apart("speed of training", CPU, 0.5)
    assert result.error == "not done after 0 s" and result.rows == []
