"""``python -m tests.fuzz --minutes N``: mutate files by their structure, as long as it is given.

A process for each round, so that a crash is a finding and not the end. What is found is kept in the folder
``--findings``, with the error; the seed of every round is printed, and ``--seed`` repeats it.
"""

from __future__ import annotations

import argparse
import faulthandler
import random
import subprocess
import sys
import time
import traceback
import warnings
from pathlib import Path

from srnet_cli.errors import SrnetError
from tests.faults.fuzz.__main__ import _limit_addresses
from tests.faults.program import ROOT, environment
from tests.fuzz.kinds import NIGHT
from tests.fuzz.structure import MUTATIONS

#: mutations of one process, and the seconds that a single one may take
ROUND, SLOW = 200, 20.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Mutate files by structure.")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--findings", type=Path, default=Path("fuzz-findings"))
    parser.add_argument("--seed", type=int, help="of the first round")
    parser.add_argument("--round", nargs=2, metavar=("KIND", "SEED"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.findings.mkdir(parents=True, exist_ok=True)
    if given.round:
        return _round(given.round[0], int(given.round[1]), given.findings)
    end = time.monotonic() + given.minutes * 60
    seed = random.randrange(1 << 32) if given.seed is None else given.seed
    failed = 0
    while time.monotonic() < end:
        for kind in MUTATIONS:
            command = [sys.executable, "-m", "tests.fuzz", "--findings", str(given.findings.resolve())]
            ended = subprocess.run([*command, "--round", kind, str(seed)], cwd=ROOT, env=environment())
            failed += ended.returncode != 0
            if time.monotonic() >= end:
                break
        seed += 1
    print(f"{failed} rounds with findings" + (f", in {given.findings}" if failed else ""))
    return int(failed > 0)


def _round(name: str, seed: int, findings: Path) -> int:
    faulthandler.enable()
    warnings.filterwarnings("ignore", module="PIL")
    kind, generator = NIGHT[name], random.Random(f"{name} {seed}")
    seeds = kind.seeds()
    if not seeds:
        print(f"{name}: left out, the package that writes it is not installed")
        return 0
    work = findings / f"in-work-{name}"
    work.mkdir(exist_ok=True)
    path = work / f"a{kind.suffix}"
    for valid in seeds:
        path.write_bytes(valid)
        kind.target(path)
    _limit_addresses()
    counts = {"refused": 0, "read": 0, "found": 0}
    for number in range(ROUND):
        data = generator.choice(seeds)
        for _ in range(generator.choice((1, 1, 1, 2, 3))):
            data = generator.choice(MUTATIONS[name])(data, generator)
        path.write_bytes(data)
        began = time.monotonic()
        try:
            kind.target(path)
            counts["read"] += 1
        except SrnetError:
            counts["refused"] += 1
        except BaseException:
            counts["found"] += 1
            kept = findings / f"{name}-{seed}-{number}{kind.suffix}"
            kept.write_bytes(data)
            kept.with_suffix(".log").write_text(traceback.format_exc())
        if time.monotonic() - began > SLOW:
            counts["found"] += 1
            (findings / f"{name}-{seed}-{number}-slow{kind.suffix}").write_bytes(data)
    print(f"{name} {seed}: " + ", ".join(f"{count} {what}" for what, count in counts.items()), flush=True)
    return int(counts["found"] > 0)


if __name__ == "__main__":
    sys.exit(main())
