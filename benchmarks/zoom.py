"""``python -m benchmarks.zoom``: how fast zooming is here, and how far from what the machine can do.

All forms are timed in one run, in turns, so that whatever else the machine does meets all of them; ratios
come first and mean more than seconds. Tables go to stdout, and with ``--save`` they and all figures
to ``benchmarks/results/NAME.md`` and ``NAME.json``.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.forms import Check, Form, Settings, Worker, load_network
from benchmarks.jobs import JobResult, run_job
from benchmarks.machine import load_per_core, machine_facts
from benchmarks.record import record
from srnet_cli.compute.device import choose_device
from srnet_cli.network.attention import FINEST, GATES
from srnet_cli.network.srnet import SRNet, SRNetOptions

AUTHORS = Form("as the authors wrote it", "authors", tuned=False)
CPU_FORMS = (
    AUTHORS,
    Form("the same, allocator tuned", "authors"),
    Form("training form, allocator tuned", "training"),
    Form("inference form fp32", "inference", "fp32"),
    Form("inference form bf16", "inference", "bf16"),
)
CUDA_FORMS = (
    AUTHORS,
    Form("training form", "training"),
    Form("inference form fp32", "inference", "fp32"),
    Form("inference form bf16", "inference", "bf16"),
    Form("inference form fp16", "inference", "fp16"),
)
#: what the acceptance of this project's speed asks for
WANTED_RATIO, WANTED_SHARE = 3.2, 0.70


@dataclass(frozen=True)
class Row:
    """One form's figures."""

    name: str
    precision: str
    #: times as fast as the authors' form: of best runs, and the median over rounds
    ratio_best: float
    ratio_median: float
    #: part of the convolution ceiling of its precision: of best runs, and the median over rounds
    share_best: float | None
    share_median: float | None
    seconds_per_mp: float
    extra_mb: float
    #: against the training form in fp32
    psnr_db: float
    largest_difference: float


@dataclass(frozen=True)
class Ceiling:
    """Speed of the machine in the operation that the network mostly is."""

    name: str
    best_gflops: float
    median_gflops: float
    #: at that rate, s per LR megapixel of the whole network
    floor_s_per_mp: float


def folded_macs(options: SRNetOptions) -> int:
    """Count multiply-accumulates per LR pixel of SRNet without the auxiliary upsampler, gates merged."""
    c, gate = options.n_feats, GATES * 4 * FINEST * 49
    stream = 27 * c + options.n_resblocks * (18 * c * c + gate) + 9 * c * c
    upsampler, area = 0, 1
    factors = [3] if options.scale == 3 else [2] * (options.scale.bit_length() - 1)
    for factor in factors:
        upsampler += 9 * c * c * factor**2 * area
        area *= factor**2
    return 2 * stream + 2 * gate + upsampler + 27 * c * area


def measure_forms(settings: Settings, repeats: int) -> tuple[list[Row], list[Ceiling]]:
    """Measure all forms and ceilings, ``repeats`` rounds in turns."""
    cuda = settings.device == "cuda"
    forms = CUDA_FORMS if cuda else CPU_FORMS
    precisions = dict.fromkeys(form.precision for form in forms)
    ceilings = [Form(f"64→64 3×3 convolution {p}", "convolution", p) for p in precisions]
    if cuda:
        ceilings.append(Form("matrix product bf16", "product", "bf16"))
    workers = {form: Worker(form, settings) for form in (*forms, *ceilings)}
    try:
        checks = {form: workers[form].check() for form in forms}
        rounds: dict[Form, list[float]] = {form: [] for form in workers}
        for number in range(repeats):
            print(f"round {number + 1} of {repeats}", file=sys.stderr)
            for form, worker in workers.items():
                rounds[form].append(worker.measure())
    finally:
        for worker in workers.values():
            worker.close()
    network = load_network(settings.model)
    macs = folded_macs(network.options) if isinstance(network, SRNet) else None
    pixels = settings.batch * settings.tile**2
    reference = checks[next(form for form in forms if form.kind == "training")]
    by_precision = {form.precision: rounds[form] for form in ceilings if form.kind == "convolution"}
    rows = [
        _row(
            form,
            rounds[form],
            rounds[AUTHORS],
            by_precision[form.precision],
            checks[form],
            reference,
            pixels,
            macs,
        )
        for form in forms
    ]
    return rows, [_ceiling(form, rounds[form], macs) for form in ceilings]


def _row(
    form: Form,
    seconds: list[float],
    authors: list[float],
    ceiling: list[float],
    check: Check,
    reference: Check,
    pixels: int,
    macs: int | None,
) -> Row:
    difference = check.picture.astype(np.float64) - reference.picture
    error = float(np.mean(difference**2))
    work = None if macs is None else 2.0 * macs * pixels
    return Row(
        name=form.name,
        precision=form.precision,
        ratio_best=min(authors) / min(seconds),
        ratio_median=statistics.median(a / s for a, s in zip(authors, seconds, strict=True)),
        share_best=None if work is None else work / min(seconds) / max(ceiling),
        share_median=None
        if work is None
        else statistics.median(work / s / c for s, c in zip(seconds, ceiling, strict=True)),
        seconds_per_mp=min(seconds) / pixels * 1e6,
        extra_mb=check.extra_mb,
        psnr_db=float("inf") if error == 0 else 10 * float(np.log10(255**2 / error)),
        largest_difference=float(np.abs(difference).max()),
    )


def _ceiling(form: Form, rates: list[float], macs: int | None) -> Ceiling:
    best = max(rates)
    return Ceiling(
        name=form.name,
        best_gflops=best / 1e9,
        median_gflops=statistics.median(rates) / 1e9,
        floor_s_per_mp=float("nan") if macs is None else 2e6 * macs / best,
    )


def forms_table(rows: list[Row], ceilings: list[Ceiling]) -> str:
    """Write both tables in Markdown."""
    lines = _heading(
        "form",
        "× authors' form (median)",
        "share of ceiling (median)",
        "s per LR MP",
        "extra MB",
        "dB to fp32",
        "largest difference",
    )
    for r in rows:
        share = "–" if r.share_best is None else f"{r.share_best:.2f} ({r.share_median:.2f})"
        same = "–" if r.psnr_db == float("inf") else f"{r.psnr_db:.1f}"
        lines.append(
            f"| {r.name} | {r.ratio_best:.2f} ({r.ratio_median:.2f}) | {share} | {r.seconds_per_mp:.2f} "
            f"| {r.extra_mb:.0f} | {same} | {r.largest_difference:.3g} |"
        )
    lines += ["", *_heading("ceiling", "GFLOP/s (median)", "floor, s per LR MP")]
    lines += [
        f"| {c.name} | {c.best_gflops:.0f} ({c.median_gflops:.0f}) | {c.floor_s_per_mp:.2f} |"
        for c in ceilings
    ]
    return "\n".join(lines)


def jobs_table(jobs: list[JobResult]) -> str:
    """Write whole jobs in Markdown."""
    lines = _heading(
        "input",
        "output",
        "total s",
        "s per MP",
        "decode s",
        "network s",
        "all else",
        "first tile s",
        "peak MB",
        "output MB",
    )
    for j in jobs:
        lines.append(
            f"| {j.megapixels:g} MP | {j.suffix} | {j.total_s:.1f} | {j.total_s / j.megapixels:.2f} "
            f"| {j.decode_s:.2f} | {j.network_s:.1f} | {100 * j.other_share:.1f} % | {j.first_tile_s:.2f} "
            f"| {j.peak_mb:.0f} | {j.output_mb:.0f} |"
        )
    return "\n".join(lines)


def _heading(*columns: str) -> list[str]:
    return ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]


def main() -> None:
    arguments = _arguments()
    device = choose_device(arguments.device or "auto").type
    settings = Settings(
        device=device,
        threads=1 if arguments.cpu_time else arguments.threads or torch.get_num_threads(),
        tile=arguments.tile,
        batch=arguments.batch or (16 if device == "cuda" else 1),
        model=arguments.model,
        cpu_time=arguments.cpu_time,
    )
    facts = machine_facts(torch.device(device)) | asdict(settings) | {"load_per_core": load_per_core()}
    facts["model"] = "untrained SRNet ×4" if settings.model is None else Path(settings.model).name
    facts["date"] = datetime.now(UTC).date().isoformat()
    parts = [_facts_list(facts)]
    figures: dict[str, Any] = {"machine": facts}
    if arguments.repeats:
        rows, ceilings = measure_forms(settings, arguments.repeats)
        parts.append(forms_table(rows, ceilings))
        figures["forms"] = [asdict(row) for row in rows]
        figures["ceilings"] = [asdict(ceiling) for ceiling in ceilings]
    jobs = []
    for megapixels in arguments.megapixels:
        print(f"whole job of {megapixels:g} MP", file=sys.stderr)
        jobs.append(run_job(megapixels, arguments.suffix, settings))
    if jobs:
        parts.append(jobs_table(jobs))
        figures["jobs"] = [asdict(job) | {"other_share": job.other_share} for job in jobs]
    text = "\n\n".join(parts) + "\n"
    print(text)
    if arguments.save:
        record(arguments.save, figures, f"# {arguments.save}\n\n{text}")


def _facts_list(facts: dict[str, object]) -> str:
    return "\n".join(f"* {name.replace('_', ' ')}: {_shown(value)}" for name, value in facts.items())


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    return str(value)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.zoom", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="rounds over all forms; 0 leaves them out")
    parser.add_argument("--tile", type=int, default=128, help="side of a tile in LR pixels")
    parser.add_argument("--batch", type=int, help="tiles at a time (1 on the CPU, 16 on CUDA)")
    parser.add_argument("--threads", type=int, help="CPU threads (PyTorch's own choice)")
    parser.add_argument(
        "--cpu-time",
        action="store_true",
        help="one thread, and its processor time instead of the clock: for a machine with other work",
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), help="CUDA where there is one")
    parser.add_argument("--model", help="name or path of a model; without it an untrained SRNet ×4")
    parser.add_argument(
        "--megapixels",
        type=float,
        nargs="*",
        default=[],
        help="whole jobs of these sizes too, such as 1 6 24",
    )
    parser.add_argument("--suffix", default=".png", help="output format of the whole jobs")
    parser.add_argument("--save", metavar="NAME", help="also write benchmarks/results/NAME.md and .json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
