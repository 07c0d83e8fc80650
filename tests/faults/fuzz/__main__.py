"""``python -m tests.faults.fuzz KIND EXAMPLES FOLDER [SEED]``: mutate files and watch the program.

Runs in a process of its own, so that a crash is a finding and not the end of the test run. The mutation in
work lies in ``FOLDER/in-work``; a finding is kept there under a name of its own. Without a seed the same
mutations come every time.
"""

from __future__ import annotations

import faulthandler
import resource
import sys
import warnings
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from srnet_cli.errors import SrnetError
from tests.faults.fuzz.mutations import Edit, edits, mutated
from tests.faults.fuzz.targets import KINDS

#: what a target may take on top of what the process has when it starts
MOST_MEMORY = 400 << 20
MOST_ADDRESSES = 3 << 30


def main(kind_name: str, examples: int, folder: Path, random_seed: int | None) -> int:
    kind = KINDS[kind_name]
    faulthandler.enable()
    # As the program does.
    warnings.filterwarnings("ignore", module="PIL")
    seeds = kind.seeds()
    path = folder / f"in-work{kind.suffix}"
    counts = {"refused": 0, "read": 0}
    for valid in seeds:
        path.write_bytes(valid)
        kind.target(path)
    before = _peak()
    _limit_addresses()

    def check(which: int, changes: list[Edit], repaired: bool) -> None:
        data = mutated(seeds[which], changes)
        if repaired and kind.repair is not None:
            data = kind.repair(data)
        path.write_bytes(data)
        try:
            kind.target(path)
            counts["read"] += 1
        except SrnetError as error:
            assert "\n" not in str(error)
            counts["refused"] += 1

    run = given(st.integers(0, len(seeds) - 1), edits, st.booleans())(check)
    run = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=random_seed is None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )(run)
    if random_seed is not None:
        run = seed(random_seed)(run)
    run()
    grown = _peak() - before
    assert grown < MOST_MEMORY, f"memory grew by {grown >> 20} MiB"
    print(f"{kind_name}: {counts['refused']} refused, {counts['read']} read, {grown >> 20} MiB")
    return 0


def _peak() -> int:
    """The largest resident size so far, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _limit_addresses() -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MOST_ADDRESSES, resource.RLIM_INFINITY))


if __name__ == "__main__":
    chosen = int(sys.argv[4]) if len(sys.argv) > 4 else None
    sys.exit(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), chosen))
