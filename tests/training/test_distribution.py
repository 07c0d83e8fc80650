"""Two processes over gloo, started by torchrun as a user would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from srnet_cli.compute.processes import Processes
from srnet_cli.models.store import load_model
from tests.training import joint_gradient
from tests.training.sources import write_drawings

ROOT = Path(__file__).parents[2]
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone")


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": "1"}


def test_shares_of_a_batch_are_disjoint_and_complete() -> None:
    jobs = [Processes(torch.device("cpu"), rank, 3) for rank in range(3)]
    parts = [list(job.indices(10, 8)) for job in jobs]
    assert sorted(index for part in parts for index in part) == list(range(10, 18))
    # The average over processes of (share × own mean) is the joint mean.
    values = {index: float(index**2) for index in range(10, 18)}
    means = [
        job.share(8) * sum(values[i] for i in part) / len(part) for job, part in zip(jobs, parts, strict=True)
    ]
    assert sum(means) / 3 == pytest.approx(sum(values.values()) / 8)


def test_two_processes_compute_the_gradient_of_the_joint_batch(tmp_path: Path) -> None:
    target = tmp_path / "joint.pt"
    command = [*TORCHRUN, "-m", "tests.training.joint_gradient", str(target)]
    done = subprocess.run(
        command, env=environment(), cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    joint = torch.load(target, weights_only=True)
    assert int(joint.pop("world")) == 2
    alone = joint_gradient.step(Processes(torch.device("cpu")), accumulate=1)
    assert joint.keys() == alone.keys()
    assert any("bn.weight" in name for name in alone) and any("running_var" in name for name in alone)
    assert any(name.startswith("discriminator") for name in alone)
    for name, tensor in alone.items():
        assert torch.allclose(joint[name], tensor, rtol=1e-9, atol=1e-11), name


def test_joint_batchnorm_alone_is_batchnorm(monkeypatch: pytest.MonkeyPatch) -> None:
    from srnet_cli.training.step import batchnorm

    monkeypatch.setattr(batchnorm, "joint_sum", lambda tensor: tensor)
    plain = nn.BatchNorm2d(3, momentum=0.01).double()
    joint = batchnorm.JointBatchNorm(
        nn.BatchNorm2d(3, momentum=0.01).double(), Processes(torch.device("cpu"))
    )
    x = torch.rand(4, 3, 5, 5, dtype=torch.float64) * 9 + 100
    inputs = [x.clone().requires_grad_(True) for _ in range(2)]
    outputs = [module(value) for module, value in zip((plain, joint), inputs, strict=True)]
    for output in outputs:
        (output**3).sum().backward()
    assert torch.allclose(outputs[0], outputs[1], atol=1e-10)
    gradients = [value.grad for value in inputs if value.grad is not None]
    assert torch.allclose(gradients[0], gradients[1], atol=1e-8)
    for name, tensor in plain.state_dict().items():
        assert torch.allclose(joint.state_dict()[name], tensor), name
    assert torch.allclose(plain.eval()(x), joint.eval()(x))


def train_command(data: Path, run: Path, steps: int) -> list[str]:
    tiny = (
        "--scale 2 --model edsr_msa --n-feats 8 --n-resblocks 1 --patch-size 8 --batch-size 4 --log-every 1"
    )
    rest = f"--steps {steps} --device cpu --precision fp32 --checkpoint-minutes 0 --validate-every 1000000"
    return ["train", "--data", str(data), "--output", str(run), "--resume", *tiny.split(), *rest.split()]


def wait_for_steps(log: Path, steps: int, job: subprocess.Popen[str]) -> None:
    """Until the log of a run has a line for ``steps`` steps."""
    for _ in range(1200):
        if log.exists():
            lines = [
                json.loads(line) for line in log.read_text().splitlines(keepends=True) if line.endswith("\n")
            ]
            if lines and lines[-1]["step"] >= steps:
                return
        assert job.poll() is None, job.communicate()[1]
        time.sleep(0.1)
    raise AssertionError("the run makes no progress")


def children_of(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds the processes in /proc")
def test_a_killed_process_ends_the_job_cleanly_and_it_resumes_with_another_number(tmp_path: Path) -> None:
    data, run = write_drawings(tmp_path / "drawings", count=3, side=48), tmp_path / "run"
    command = [*TORCHRUN, "-m", "srnet_cli", *train_command(data, run, 10**6)]
    with subprocess.Popen(command, env=environment(), cwd=ROOT, stderr=subprocess.PIPE, text=True) as job:
        try:
            wait_for_steps(run / "log.jsonl", 3, job)
            os.kill(children_of(job.pid)[-1], signal.SIGKILL)
            _, errors = job.communicate(timeout=120)
        finally:
            job.kill()
    assert job.returncode != 0
    assert 'Traceback (most recent call last):\n  File "' + str(ROOT) not in errors
    checkpoint = torch.load(run / "last.pt", weights_only=True)
    reached = checkpoint["progress"]["step"]
    assert reached >= 2 and checkpoint["progress"]["samples"] == 4 * reached
    # The rest with one process instead of two.
    alone = [sys.executable, "-m", "srnet_cli", *train_command(data, run, reached + 3)]
    done = subprocess.run(
        alone, env=environment(), cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"going on after step {reached}" in done.stderr
    assert torch.load(run / "last.pt", weights_only=True)["progress"]["step"] == reached + 3
    assert load_model(run).card.architecture == "edsr_msa"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds the processes in /proc")
def test_torchrun_restarts_a_job_that_lost_a_process(tmp_path: Path) -> None:
    data, run = write_drawings(tmp_path / "drawings", count=3, side=48), tmp_path / "run"
    command = [*TORCHRUN, "--max-restarts", "1", "-m", "srnet_cli", *train_command(data, run, 200)]
    with subprocess.Popen(command, env=environment(), cwd=ROOT, stderr=subprocess.PIPE, text=True) as job:
        try:
            wait_for_steps(run / "log.jsonl", 3, job)
            os.kill(children_of(job.pid)[-1], signal.SIGKILL)
            _, errors = job.communicate(timeout=280)
        finally:
            job.kill()
    assert job.returncode == 0, errors
    assert "going on after step" in errors
    progress = torch.load(run / "last.pt", weights_only=True)["progress"]
    assert (progress["step"], progress["samples"]) == (200, 800)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_torchrun_writes_a_checkpoint(tmp_path: Path, number: signal.Signals) -> None:
    data, run = write_drawings(tmp_path / "drawings", count=3, side=48), tmp_path / "run"
    arguments = [
        word for word in train_command(data, run, 10**6) if word not in ("--checkpoint-minutes", "0")
    ]
    command = [*TORCHRUN, "-m", "srnet_cli", *arguments]
    with subprocess.Popen(
        command, env=environment(), cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as job:
        try:
            wait_for_steps(run / "log.jsonl", 3, job)
            # As a terminal does at Ctrl-C: everyone gets it, and torchrun hands on another.
            (os.killpg if number == signal.SIGINT else os.kill)(job.pid, number)
            _, errors = job.communicate(timeout=120)
        finally:
            job.kill()
    step = torch.load(run / "last.pt", weights_only=True)["progress"]["step"]
    assert step >= 3 and f"interrupted after step {step}" in errors
