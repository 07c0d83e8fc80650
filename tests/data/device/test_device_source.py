"""Training patches made for whole steps: here on the CPU, in the code that runs on a card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from srnet_cli.compute.processes import Processes
from srnet_cli.data import Batch
from srnet_cli.data.device.photographs import CROP_NUMBERS, DevicePhotographs
from srnet_cli.data.device.simulated import PATCHES_OF_A_PAGE, DeviceSource, on_device
from srnet_cli.data.labels import enhanced_residual_tensor, upscale
from srnet_cli.data.mixture import MixedSource, SteppedMixture
from srnet_cli.data.photo_source import SimulatedSource
from srnet_cli.data.photos import PhotoCache, dihedral
from srnet_cli.data.sources import SteppedSource
from srnet_cli.training.feed import TOGETHER, Order, open_feed
from tests.training.runs import run_tiny, tiny
from tests.training.sources import Drawings, drawing, write_drawings

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_drawings(tmp_path_factory.mktemp("photos"), count=8, side=112)


def opened(folder: Path, kind: str = "mixed", room: int | None = None) -> DeviceSource:
    source = on_device(SimulatedSource.open(folder, 2, kind, "bicubic", 64), CPU, room)
    assert isinstance(source, DeviceSource)
    return source


def cache(count: int = 5) -> PhotoCache:
    sides = [(64 + 8 * n, 80 - 4 * n) for n in range(count)]
    photos = [drawing(n, 96)[:height, :width].transpose(2, 0, 1) for n, (height, width) in enumerate(sides)]
    tensors = tuple(torch.from_numpy(np.ascontiguousarray(photo)) for photo in photos)
    return PhotoCache(tuple(map(str, range(count))), tensors)


def whole(batch: Batch) -> list[Tensor]:
    assert batch.residual is not None
    return [batch.lr, batch.hr, batch.residual]


def test_crops_are_those_of_the_photographs() -> None:
    photos = cache()
    torch.manual_seed(0)
    table = torch.rand(64, CROP_NUMBERS, dtype=torch.float64)
    crops = DevicePhotographs(photos, CPU).crops(table, 24)
    areas = np.array([photo.shape[1] * photo.shape[2] for photo in photos.photos], np.float64)
    ends = np.cumsum(areas / areas.sum())
    for crop, (which, *corners, turn) in zip(crops, table.tolist(), strict=True):
        photo = photos.photos[int(np.searchsorted(ends, which, side="right"))]
        rooms = [photo.shape[1] - 23, photo.shape[2] - 23] * 2
        y0, x0, y1, x1 = (int(corner * room) for corner, room in zip(corners, rooms, strict=True))
        possible = [photo[:, y : y + 24, x : x + 24] for y, x in ((y0, x0), (y1, x1))]
        slopes = [sum(p[1, ::2, ::2].float().diff(dim=d).abs().mean() for d in (0, 1)) for p in possible]
        expected = possible[int(slopes[1] > slopes[0])]
        assert torch.equal(crop, dihedral(expected, int(turn * 8)).float())


def test_photographs_that_do_not_fit_take_turns() -> None:
    photos = cache(8)
    sizes = [photo.numel() for photo in photos.photos]
    room = sum(sizes) // 2
    paged = DevicePhotographs(photos, CPU, room)
    assert paged.pages > 2 and paged._buffer.numel() <= room
    for turn in (0, 1):
        members = [paged._members(turn * paged.pages + place, seed=3) for place in range(paged.pages)]
        assert sorted(number for page in members for number in page) == list(range(8))
    assert paged._members(0, 3) != paged._members(paged.pages, 3)
    table = torch.rand(16, CROP_NUMBERS, dtype=torch.float64)
    first = paged.crops(table, 24, page=0, seed=3)
    other = paged.crops(table, 24, page=1, seed=3)
    assert not torch.equal(first, other)
    assert torch.equal(paged.crops(table, 24, page=0, seed=3), first)
    with pytest.raises(ValueError, match="hold no two"):
        DevicePhotographs(photos, CPU, max(sizes))


@pytest.mark.parametrize("kind", ["camera", "mixed", "bicubic"])
def test_a_steps_patches_depend_on_the_step_alone(folder: Path, kind: str) -> None:
    source = opened(folder, kind)
    assert isinstance(source, SteppedSource)
    steps = [range(number * 6, number * 6 + 6) for number in range(4)]
    together = source.batches(steps, 1, 16, CPU)
    alone = source.batch(steps[2], 1, 16, CPU)
    for one, other in zip(whole(alone), whole(together[2]), strict=True):
        assert one.shape == other.shape
        # Rounded to levels after sums that round otherwise in another batch.
        assert ((one - other).abs() > 0).float().mean() < 0.01
    again = source.batches(steps, 1, 16, CPU)
    for one, other in zip(together, again, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(whole(one), whole(other), strict=True))
    others = [together[1], source.batch(steps[2], 2, 16, CPU)]
    assert not any(torch.equal(alone.hr, other.hr) for other in others)


def test_labels_and_values_are_those_of_a_batch(folder: Path) -> None:
    (batch,) = opened(folder).batches([range(32)], 1, 16, CPU)
    assert batch.lr.shape == (32, 3, 16, 16) and batch.hr.shape == (32, 3, 32, 32)
    for tensor in whole(batch):
        assert torch.equal(tensor, tensor.round().clamp(0, 255))
    assert batch.residual is not None
    assert torch.equal(batch.residual, enhanced_residual_tensor(batch.hr, upscale(batch.lr, 2)))
    assert all(len(row.unique()) > 1 for row in batch.lr)


def test_its_cameras_are_drawn_like_those_of_single_patches(folder: Path) -> None:
    """The same distribution: what LR differs from a plain reduction by."""
    source = opened(folder)
    plain, stepped = (s.batch(range(192), 5, 16, CPU) for s in (source.source, source))

    def contrast(batch: Batch) -> Tensor:
        return batch.hr.std((1, 2, 3))

    def change(batch: Batch) -> Tensor:
        return (batch.lr - torch.nn.functional.avg_pool2d(batch.hr, 2)).std((1, 2, 3))

    for of in (contrast, change):
        means = [float(of(batch).mean()) for batch in (plain, stepped)]
        assert means[1] == pytest.approx(means[0], rel=0.15)


def test_crops_and_cameras_are_the_same_for_any_number_of_processes(folder: Path) -> None:
    """Without noise, which is drawn for a process's share, everything is."""
    source = opened(folder, "bicubic")
    joint = source.batch(range(60, 76), 1, 16, CPU)
    for rank in range(3):
        own = source.batch(range(60 + rank, 76, 3), 1, 16, CPU)
        for one, other in zip(whole(own), whole(joint), strict=True):
            assert torch.equal(one, other[rank::3])


def test_a_page_changes_after_its_patches(folder: Path) -> None:
    source = opened(folder, "bicubic", room=4 * 3 * 112 * 112)
    assert source.photographs.pages > 1 and "in turns" in source.description
    edge = PATCHES_OF_A_PAGE
    steps = [range(edge - 4, edge), range(edge, edge + 4)]
    together = source.batches(steps, 1, 16, CPU)
    for step, batch in zip(steps, together, strict=True):
        assert torch.equal(batch.hr, source.batch(step, 1, 16, CPU).hr)


def test_other_sources_stay_as_they_are(folder: Path) -> None:
    drawings = Drawings()
    assert on_device(drawings, CPU) is drawings
    source = SimulatedSource.open(folder, 2, "mixed", None, 64)
    assert on_device(source, CPU, room=10) is source


def test_a_mixture_gives_each_source_its_share(folder: Path) -> None:
    sources = (Drawings(), opened(folder, "bicubic"))
    mixture = SteppedMixture.of(["drawings", "photos"], sources, [1, 3])
    assert isinstance(mixture, SteppedSource) and not isinstance(MixedSource, SteppedSource)
    steps = [range(8), range(8, 16), range(16, 17)]
    together = mixture.batches(steps, 1, 16, CPU)
    for step, batch in zip(steps, together, strict=True):
        for one, other in zip(whole(mixture.batch(step, 1, 16, CPU)), whole(batch), strict=True):
            assert torch.equal(one, other)
    drawn = Drawings().batch(range(2), 1, 16, CPU).hr
    assert sum(bool((row == drawn).all((1, 2, 3)).any()) for row in together[0].hr) == 2


class Counting(DeviceSource):
    """Remembers what it was asked for at once."""

    asked: list[int] = []  # noqa: RUF012

    def batches(
        self, steps: Sequence[Sequence[int]], seed: int, patch: int, device: torch.device | str
    ) -> list[Batch]:
        self.asked.append(sum(map(len, steps)))
        return super().batches(steps, seed, patch, device)


def test_the_feed_asks_for_several_steps_at_once(folder: Path) -> None:
    own = opened(folder, "bicubic")
    source = Counting(own.source, own.photographs)
    orders = [Order(number * 16, 16, 16) for number in range(9)] + [Order(144, 8, 8), Order(152, 8, 8)]
    with open_feed(source, Processes(CPU), 1, workers=2) as feed:
        left, found = list(orders), []
        while left or len(feed):
            while left and feed.wants_orders:
                feed.order(left.pop(0))
            found.append(feed.take())
    assert [delivery.order for delivery in found] == orders
    assert sorted(source.asked) == [16, 16, TOGETHER, TOGETHER]
    for delivery in found:
        order = delivery.order
        alone = own.batch(range(order.start, order.start + order.size), 1, order.patch, CPU)
        assert torch.equal(delivery.batch.hr, alone.hr)


@pytest.mark.parametrize("stop_after", [3, 5])
def test_a_run_goes_on_with_the_same_patches(folder: Path, tmp_path: Path, stop_after: int) -> None:
    """Wherever it is interrupted among the steps whose patches are made at once."""
    options = tiny(patch_size=16, degradation="bicubic")
    source = opened(folder, "bicubic")
    whole_run = run_tiny(tmp_path / "whole", options, source, on_card=True)
    run_tiny(tmp_path / "run", options, source, stop_after=stop_after, on_card=True)
    second = run_tiny(tmp_path / "run", options, source, resume=True, on_card=True)
    assert second.end.step == whole_run.end.step == 6
    for tensor, expected in zip(
        second.state.network.state_dict().values(), whole_run.state.network.state_dict().values(), strict=True
    ):
        torch.testing.assert_close(tensor, expected, rtol=1e-4, atol=1e-5)
