"""The kinds of training data, and the way from a path to a source that can be trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from srnet_cli.data.kinds import Detection, Plan, SourceKind, SourceOptions
from srnet_cli.data.mosaics.source import MosaicSource
from srnet_cli.data.pair_source import split_pairs
from srnet_cli.data.paired.jobs import find_pairs, recognise_pairs
from srnet_cli.data.paired.layouts import is_looked_for
from srnet_cli.data.photo_source import SimulatedSource
from srnet_cli.data.photos import recognise_photos
from srnet_cli.data.preparation import PreparationReport, Progress
from srnet_cli.data.prepared import cache
from srnet_cli.data.shots.recognition import recognise_sequences
from srnet_cli.data.shots.sequences import PARTS
from srnet_cli.data.sources import TrainingSource
from srnet_cli.data.zoom_pairs import PairOptions, find_zoom_pairs, release_frames
from srnet_cli.errors import DataError, UsageError


def _plan_pairs(root: Path, options: SourceOptions) -> Plan:
    jobs, problems = find_pairs(root, options.scale, options.pairs.mosaic)
    return Plan(jobs, problems, variant="pairs-mosaic" if options.pairs.mosaic else "pairs")


def _plan_sequences(root: Path, options: SourceOptions) -> Plan:
    if options.split == "published" and options.pairs.recipe != "published":
        raise UsageError(
            "--split published counts the pairs that the authors made, not those by focal ratio",
            remedy="add --pairing published",
        )
    pairs = replace(options.pairs, scale=options.scale)
    jobs, left_out, notes = find_zoom_pairs(root, pairs)
    return Plan(jobs, left_out, notes, variant=_variant(pairs))


def _variant(pairs: PairOptions) -> str:
    """Name what tells pairs of these options from others of one scale: recipe, and what is not as usual."""
    usual = asdict(PairOptions(pairs.scale, pairs.recipe))
    unusual = {name: value for name, value in asdict(pairs).items() if value != usual[name]}
    return "-".join([pairs.recipe, *(n if v is True else f"{n}={v}" for n, v in unusual.items())])


def _open_photos(root: Path, options: SourceOptions, _progress: Progress | None) -> TrainingSource:
    smallest = max(options.smallest_photo, 2 * options.scale)
    if options.pairs.mosaic:
        label = None if options.residual is None else options.label
        return MosaicSource.open(root, options.scale, smallest, label)
    source = SimulatedSource.open(root, options.scale, options.degradation, options.residual, smallest)
    return replace(source, label=options.label)


#: in the order in which a folder is tried; photographs come last, as most folders hold pictures
KINDS: list[SourceKind] = [
    SourceKind(
        name="pairs",
        contents="LR/ with HR/",
        recognise=recognise_pairs,
        plan=_plan_pairs,
        options=frozenset({"mosaic", "split", "residual", "label", "cache", "workers"}),
    ),
    SourceKind(
        name="sequences",
        contents="sequence folders of RAW and JPG shots",
        recognise=recognise_sequences,
        plan=_plan_sequences,
        options=frozenset({"mosaic", "pairs", "split", "residual", "label", "cache", "workers"}),
    ),
    SourceKind(
        name="photos",
        contents="a folder of photographs",
        recognise=recognise_photos,
        open=_open_photos,
        options=frozenset({"mosaic", "degradation", "smallest_photo", "residual", "label"}),
    ),
]


def kind_named(name: str) -> SourceKind:
    """Look a kind up.

    Raises:
        ValueError: when there is none of this name.
    """
    for kind in KINDS:
        if kind.name == name:
            return kind
    raise ValueError(f"unknown kind of data {name!r}; one of {', '.join(kind.name for kind in KINDS)}")


def detect_source(path: Path, scale: int = 4) -> Detection:
    """Recognise a folder by what it holds.

    Raises:
        DataError: when it is none of the kinds, or one of which nothing can be used.
    """
    if not path.is_dir():
        raise DataError("is not a folder" if path.exists() else "does not exist", path=path)
    for kind in KINDS:
        found = kind.recognise(path, scale)
        if found is not None:
            return Detection(kind.name, *found)
    raise DataError(
        "no training data found", path=path, remedy=f"wanted: {', or '.join(kind.contents for kind in KINDS)}"
    )


def would_be_data(way: Sequence[Path], found: Detection | None, scale: int) -> Path | None:
    """Find what would be taken for a part of data once pictures are drawn in a folder within it.

    Args:
        way: that folder, and those above it that lie in the data, innermost first.
        found: what the data is; None where it is not known, which that folder may be the reason for.

    Returns:
        The one of them by whose name the next look at the data finds something else, or nothing.
    """
    # Photographs are found in the folder that was named before those in train/ are looked for.
    are_photos = found is None or (found.kind == "photos" and way and found.root == way[-1].parent)
    parts = () if are_photos else PARTS
    for number, folder in enumerate(way):
        # Where other things are in a folder as well, its name has had its effect.
        is_new = number == 0 or not folder.is_dir() or set(folder.iterdir()) <= set(way)
        if is_new and (folder.name.casefold() in parts or is_looked_for(folder, scale)):
            return folder
    return None


def open_source(path: Path, options: SourceOptions, progress: Progress | None = None) -> TrainingSource:
    """Prepare what has to be and open it for training.

    Raises:
        DataError: when there is nothing to train on; names the first reasons.
        OutputError: when the cache cannot be written.
        UsageError: for a pairing that does not exist at the scale.
    """
    kind, root = _kind_and_root(path, options)
    if kind.open is not None:
        return kind.open(root, options, progress)
    source = split_pairs(_prepare(kind, root, options, progress), options)
    if not source.sampler.items:
        reasons = "; ".join(f"{p.name}: {p.reason}" for p in source.left_out[:3])
        if not reasons and source.test:
            reasons = "all are in test/"
        raise DataError(f"no pair to train on{f' ({reasons})' if reasons else ''}", path=path)
    return source


def prepare_source(path: Path, options: SourceOptions, progress: Progress | None = None) -> PreparationReport:
    """Bring the cache up to date for data of a kind that needs it.

    Raises:
        DataError: when there is nothing to prepare.
        OutputError: when the cache cannot be written.
        UsageError: for a pairing that does not exist at the scale.
    """
    kind, root = _kind_and_root(path, options)
    return _prepare(kind, root, options, progress)


def _kind_and_root(path: Path, options: SourceOptions) -> tuple[SourceKind, Path]:
    if options.kind is not None:
        return kind_named(options.kind), path
    found = detect_source(path, options.scale)
    return kind_named(found.kind), found.root


def _prepare(
    kind: SourceKind, root: Path, options: SourceOptions, progress: Progress | None
) -> PreparationReport:
    if kind.plan is None:
        raise DataError(f"{kind.name} need no preparation", path=root, remedy="just train on them")
    plan = kind.plan(root, options)
    base = options.cache or cache.default_cache()
    folder = cache.set_folder(base, root, f"x{options.scale}-{plan.variant}")
    try:
        done = cache.prepare(plan.jobs, folder, options.workers, progress)
    finally:
        release_frames()
    return replace(done, left_out=(*plan.left_out, *done.left_out), notes=tuple(plan.notes))
