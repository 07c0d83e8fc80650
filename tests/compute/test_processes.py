"""One way of joining processes: what the environment says, and whose failure it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

from srnet_cli.compute.processes import Processes, join_processes, peers_explained
from srnet_cli.errors import DeviceError, PeerError, UsageError
from tests.compute import gathering

ROOT = Path(__file__).parents[2]
NAMES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def join(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> Processes:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with join_processes("cpu") as processes:
        return processes


@pytest.mark.parametrize("environment", [{}, {"RANK": "0", "WORLD_SIZE": "1"}, {"MASTER_ADDR": "localhost"}])
def test_one_process_is_alone(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    processes = join(monkeypatch, environment)
    assert processes == Processes(torch.device("cpu")) and processes.leads
    assert processes.gather("x") == ["x"] and processes.most(2.0) == processes.sums(2.0) == [2.0]
    assert len(list(processes.in_turn())) == 1


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"RANK": "0"}, "has RANK, but not WORLD_SIZE"),
        ({"RANK": "1", "LOCAL_RANK": "1"}, "has RANK, LOCAL_RANK, but not WORLD_SIZE"),
        ({"WORLD_SIZE": "1"}, "has WORLD_SIZE, but not RANK"),
        ({"WORLD_SIZE": "2"}, "has WORLD_SIZE, but not RANK, LOCAL_RANK, MASTER_ADDR, MASTER_PORT"),
        ({"RANK": "0", "WORLD_SIZE": "2", "LOCAL_RANK": "0", "MASTER_PORT": "9"}, "but not MASTER_ADDR"),
        ({"RANK": "zero", "WORLD_SIZE": "1"}, "have to be numbers"),
        ({"RANK": "1", "WORLD_SIZE": "1"}, "RANK is 1, which is not below WORLD_SIZE, 1"),
    ],
)
def test_half_an_environment_is_refused(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], reason: str
) -> None:
    with pytest.raises(UsageError, match=reason) as found:
        join(monkeypatch, environment)
    assert "torchrun" in str(found.value)


def test_a_collective_call_only_fails_because_of_others() -> None:
    with pytest.raises(PeerError, match="another process of this job is gone: whatever"), peers_explained():
        raise RuntimeError("whatever")


def test_a_step_fails_for_reasons_of_its_own_too() -> None:
    own = RuntimeError("gloo NCCL Connection: words decide nothing")
    with pytest.raises(RuntimeError) as found, peers_explained(collective=False):
        raise own
    assert found.value is own
    with pytest.raises(PeerError), peers_explained(collective=False):
        raise dist.DistNetworkError("reset")


def test_memory_is_not_about_others() -> None:
    with pytest.raises(torch.OutOfMemoryError), peers_explained():
        raise torch.OutOfMemoryError


def test_other_failures_pass() -> None:
    with pytest.raises(DeviceError), peers_explained():
        raise DeviceError("own")


def test_two_processes_meet(tmp_path: Path) -> None:
    module = "tests.compute.gathering"
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone", "-m"]
    done = subprocess.run(
        [*command, module, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert lines == {
        "0": "['rank 0', 'rank 1'] [1.0] [3.0]",
        "1": "['rank 0', 'rank 1'] [1.0] [3.0]",
        "order": "01",
    }
    assert gathering.LOST in done.stderr
