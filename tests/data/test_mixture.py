from __future__ import annotations

from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from srnet_cli.data.mixture import MixedSource, name_sources, place
from tests.training.sources import Drawings

SHARES = [(0.8, 0.2), (0.5, 0.5), (0.5, 0.3, 0.2), (1.0, 1.0, 1.0), (0.97, 0.03), (4.0, 1.0)]


def mix(*shares: float, held_out: tuple[int, ...] = (1, 1, 1)) -> MixedSource:
    sources = [Drawings(held_out=count) for count in held_out[: len(shares)]]
    return MixedSource.of([f"s{k}" for k in range(len(shares))], sources, shares)


@pytest.mark.parametrize("shares", SHARES)
@pytest.mark.parametrize("batch", [4, 16, 25])
def test_every_batch_holds_the_shares(shares: tuple[float, ...], batch: int) -> None:
    mixed = mix(*shares)
    for start in range(0, 40 * batch, batch):
        counts = Counter(place(i, mixed.shares)[0] for i in range(start, start + batch))
        for k, share in enumerate(mixed.shares):
            assert abs(counts[k] - batch * share) < (1 if len(shares) == 2 else 2)


@pytest.mark.parametrize("shares", SHARES)
def test_each_source_numbers_its_patches_without_a_gap(shares: tuple[float, ...]) -> None:
    mixed = mix(*shares)
    numbers: dict[int, list[int]] = {}
    for which, number in (place(i, mixed.shares) for i in range(1000)):
        numbers.setdefault(which, []).append(number)
    assert set(numbers) == set(range(len(shares)))
    assert all(own == list(range(len(own))) for own in numbers.values())


def test_the_place_of_a_patch_in_a_long_run_is_exact() -> None:
    shares = (Fraction(1, 3), Fraction(1, 3), Fraction(1, 3))
    assert [place(3 * 10**12 + k, shares)[1] for k in range(3)] == [10**12] * 3


def test_a_patch_of_a_mixture_is_the_patch_of_its_source() -> None:
    mixed = mix(0.75, 0.25)
    whole = mixed.batch(range(8), 1, 8, "cpu")
    seeds = (1, 1 + 1_000_003)
    for row in range(8):
        which, number = place(row, mixed.shares)
        own = mixed.sources[which].batch([number], seeds[which], 8, "cpu")
        assert torch.equal(whole.lr[row], own.lr[0]) and torch.equal(whole.hr[row], own.hr[0])
        assert whole.residual is not None and own.residual is not None
        assert torch.equal(whole.residual[row], own.residual[0])


def test_a_patch_does_not_depend_on_its_batch_or_process() -> None:
    mixed = mix(0.5, 0.3, 0.2)
    whole = mixed.batch(range(10), 3, 8, "cpu")
    for rank in range(3):
        part = mixed.batch(range(rank, 10, 3), 3, 8, "cpu")
        assert torch.equal(part.hr, whole.hr[rank::3]) and torch.equal(part.lr, whole.lr[rank::3])
    # One picture in two sources is not cut alike.
    assert not torch.equal(*(mix(0.5, 0.5).batch([i], 3, 8, "cpu").hr for i in (0, 1)))


def test_held_out_pairs_of_the_sources_take_turns() -> None:
    names = [item.source for item in mix(1, 1, 1, held_out=(3, 1, 0)).validation()]
    assert names == ["s0", "s1", "s0", "s0"]


def test_folders_of_one_name_are_told_apart(tmp_path: Path) -> None:
    folders = [tmp_path / part / "train" for part in "abc"]
    assert name_sources([*folders, tmp_path / "pairs"]) == ["train", "train 2", "train 3", "pairs"]
