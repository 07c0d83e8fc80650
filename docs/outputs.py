"""The README's commands, run as they stand there, with what they print.

``python -m docs.outputs`` runs them in an empty folder (with the checkout's docs/ in it) and writes each
command and its output between the README's markers ``<!-- output:NAME -->``.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from docs.markers import ROOT, fill

#: columns of the terminal that is imitated
WIDTH = 100


@dataclass(frozen=True)
class Example:
    """A command of the README, and the exit code that it promises."""

    name: str
    command: str
    code: int = 0


EXAMPLES = (
    Example("version", "srnet --version"),
    Example("zoom", "srnet zoom docs/photographs/LR/colorado.png --scale 4 --heatmap -o colorado_x4.png"),
    Example(
        "residual",
        "srnet residual docs/photographs/LR/colorado.png docs/photographs/HR/colorado.jpg --heatmap -o lost",
    ),
    Example(
        "train",
        "srnet train --data docs/photographs --init srnet-x4 --steps 40 --batch-size 4 --patch-size 24 "
        "--lr 2e-5 --validate-every 10 --log-every 5 -o run",
    ),
    Example("eval", "srnet eval --data docs/photographs --model srnet-x4 --model run -o report"),
    Example("failure", "srnet zoom missing.ARW docs/photographs/LR/colorado.png -o colorado_x4.png", 1),
)


def run_examples(folder: Path) -> dict[str, str]:
    """Run every command in ``folder``; Markdown of each by its marker.

    Raises:
        RuntimeError: when a command ends with another code than it promises.
    """
    (folder / "docs").symlink_to(ROOT / "docs")
    return {f"output:{example.name}": _run(example, folder) for example in EXAMPLES}


def _run(example: Example, folder: Path) -> str:
    words = shlex.split(example.command)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "COLUMNS": str(WIDTH),
        "NO_COLOR": "1",
        "XDG_CACHE_HOME": str(folder / "cache"),
    }
    print(f"$ {example.command}", file=sys.stderr, flush=True)
    done = subprocess.run(
        [sys.executable, "-m", "srnet_cli", *words[1:]],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != example.code:
        raise RuntimeError(f"{example.command}\nended with {done.returncode}:\n{done.stdout}")
    lines = "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())
    return f"```console\n$ {example.command}\n{lines}\n```"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        fill(ROOT / "README.md", run_examples(Path(folder)))


if __name__ == "__main__":
    main()
