"""``python -m tests.collections``: every file of every collection through the installed program.

Pixels and tags are compared at a scale of 1; then everything is zoomed twice by the light network, where
nothing may be refused, crash or change its size. Takes a few minutes; ends with 1 when something was found.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.collections import exif, libtiff, pngsuite
from tests.collections.check import check

COLLECTIONS = {"pngsuite": pngsuite.entries, "libtiff": libtiff.entries, "exif": exif.entries}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.collections", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(COLLECTIONS)}; all by default")
    parser.add_argument("--keep", type=Path, help="a folder for inputs and results")
    given = parser.parse_args()
    count = 0
    with tempfile.TemporaryDirectory() as temporary:
        for name in given.names or COLLECTIONS:
            entries = list(COLLECTIONS[name]())
            for scale, options in ((1, ()), (2, ("--fast",))):
                folder = (given.keep or Path(temporary)) / f"{name}-x{scale}"
                findings = check(entries, folder, scale, options)
                print(f"{name} ×{scale}: {len(entries)} files, {len(findings)} findings", flush=True)
                for finding in findings:
                    print(f"  {finding}", flush=True)
                count += len(findings)
    return 1 if count else 0


if __name__ == "__main__":
    raise SystemExit(main())
