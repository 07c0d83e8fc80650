"""Words that the shell completes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

#: Of letters, digits and signs that mean nothing to a shell: zsh evaluates the completions it is given, so a
#: folder's name could be a command.
_PLAIN = re.compile(r"~?[\w./@+=,-]+")
#: at the beginning of a word a shell takes it for somebody's home folder, or a program's path (zsh)
_EXPANDED = ("~", "=")


def complete_model(incomplete: str) -> list[str]:
    """List what ``--model`` may go on with: released models, and what lies on the disk under a plain name."""
    from srnet_cli.models.released import released_names

    names = [name for name in released_names() if name.startswith(incomplete.replace("_", "-"))]
    return [name for name in (*names, *_paths(incomplete)) if _PLAIN.fullmatch(name)]


def _paths(incomplete: str) -> Iterator[str]:
    folder, _, begin = incomplete.rpartition("/")
    place = Path(f"{folder}/" if incomplete.startswith("/") or folder else ".")
    try:
        place = place.expanduser()
        found = sorted(entry.name + "/" * entry.is_dir() for entry in place.iterdir())
    except (OSError, ValueError, RuntimeError):  # a NUL; the home folder of nobody
        return
    prefix = incomplete[: len(incomplete) - len(begin)]
    for name in found:
        is_hidden = not begin and name[0] == "."
        if name.startswith(begin) and not is_hidden and (prefix or not name.startswith(_EXPANDED)):
            yield prefix + name
