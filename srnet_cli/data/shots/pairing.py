"""Pairs of shots of one sequence that can be trained on."""

from __future__ import annotations

from dataclasses import dataclass

from srnet_cli.data.choices import Pairing
from srnet_cli.data.shots.frames import Shot
from srnet_cli.data.shots.sequences import ShotSequence
from srnet_cli.data.sources import Problem
from srnet_cli.data.sr_raw.pairing import FRAMES
from srnet_cli.errors import UsageError

#: a target may be enlarged by 1.2 (the published ×8 pairs are, by 1.17) or reduced by 1.3
_ENLARGED, _REDUCED = 1.2, 1.3


@dataclass(frozen=True)
class Pair:
    """A wide and a long shot of one sequence."""

    name: str
    sequence: ShotSequence
    lr: Shot
    hr: Shot

    @property
    def ratio(self) -> float:
        """Focal length of the long shot over that of the wide one."""
        assert self.hr.focal is not None and self.lr.focal is not None
        return self.hr.focal / self.lr.focal


def make_pairs(sequence: ShotSequence, scale: int, recipe: Pairing) -> tuple[list[Pair], list[Problem]]:
    """List the pairs of a sequence, and those that cannot be made with the reason.

    ``ratio`` takes every two shots whose focal ratio is near ``scale``; ``published`` the authors' frame
    numbers (5 with 1, 6 with 2 and 7 with 3 for ×4; 6 with 1 for ×8).

    Raises:
        UsageError: for a scale that the published pairing does not have.
    """
    if recipe == "published":
        return _published_pairs(sequence, scale)
    pairs = [
        Pair(f"{sequence.name}/{lr.name}-{hr.name}", sequence, lr, hr)
        for lr in sequence.shots
        for hr in sequence.shots
        if hr.focal is not None
        and lr.focal is not None
        and scale / _ENLARGED <= hr.focal / lr.focal <= scale * _REDUCED
    ]
    if pairs:
        return pairs, []
    focals = ", ".join(f"{shot.focal:g}" for shot in sequence.shots)
    return [], [
        Problem(sequence.name, f"no two focal lengths ({focals} mm) are about a factor {scale} apart")
    ]


def _published_pairs(sequence: ShotSequence, scale: int) -> tuple[list[Pair], list[Problem]]:
    if scale not in FRAMES:
        known = " and ".join(f"×{s}" for s in FRAMES)
        raise UsageError(f"the published pairing has {known}, not ×{scale}", remedy="pair by focal ratio")
    by_number = {shot.number: shot for shot in sequence.shots}
    pairs, problems = [], []
    for lr_number, hr_number in FRAMES[scale]:
        name = f"{sequence.name}_{lr_number:05d}"
        lr, hr = by_number.get(lr_number), by_number.get(hr_number)
        reason = _published_obstacle(sequence, lr, hr, lr_number, hr_number)
        if reason is not None:
            problems.append(Problem(name, reason))
        elif lr is not None and hr is not None:
            pairs.append(Pair(name, sequence, lr, hr))
    return pairs, problems


def _published_obstacle(
    sequence: ShotSequence, lr: Shot | None, hr: Shot | None, lr_number: int, hr_number: int
) -> str | None:
    """Say why the published pairing cannot use two frames; None when it can."""
    for number, shot in ((lr_number, lr), (hr_number, hr)):
        if shot is None:
            return f"frame {number:05d} is missing"
        if shot.rgb is None:
            return f"{shot.name}.JPG is missing"
    assert lr is not None and hr is not None and lr.focal is not None and hr.focal is not None
    if lr.raw is None:
        return f"{lr.name}.ARW is missing"
    if sequence.shots[0].number != 1:
        return f"wrong order: the longest shot is {sequence.shots[0].name}, not 00001"
    if hr.focal <= lr.focal:
        return f"wrong order: {hr.name} ({hr.focal:g} mm) is not longer than {lr.name} ({lr.focal:g} mm)"
    return None
