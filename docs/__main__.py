"""``python -m docs``: everything in README.md and models/README.md that is made, made anew."""

from __future__ import annotations

import tempfile
from pathlib import Path

from docs.outputs import run_examples, write_outputs
from docs.pictures import make_pictures
from docs.tables import write_tables


def main() -> None:
    write_tables()
    with tempfile.TemporaryDirectory() as folder:
        texts = run_examples(Path(folder))
        make_pictures(Path(folder))
    write_outputs(texts)


if __name__ == "__main__":
    main()
