"""Text between two markers of a Markdown file: ``<!-- KIND:NAME -->`` … ``<!-- /KIND:NAME -->``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent


def fill(path: Path, texts: Mapping[str, str]) -> None:
    """Replace what stands between the markers of each ``KIND:NAME`` that the file has.

    Raises:
        ValueError: when a marker is opened and never closed.
    """
    content = path.read_text(encoding="utf-8")
    for name, text in texts.items():
        opening, closing = f"<!-- {name} -->", f"<!-- /{name} -->"
        if opening not in content:
            continue
        if content.count(opening) != 1 or content.count(closing) != 1:
            raise ValueError(f"{path.name}: {name} needs one opening and one closing marker")
        pattern = re.compile(re.escape(opening) + ".*?" + re.escape(closing), re.DOTALL)
        whole = f"{opening}\n{text.strip()}\n{closing}"
        content = pattern.sub(lambda _, whole=whole: whole, content)  # type: ignore[misc]
    path.write_text(content, encoding="utf-8")
