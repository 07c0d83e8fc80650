"""Small tables that are kept from run to run as JSON: a help, never needed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from srnet_cli.errors import SrnetError
from srnet_cli.files import folder_for, write_text
from srnet_cli.reading import parse_json, read_text_input


def read_kept(path: Path) -> dict[str, Any]:
    """Read what :func:`keep` wrote; empty where nothing was, or where it is damaged."""
    try:
        found = parse_json(read_text_input(path))
    except (SrnetError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def keep(path: Path, entries: Mapping[str, Any]) -> None:
    """Write ``entries`` in place of what was kept; folders above are made.

    Raises:
        OutputError: it cannot be written.
    """
    with folder_for(path.parent):
        write_text(path, json.dumps(entries, indent=1), overwrite=True)
