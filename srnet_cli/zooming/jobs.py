"""From what the user names to a list of pictures and where each result goes."""

from __future__ import annotations

import difflib
import os
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from srnet_cli.errors import InputError, OutputError, SrnetError, UsageError
from srnet_cli.imaging.formats import FORMATS, format_of, joined, written_format_of, written_formats
from srnet_cli.imaging.listing import list_pictures
from srnet_cli.names import heatmap_paths, zoom_path

#: of pictures and the like that are not written here: a folder is hardly ever called so
_FOREIGN_SUFFIXES = frozenset(
    {".heic", ".heif", ".jp2", ".jxl", ".jxr", ".psd", ".exr", ".hdr", ".tga", ".ppm", ".pgm", ".pdf"}
    | {".pnm", ".svg", ".eps", ".ico", ".mp4", ".mov", ".webm"}
)


@dataclass(frozen=True)
class ZoomJob:
    """One picture and where its result goes; with ``error`` set it cannot be done and ``target`` is None."""

    source: Path
    target: Path | None
    error: SrnetError | None = None


@dataclass(frozen=True)
class _Found:
    path: Path
    #: the folder the user named, when the picture was found in one
    root: Path | None = None


def plan_jobs(
    inputs: Sequence[Path],
    output: Path | str | None,
    tag: str,
    image_format: str | None = None,
    recursive: bool = False,
) -> list[ZoomJob]:
    """Plan jobs for files and folders, each picture once, no two with the same target.

    Without ``output`` a result lies beside its picture as ``<stem>_<tag>.<ext>``; in a folder ``output`` the
    tree below each named folder is mirrored. Results that an earlier run left in a named folder are not
    taken as pictures. Where two pictures would get the same target, both keep their suffix in its name.

    ``output`` as text may end in ``/``, which makes it a folder whatever its name.

    Raises:
        UsageError: when several pictures are to go into one file, or the name of a file is that of no
            format, or not of ``image_format``.
    """
    found, failed = _expand(inputs, recursive)
    single = len(found) + len(failed) == 1 and not any(f.root is not None for f in found)
    if output is not None and _is_file_name(output, image_format, single):
        if not single:
            raise UsageError(f"several pictures cannot go into the one file {output}", remedy="name a folder")
        jobs = [_job(f.path, Path(output), {os.path.realpath(f.path)}) for f in found]
    else:
        jobs = _into_folders(found, None if output is None else Path(output), tag, image_format)
    return jobs + failed


def _into_folders(
    found: list[_Found], output: Path | None, tag: str, image_format: str | None
) -> list[ZoomJob]:
    def target(f: _Found, keep_suffix: bool = False) -> Path:
        suffix = _result_suffix(f.path, image_format)
        return zoom_path(_folder(f, output), f.path, tag, suffix, keep_suffix=keep_suffix)

    plain = [target(f) for f in found]
    # An earlier run's result: found in a folder, and the very target of another picture found there.
    sources = {os.path.realpath(f.path) for f in found}
    earlier = {
        os.path.realpath(product)
        for f, t in zip(found, plain, strict=True)
        if f.root is not None
        for product in (t, *heatmap_paths(t))
    } & sources
    kept = [
        (f, t)
        for f, t in zip(found, plain, strict=True)
        if f.root is None or os.path.realpath(f.path) not in earlier
    ]
    # Case-folded, because a.JPG and A.jpg share a target where the file system does not tell case.
    wanted = Counter(str(t).casefold() for _, t in kept)
    given = {os.path.realpath(f.path) for f, _ in kept}
    return [
        _job(f.path, t if wanted[str(t).casefold()] == 1 else target(f, keep_suffix=True), given)
        for f, t in kept
    ]


def _folder(found: _Found, output: Path | None) -> Path:
    if output is None:
        return found.path.parent
    return output if found.root is None else output / found.path.parent.relative_to(found.root)


def _job(source: Path, target: Path, inputs: Collection[str]) -> ZoomJob:
    """``inputs`` are the real paths of all pictures of the batch, none of which may be written to."""
    if os.path.realpath(target) not in inputs:
        return ZoomJob(source, target)
    own = os.path.realpath(source) == os.path.realpath(target)
    whose = "its own input" if own else f"{target}, another input"
    error = OutputError(f"the result would replace {whose}", path=source, remedy="name another output")
    return ZoomJob(source, None, error)


def _expand(inputs: Sequence[Path], recursive: bool) -> tuple[list[_Found], list[ZoomJob]]:
    """Find the pictures, each file once, and failed jobs for what is not there."""
    found: dict[str, _Found] = {}
    failed: dict[str, ZoomJob] = {}
    for path in inputs:
        if path.is_dir():
            entries = []
            try:
                entries = [_Found(file, path) for file in list_pictures(path, recursive)]
                if not entries:
                    raise InputError("no picture in this folder", path=path, remedy=_hint(recursive))
            except InputError as error:
                failed[str(path)] = ZoomJob(path, None, error)
        elif path.is_file():
            entries = [_Found(path)]
        else:
            entries = []
            failed[str(path)] = ZoomJob(path, None, InputError("there is no such file or folder", path=path))
        for entry in entries:
            found.setdefault(os.path.realpath(entry.path), entry)
    return list(found.values()), list(failed.values())


def _hint(recursive: bool) -> str | None:
    return None if recursive else "--recursive also looks into its subfolders"


def _is_file_name(output: Path | str, image_format: str | None, single: bool) -> bool:
    """Tell whether the output is a file, for a ``single`` picture or for several; else it is a folder.

    Raises:
        UsageError: for the name of a file that cannot be written.
    """
    suffix = Path(output).suffix.lower()
    if str(output).endswith(("/", os.sep)) or not suffix or Path(output).is_dir():
        return False
    found = written_format_of(output)
    if found is None:
        if not single and not _is_like_a_format(suffix):
            return False
        known = joined(row.suffixes[0] for row in written_formats())
        raise UsageError(
            f"--output {output}: {suffix} is not a format that can be written",
            remedy=f"{known}; the name of a folder ends in /",
        )
    if image_format not in (None, found.name):
        raise UsageError(
            f"--output {output} contradicts --format {image_format}",
            remedy=f"{FORMATS[image_format or found.name].suffixes[0]}, or leave out --format",
        )
    return True


def _is_like_a_format(suffix: str) -> bool:
    """Tell whether a name with this suffix, which cannot be written, was hardly meant for a folder."""
    if suffix in _FOREIGN_SUFFIXES or format_of(f"a{suffix}") is not None:
        return True
    written = [suffix for row in written_formats() for suffix in row.suffixes]
    return bool(difflib.get_close_matches(suffix, written, n=1, cutoff=0.7))


def _result_suffix(source: Path, image_format: str | None) -> str:
    """Choose the input's own suffix or its format's; TIFF for RAW and PNG where it cannot be written."""
    if image_format is not None:
        return FORMATS[image_format].suffixes[0]
    if written_format_of(source) is not None:
        return source.suffix
    found = format_of(source)
    if found is None or found.encode is None:
        found = FORMATS["tiff" if found is FORMATS["raw"] else "png"]
    return found.suffixes[0]
