"""The README's commands, run as they stand there, with what they print.

``python -m docs.outputs`` runs them in an empty folder (with the checkout's docs/ in it) and writes each
command and its output between the README's markers ``<!-- output:NAME -->``; with names only those examples,
which must not need what others make.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from docs.markers import ROOT, fill

#: columns of the terminal that is imitated
WIDTH = 110


@dataclass(frozen=True)
class Example:
    """A command of the README, and the exit code that it promises."""

    name: str
    command: str
    code: int = 0


EXAMPLES = (
    Example("version", "srnet --version"),
    Example("zoom", "srnet zoom docs/photographs/LR --scale 4 -o large"),
    Example(
        "residual",
        "srnet residual docs/photographs/LR/colorado.png docs/photographs/HR/colorado.jpg --heatmap -o lost",
    ),
    Example(
        "train",
        "srnet train --data docs/photographs --model srnet_lite --steps 200 --lr 2e-3 --schedule cosine "
        "--patch-size 24 --batch-size 4 --validate-every 25 --log-every 10 -o run",
    ),
    Example("eval", "srnet eval --data docs/photographs --model srnet-x4 --model run -o report"),
    Example("failure", "srnet zoom missing.ARW docs/README.md -o elsewhere", 1),
)
#: of docs/sr-raw.md; on the synthetic scene of the test data
PREPARE = Example("prepare", "srnet train --data SR-RAW --prepare-only --cache big-disk/cache")


def run_examples(folder: Path, only: Sequence[str] = ()) -> dict[str, str]:
    """Run every command in ``folder``, or those of the names ``only``; Markdown of each by its marker.

    Raises:
        RuntimeError: when a command ends with another code than it promises.
    """
    (folder / "docs").symlink_to(ROOT / "docs")
    scene = Path(os.environ.get("SRNET_SHARED", ROOT.parent / "shared")).resolve() / "data" / "srraw_mini"
    examples = list(EXAMPLES)
    if scene.is_dir():
        (folder / "SR-RAW").symlink_to(scene)
        examples.append(PREPARE)
    return {
        f"output:{example.name}": _run(example, folder)
        for example in examples
        if not only or example.name in only
    }


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
    lines = (line for printed in done.stdout.strip().splitlines() for line in _wrapped(printed))
    return "\n".join(["```console", _typed(example.command), *lines, "```"])


def _wrapped(line: str) -> list[str]:
    """As a terminal of that width shows it."""
    if len(line) <= WIDTH:
        return [line.rstrip()]
    return textwrap.wrap(line, WIDTH, break_on_hyphens=False)


def _typed(command: str) -> str:
    """A command as it can be copied, long ones on several lines."""
    lines = textwrap.wrap(f"$ {command}", WIDTH - 2, subsequent_indent="    ", break_on_hyphens=False)
    return " \\\n".join(lines)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_outputs(run_examples(Path(folder), sys.argv[1:]))


def write_outputs(texts: dict[str, str]) -> None:
    """Into the pages that show them."""
    for page in (ROOT / "README.md", ROOT / "docs" / "sr-raw.md"):
        fill(page, texts)


if __name__ == "__main__":
    main()
