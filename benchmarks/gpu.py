"""``python -m benchmarks.gpu``: one command that checks a card, in under three minutes.

Whether the card computes what the CPU computes, whether a recorded training step is the plain one, and how
fast training and zoom are there. Quick parts come first; each has a process of its own, so that one that
fails is told and the rest is still done. Tables go to stdout, and with all figures to
``benchmarks/results/gpu.md`` and ``gpu.json`` (``--output`` names another folder; without a card nothing is
written unless it is given).
``--device cpu --small`` takes the same ways on a CPU. Ends with 1 when a part failed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.gpu_parts import PARTS, Plan, Row
from benchmarks.machine import load_per_core
from benchmarks.record import RESULTS, as_json, record
from srnet_cli.compute.device import choose_device
from srnet_cli.errors import SrnetError

#: seconds that all parts together may take; a part may take what is left
LIMIT = 180.0
#: what a part gets however late it is
LEAST = 10.0


@dataclass(frozen=True)
class Result:
    """What became of a part."""

    name: str
    seconds: float
    rows: list[Row] = field(default_factory=list)
    #: why it failed, or None
    error: str | None = None


def run_part(name: str, plan: Plan, tell: Callable[[Row], object]) -> str | None:
    """Do one part here and ``tell`` its rows; return why it failed, or None."""
    try:
        for row in PARTS[name](plan):
            tell(row)
    except (SrnetError, RuntimeError, AssertionError, ValueError, OSError, MemoryError) as failure:
        return f"{type(failure).__name__}: {' '.join(str(failure).split())[:400]}"
    return None


def run_apart(name: str, plan: Plan, seconds: float) -> Result:
    """Do one part in a process of its own: an error of the card stays there, and so does its memory.

    Rows that it told before it failed, or its time was up, are kept.
    """
    began = time.perf_counter()
    context = multiprocessing.get_context("spawn")
    near, far = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(far, name, plan), daemon=False)
    process.start()
    far.close()
    rows: list[Row] = []
    error: str | None = f"not done after {seconds:.0f} s"
    try:
        while near.poll(max(0.0, seconds - (time.perf_counter() - began))):
            told = near.recv()
            if not isinstance(told, dict):
                error = told
                break
            rows.append(told)
    except EOFError:
        process.join()
        error = f"its process ended with {process.exitcode}"
    process.join(2)
    if process.is_alive():
        process.kill()
        process.join()
    return Result(name, time.perf_counter() - began, rows, error)


def _serve(connection: Connection, name: str, plan: Plan) -> None:
    connection.send(run_part(name, plan, connection.send))


def tables(results: Sequence[Result], taken: str) -> str:
    """Write Markdown: a table for each part, or why it failed."""
    lines = ["# A card, checked", "", f"`python -m benchmarks.gpu`, {taken}.", ""]
    for result in results:
        lines += [f"## {result.name}", ""]
        if result.error is not None:
            lines += [f"**failed** after {result.seconds:.0f} s: {result.error}", ""]
        if result.rows:
            names = list(dict.fromkeys(name for row in result.rows for name in row))
            lines += [f"| {' | '.join(names)} |", f"| {' | '.join([':--'] * len(names))} |"]
            lines += [f"| {' | '.join(_shown(row.get(name)) for name in names)} |" for row in result.rows]
            lines += ["", f"({result.seconds:.0f} s)", ""]
    return "\n".join(lines)


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.3g}" if isinstance(value, float) and abs(value) < 1000 else _whole(value)


def _whole(value: Any) -> str:
    return f"{value:,.0f}" if isinstance(value, float) else str(value).replace("|", "/")


def main(arguments: Sequence[str]) -> int:
    """Do the parts; print and keep what they found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--small", action="store_true", help="in a size that a CPU does, too")
    parser.add_argument("--part", action="append", choices=list(PARTS), help="repeatable; default all")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds for all parts together")
    parser.add_argument("--output", type=Path, help="folder for gpu.json and gpu.md")
    given = parser.parse_args(arguments)
    device = choose_device(given.device)
    plan = Plan.small(device) if given.small else Plan(device)
    began, results = time.perf_counter(), []
    for name in given.part or PARTS:
        left = given.limit - (time.perf_counter() - began)
        result = run_apart(name, plan, max(LEAST, left))
        told = result.error or "done"
        print(f"{name}: {told} ({result.seconds:.1f} s)", file=sys.stderr, flush=True)
        results.append(result)
    taken = f"{datetime.now(UTC):%Y-%m-%d}, {time.perf_counter() - began:.0f} s in all on {device}"
    figures = {
        "taken": taken,
        "load_per_core": load_per_core(),
        "parts": {r.name: {"seconds": r.seconds, "error": r.error, "rows": r.rows} for r in results},
    }
    text = tables(results, taken)
    print(text)
    folder = given.output or (RESULTS if device.type == "cuda" else None)
    if folder is not None:
        record("gpu", figures, text, folder)
    else:
        as_json(figures)
    return 1 if any(result.error for result in results) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
