"""The table of whole jobs, from what ``benchmarks.jobs`` wrote on each kind of machine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.record import RESULTS
from srnet_cli.evaluation.outputs.tables import significant

Document = dict[str, Any]

FORMATS = {".png": "PNG", ".tif": "TIFF", ".jpg": "JPEG"}
HEADS = ("job ×4", "model", "seconds", "over the network's share", "not the network", "first tile", "peak")


def jobs_table() -> Iterator[list[str]]:
    """Yield heads and rows: quiet runs, then those beside other work, smaller pictures first."""
    yield list(HEADS)
    found = [
        (measured["machine"], job)
        for path in sorted(RESULTS.glob("jobs*.json"))
        for measured in [json.loads(path.read_text(encoding="utf-8"))]
        for job in measured["jobs"]
    ]
    found.sort(key=lambda pair: (_state(pair[0]), pair[1]["megapixels"], pair[1]["model"]))
    for machine, job in found:
        yield [
            f"{job['megapixels']:g} MP to {FORMATS[job['suffix']]}{_state(machine)}",
            job["model"],
            significant(job["job_s"]),
            f"{job['job_s'] * job['computed'] / job['wall']['network']:.2f}",
            f"{100 * job['other_share']:.0f} %",
            f"{job['first_tile_s']:.1f} s",
            f"{job['peak_mb']:.0f} MB",
        ]


def jobs_note() -> str:
    """Name the processors that the jobs were measured on, and what the columns are."""
    measured = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS.glob("jobs*.json"))]
    machines = "; ".join(sorted({_machine(each["machine"]) for each in measured}))
    return (
        "JPEG in. The network's share: its seconds within the job, less what it computed twice (the files "
        "have it measured apart, too, which swings as this machine's clock does). Not the network: of the "
        f"job's seconds. {machines}."
    )


def _state(machine: Mapping[str, Any]) -> str:
    """Say what was unusual about a run; sorts quiet runs on all of the processor first."""
    states = []
    if machine.get("torch_capability") == "AVX2":
        states.append("AVX2 alone")
    if machine.get("busy"):
        states.append(f"beside {machine['busy']} busy processes")
    return f" ({', '.join(states)})" if states else ""


def _machine(machine: Mapping[str, Any]) -> str:
    name = str(machine["cpu"]).partition("(family")[0].replace("(R)", "").strip()
    return f"{name}, {machine['threads']} threads"
