"""One prepared item on disk: its folder, its arrays, and the record of what they were made of."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.data.preparation import PreparationJob
from srnet_cli.errors import DataError, SrnetError, unexpected
from srnet_cli.files import atomic_path, make_subfolder, write_text
from srnet_cli.reading import parse_json, read_text_input

#: what an item depends on, and with it what came out
Fingerprint = dict[str, Any]
Record = dict[str, Any]

RECORD = "record.json"
#: endings of all that an item's folder holds
ENDINGS = (".npy", ".json", ".txt")
#: raised when the same inputs and parameters would give other results
FORMAT = 1
_STATES = ("prepared", "left out", "failed")
#: endings of the files that lie where items' folders do
_TAKEN = (*ENDINGS, ".lock")
_LIKE_A_FILE = re.compile(rf"({'|'.join(map(re.escape, _TAKEN))})_*$", re.IGNORECASE)


def fingerprint(job: PreparationJob) -> Fingerprint:
    """Describe all that an item depends on, as its record does.

    Raises:
        DataError: when one of its files is gone.
    """
    inputs = []
    for path in job.inputs():
        try:
            status = path.stat()
        except OSError as error:
            raise DataError(f"vanished: {error.strerror}", path=path) from error
        inputs.append({"path": str(path), "size": status.st_size, "mtime_ns": status.st_mtime_ns})
    # Through JSON, so that it compares equal to what was read back.
    stamp = {"format": FORMAT, "inputs": inputs, "parameters": job.parameters()}
    restored: Fingerprint = parse_json(json.dumps(stamp))
    return restored


def folder_of(root: Path, name: str) -> Path:
    """Give the folder of an item, which no file of ours has the name of.

    Parts of its name that end as our files do get a ``_`` more.
    """
    return root.joinpath(*(f"{p}_" if _LIKE_A_FILE.search(p) else p for p in PurePosixPath(name).parts))


def places_of(root: Path, name: str) -> Iterator[Path]:
    """Give the folders that an item lies in, from the set's to its own."""
    return accumulate(folder_of(root, name).relative_to(root).parts, Path.joinpath, initial=root)


def is_fresh(record: Record | None) -> bool:
    """Tell whether an item need not be made, or tried, again."""
    return record is not None and record["status"] != "failed"


def matching_record(folder: Path, *wanted: Fingerprint) -> Record | None:
    """Read an item's record; None where it is of none of these inputs and parameters, or an array is lost."""
    record = read_record(folder)
    if record is None or not any(each.items() <= record.items() for each in wanted):
        return None
    arrays = record["arrays"].items()
    return record if all(_size(folder / f"{name}.npy") == array["bytes"] for name, array in arrays) else None


def _size(file: Path) -> int | None:
    """Return the bytes of a regular file; None where there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def read_record(folder: Path) -> Record | None:
    """Read an item's record; None where there is none that we can have written."""
    try:
        record: Record = parse_json(read_text_input(folder / RECORD))
        for array in record["arrays"].values():
            if array["bytes"] != int(array["bytes"]) or not all(int(side) >= 0 for side in array["shape"]):
                return None
        is_whole = isinstance(record["report"], dict) and record["status"] in _STATES
        texts = (record["scene"], record.get("reason", ""))
        return record if is_whole and all(isinstance(text, str) for text in texts) else None
    except (SrnetError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None


def make(job: PreparationJob, root: Path) -> None:
    """Prepare one item and write it; a reason not to is a result like any other."""
    folder = folder_of(root, job.name)
    for place in places_of(root, job.name):
        make_subfolder(place)
    (folder / RECORD).unlink(missing_ok=True)
    record = {"name": job.name, "scene": job.scene, **fingerprint(job)}
    try:
        prepared = job.run()
    except DataError as error:
        where = "" if error.path is None else f"{error.path.name}: "
        what_to_do = "" if error.remedy is None else f" ({error.remedy})"
        reason = f"{where}{error.reason}{what_to_do}"
        record |= {"status": "left out", "reason": reason, "arrays": {}, "report": {}}
    except Exception as error:
        # One item with files that a library stumbles over must not cost the others; it is tried again.
        files = ", ".join(path.name for path in job.inputs()) or job.name
        reason = f"{files}: {unexpected(error).reason}"
        record |= {"status": "failed", "reason": reason, "arrays": {}, "report": {}}
    else:
        record |= {"status": "prepared", "arrays": {}, "report": dict(prepared.report)}
        for name, array in prepared.arrays.items():
            record["arrays"][name] = _write_array(folder / f"{name}.npy", array)
        for name, text in prepared.texts.items():
            write_text(folder / name, text, overwrite=True)
    write_text(folder / RECORD, as_text(record), overwrite=True)


def _write_array(path: Path, array: NDArray[Any]) -> dict[str, Any]:
    with atomic_path(path, overwrite=True) as temporary, temporary.open("wb") as file:
        # As np.save, which says of a full disk only how much it wrote.
        whole = np.ascontiguousarray(array)
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(whole))
        file.write(whole.data)
    return {"shape": list(array.shape), "dtype": array.dtype.name, "bytes": path.stat().st_size}


def as_text(document: Any) -> str:
    """Write a document as JSON, the same from run to run."""
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
