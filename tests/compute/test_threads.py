"""Threads: as many as the process may use, set before torch is there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from srnet_cli.compute.threads import usable_cores

ROOT = Path(__file__).parents[2]
PROGRAM = """
import os, sys
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from srnet_cli.compute.threads import limit_threads
limit_threads()
assert "torch" not in sys.modules
import torch
print(os.environ["OMP_WAIT_POLICY"], os.environ["OMP_NUM_THREADS"], torch.get_num_threads())
"""

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="affinity is Linux's")


def run(program: str, **variables: str) -> list[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}
    environment = {**clean, "PYTHONPATH": str(ROOT), **variables}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def machine(folder: Path, group: str, files: dict[str, str]) -> Path:
    """A root folder with control groups; the topology of the CPUs is not told."""
    for name, content in {"proc/self/cgroup": group, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")
    return folder


@pytest.fixture
def eight_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))


def test_one_cpu_gives_one_thread() -> None:
    assert run(PROGRAM) == ["passive", "1", "1"]


def test_what_the_user_has_set_stays() -> None:
    assert run(PROGRAM, OMP_NUM_THREADS="2", OMP_WAIT_POLICY="active") == ["active", "2", "2"]


def test_the_command_line_sets_them_before_torch() -> None:
    program = """
import os, sys
from srnet_cli import main
def stand_in(arguments, debug):
    print("torch" in sys.modules, os.environ["OMP_WAIT_POLICY"], "OMP_NUM_THREADS" in os.environ)
    return 0
main._run = stand_in
main.run()
"""
    assert run(program) == ["False", "passive", "True"]


def test_the_library_sets_nothing() -> None:
    program = "import os, srnet_cli; print([n for n in os.environ if n.startswith('OMP_')])"
    assert run(program) == ["[]"]


@pytest.mark.usefixtures("eight_cpus")
def test_the_quota_of_a_control_group_limits(tmp_path: Path) -> None:
    quota = {"sys/fs/cgroup/jobs/cpu.max": "250000 100000", "sys/fs/cgroup/jobs/one/cpu.max": "max 100000"}
    assert usable_cores(machine(tmp_path / "a", "0::/jobs/one", quota)) == 3
    # In a container the group's own path does not exist, and the mounted folder is the group.
    inside = machine(tmp_path / "b", "0::/docker/12ab", {"sys/fs/cgroup/cpu.max": "50000 100000"})
    assert usable_cores(inside) == 1


@pytest.mark.usefixtures("eight_cpus")
def test_the_quota_of_the_first_version_limits(tmp_path: Path) -> None:
    def first(name: str, quota: str) -> Path:
        files = {"cpu.cfs_quota_us": quota, "cpu.cfs_period_us": "100000"}
        placed = {f"sys/fs/cgroup/cpu/batch/{file}": text for file, text in files.items()}
        return machine(tmp_path / name, "5:memory:/batch\n4:cpu,cpuacct:/batch", placed)

    assert usable_cores(first("limited", "400000")) == 4
    assert usable_cores(first("free", "-1")) == 8


@pytest.mark.usefixtures("eight_cpus")
def test_two_threads_of_a_core_count_once(tmp_path: Path) -> None:
    topology = {
        f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list": f"{cpu % 4},{cpu % 4 + 4}"
        for cpu in range(8)
    }
    assert usable_cores(machine(tmp_path, "0::/", topology)) == 4


@pytest.mark.usefixtures("eight_cpus")
def test_without_control_groups_the_affinity_counts(tmp_path: Path) -> None:
    assert usable_cores(tmp_path) == 8
