from __future__ import annotations

import errno
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from srnet_cli.data.mixture import MixedSource
from srnet_cli.errors import DivergedError, OutputError, UsageError, WeightsError
from srnet_cli.models.store import load_model
from srnet_cli.training.options import Phase
from srnet_cli.training.perceptual.adversary import Discriminator
from srnet_cli.training.run.folder import RunFolder
from srnet_cli.training.run.watch import Watch, Window
from tests.training.runs import Ran, run_tiny, tiny
from tests.training.sources import Drawings

#: for runs whose validation is not looked at
BLIND = Drawings(held_out=0)


def weights(ran: Ran) -> dict[str, torch.Tensor]:
    raw = ran.state.network.state_dict()
    return {**{f"raw {k}": v for k, v in raw.items()}, **ran.state.shown.state_dict()}


def assert_equal_weights(first: Ran, second: Ran) -> None:
    theirs = weights(second)
    for name, tensor in weights(first).items():
        assert torch.equal(tensor, theirs[name]), name


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A run of six steps without interruption."""
    return run_tiny(tmp_path_factory.mktemp("whole") / "run", tiny())


def records(folder: RunFolder) -> list[dict[str, float]]:
    return [json.loads(line) for line in folder.log.read_text().splitlines()]


def test_a_run_leaves_everything_in_its_folder(whole: Ran) -> None:
    folder = whole.folder
    assert whole.end.stopped_by == 0 and whole.end.step == 6
    assert sorted(p.name for p in (folder.path / "panels").iterdir()) == [
        "step-00000004.png",
        "step-00000006.png",
    ]
    logged = records(folder)
    assert [r["step"] for r in logged if "sr" in r] == [2, 4, 6]
    assert not any("rloss" in r or "teacher" in r for r in logged)
    assert all({"sr", "residual", "lr", "step_time", "data_wait"} <= r.keys() for r in logged if "sr" in r)
    measured = [r for r in logged if "psnr" in r]
    assert [r["step"] for r in measured] == [4, 6]
    assert all(20 < r["bicubic"] < 40 for r in measured)
    with Image.open(folder.path / "curves.png") as curves:
        assert curves.width > 800
    assert 'model = "srnet"' in folder.config.read_text()


def test_the_panel_shows_five_pictures(whole: Ran) -> None:
    with Image.open(whole.folder.path / "panels" / "step-00000006.png") as panel:
        pixels = np.asarray(panel)
    # 64×64 tiles with gaps of 6: LR, SR, HR, predicted and true residual.
    assert pixels.shape == (6 + 18 + 64 + 6, 5 * 70 + 6, 3)
    truth = Drawings().validation()[0].hr
    assert np.array_equal(pixels[24:88, 6 + 140 : 6 + 140 + 64], truth)


def test_the_exported_model_is_the_best_average(whole: Ran) -> None:
    model = load_model(whole.folder.path)
    assert (model.card.architecture, model.card.scale) == ("srnet", 2)
    assert model.card.recipe["trained_steps"] == whole.state.progress.best_step
    assert model.card.recipe["trained_patches"] == 2 * model.card.recipe["trained_steps"]
    assert model.card.metrics["pictures"] == 1
    best = torch.load(whole.folder.best, weights_only=True)["network"]
    for name, tensor in model.network.state_dict().items():
        assert torch.allclose(tensor, best[name], rtol=1e-3, atol=1e-4), name
    assert model.card.recipe["lr"] == 1e-3 and model.card.recipe["sr_weight"] == 1.0
    assert not {"data", "output", "cache", "device"} & model.card.recipe.keys()
    assert load_model(whole.folder.last).card.scale == 2


@pytest.mark.parametrize("steps", [1, 3, 5])
def test_an_interrupted_run_goes_on_bit_by_bit(tmp_path: Path, whole: Ran, steps: int) -> None:
    first = run_tiny(tmp_path / "run", tiny(), stop_after=steps + 1)
    assert first.end.stopped_by == 15 and first.end.step == steps + 1
    second = run_tiny(tmp_path / "run", tiny(), resume=True)
    assert second.end.stopped_by == 0 and second.end.step == 6
    assert_equal_weights(second, whole)
    assert second.state.progress.best_psnr == whole.state.progress.best_psnr
    last = [torch.load(ran.folder.last, weights_only=True) for ran in (second, whole)]
    for name in ("network", "trained"):
        assert all(torch.equal(tensor, last[1][name][key]) for key, tensor in last[0][name].items())


def test_losses_that_learn_go_on_bit_by_bit_too(tmp_path: Path) -> None:
    options = tiny(adversarial_weight=0.1, grid_weight=0.1, ldl_weight=10.0, discriminator_width=4)
    unbroken = run_tiny(tmp_path / "unbroken", options)
    run_tiny(tmp_path / "broken", options, stop_after=3)
    resumed = run_tiny(tmp_path / "broken", options, resume=True)
    assert_equal_weights(resumed, unbroken)
    last = [torch.load(ran.folder.last, weights_only=True)["learners"] for ran in (resumed, unbroken)]
    assert last[0].keys() == {"adversarial"}
    kept, true = (learners["adversarial"] for learners in last)
    assert all(torch.equal(tensor, true["network"][name]) for name, tensor in kept["network"].items())
    for number, state in kept["optimizer"]["state"].items():
        assert all(
            torch.equal(value, true["optimizer"]["state"][number][name]) for name, value in state.items()
        )
    assert kept["optimizer"]["state"][0]["step"] == 6
    (first,) = unbroken.state.stepper.loss.learners.values()
    untrained = Discriminator(4).state_dict()
    assert not torch.equal(first.network.state_dict()["last.weight"], untrained["last.weight"])
    assert all({"adversarial", "grid", "ldl"} <= r.keys() for r in records(resumed.folder) if "sr" in r)


def test_a_discriminator_may_join_a_run_later(tmp_path: Path) -> None:
    run_tiny(tmp_path / "run", tiny(), BLIND, stop_after=3)
    options = tiny(adversarial_weight=0.1, discriminator_width=4)
    ran = run_tiny(tmp_path / "run", options, BLIND, resume=True)
    assert ran.end.step == 6
    learner = ran.state.stepper.loss.learners["adversarial"]
    assert learner.optimizer.state_dict()["state"][0]["step"] == 3
    # Another size of it is refused as another network is.
    with pytest.raises(WeightsError, match="first"):
        run_tiny(tmp_path / "run", replace(options, discriminator_width=6, steps=8), BLIND, resume=True)


def test_a_killed_run_loses_only_what_came_after_the_checkpoint(tmp_path: Path, whole: Ran) -> None:
    run_tiny(tmp_path / "run", tiny(), stop_after=3)
    folder = RunFolder(tmp_path / "run", print)
    # As if it had run on after the checkpoint and died while it wrote a line.
    with folder.log.open("a") as log:
        log.write('{"step": 5, "sr": 9.0}\n{"step": 6, "s')
    second = run_tiny(tmp_path / "run", tiny(), resume=True)
    assert_equal_weights(second, whole)
    assert [r["step"] for r in records(second.folder) if "sr" in r] == [2, 3, 4, 6]
    assert not any(r.get("sr") == 9.0 for r in records(second.folder))


def test_a_tail_of_another_scale_learns_alone_first(tmp_path: Path, whole: Ran) -> None:
    again = tiny(scale=4, init=str(whole.folder.path), warmup=3, patch_size=8)
    source = Drawings(scale=4)
    started = load_model(whole.folder.path).network.state_dict()
    warmed = run_tiny(tmp_path / "warmed", again, source, stop_after=3)
    own = dict(warmed.state.network.named_parameters())
    assert torch.equal(own["body.0.body.0.weight"], started["body.0.body.0.weight"])
    assert not torch.equal(own["tail.1.weight"], started["tail.1.weight"])
    # What is left of it is known after an interruption in the middle, too.
    unbroken = run_tiny(tmp_path / "unbroken", again, source)
    run_tiny(tmp_path / "broken", again, source, stop_after=2)
    assert_equal_weights(run_tiny(tmp_path / "broken", again, source, resume=True), unbroken)
    after = dict(unbroken.state.network.named_parameters())
    assert not torch.equal(after["body.0.body.0.weight"], started["body.0.body.0.weight"])


def test_phases_change_patch_and_batch(tmp_path: Path) -> None:
    phases = (Phase(0.5, 8, 3), Phase(1.0, 12, 1))
    ran = run_tiny(tmp_path / "run", tiny(phases=phases, patch_size=None, batch_size=None, steps=4), BLIND)
    assert ran.state.progress.samples == 3 + 3 + 1 + 1


def mixture(held_out: tuple[int, int] = (3, 1)) -> MixedSource:
    return MixedSource.of(["photos", "pairs"], [Drawings(held_out=count) for count in held_out], [0.75, 0.25])


def test_a_run_on_several_sources_goes_on_bit_by_bit(tmp_path: Path) -> None:
    phases = (Phase(0.5, 8, 5), Phase(1.0, 12, 4))
    options = tiny(phases=phases, patch_size=None, batch_size=None, workers=2)
    unbroken = run_tiny(tmp_path / "unbroken", options, mixture())
    run_tiny(tmp_path / "broken", options, mixture(), stop_after=2)
    again = run_tiny(tmp_path / "broken", options, mixture(), resume=True)
    assert_equal_weights(again, unbroken)
    assert again.state.progress.best_psnr == unbroken.state.progress.best_psnr


def test_sources_are_measured_one_by_one_and_the_best_is_that_of_their_mean(tmp_path: Path) -> None:
    two = tiny(data=(Path("photos"), Path("pairs")), shares=(0.75, 0.25))
    ran = run_tiny(tmp_path / "run", two, mixture())
    validation = ran.end.validation
    assert validation is not None and validation.pictures == 4
    photos, pairs = validation.parts["photos"], validation.parts["pairs"]
    assert (photos.pictures, pairs.pictures) == (3, 1)
    # Not that of all pictures together, of which three would be photographs.
    assert validation.psnr == pytest.approx((photos.psnr + pairs.psnr) / 2)
    assert ran.end.bicubic == pytest.approx(validation.bicubic)
    last = [r for r in records(ran.folder) if "psnr" in r][-1]
    assert last["psnr/photos"] == pytest.approx(photos.psnr, abs=1e-3)
    assert last["worst_gain/pairs"] == pytest.approx(pairs.worst_gain, abs=1e-3)
    card = load_model(ran.folder.path).card
    assert card.data == {"folders": ["photos", "pairs"]} and card.recipe["shares"] == [0.75, 0.25]
    assert card.metrics["sources"]["pairs"]["pictures"] == 1
    with Image.open(ran.folder.path / "panels" / "step-00000006.png") as panel:
        assert panel.height == 4 * (64 + 18 + 6) + 6


def test_a_source_without_held_out_pairs_does_not_count(tmp_path: Path) -> None:
    ran = run_tiny(tmp_path / "run", tiny(steps=2), mixture(held_out=(2, 0)))
    assert ran.end.validation is not None and ran.end.validation.parts == {}
    assert ran.end.validation.pictures == 2


def test_hours_end_a_run(tmp_path: Path) -> None:
    ran = run_tiny(tmp_path / "run", tiny(hours=0.5 / 3600, steps=None, validate_every=10**6))
    assert ran.end.step >= 1
    assert ran.state.progress.elapsed >= 0.5
    assert ran.end.validation is not None


def test_without_held_out_pairs_the_newest_weights_are_exported(tmp_path: Path) -> None:
    ran = run_tiny(tmp_path / "run", tiny(steps=2, ema=0.0), Drawings(held_out=0))
    model = load_model(ran.folder.path)
    assert model.card.metrics == {}
    assert (ran.folder.path / "curves.png").exists()
    name = "head.0.weight"
    exported, trained = model.network.state_dict()[name], ran.state.network.state_dict()[name]
    assert torch.allclose(exported, trained, atol=1e-3)


def test_nan_stops_the_run_and_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    options = tiny(checkpoint_minutes=0, steps=8)
    with pytest.raises(DivergedError, match="the loss is nan after 6 steps") as caught:
        run_tiny(tmp_path / "run", options, Drawings(poison=10, held_out=0))
    assert "the last good checkpoint is kept" in str(caught.value.remedy)
    kept = torch.load(tmp_path / "run" / "last.pt", weights_only=True)
    assert kept["progress"]["step"] == 5
    assert all(bool(torch.isfinite(t).all()) for t in kept["trained"].values())
    again = run_tiny(tmp_path / "run", options, BLIND, resume=True)
    assert again.end.step == 8


def test_nan_before_the_first_checkpoint_promises_none(tmp_path: Path) -> None:
    options = tiny(steps=8)
    with pytest.raises(DivergedError, match="the loss is nan after 2 steps") as caught:
        run_tiny(tmp_path / "run", options, Drawings(poison=2, held_out=0))
    assert not (tmp_path / "run" / "last.pt").exists()
    assert "there is no checkpoint yet" in str(caught.value.remedy)
    assert "kept" not in str(caught.value.remedy)


def test_an_exploding_loss_is_told_from_a_noisy_one() -> None:
    def windows(*losses: float) -> None:
        watch = Watch()
        for number, loss in enumerate(losses):
            watch.look(Window(25, {"total": loss}, 0.1, 0.0), 25 * number)

    windows(100, 60, 30, 14, 20, 9, 25, 14, 13, 30, 14)
    with pytest.raises(DivergedError, match="exploded"):
        windows(40, 20, 14, 14, 14, 14, 54, 60, 70, 80, 90, 90)
    with pytest.raises(DivergedError, match="the loss is inf"):
        windows(14, math.inf)


def test_a_game_between_networks_may_rise_and_fall_below_zero() -> None:
    watch = Watch({"adversarial": 2.0})
    for number, judged in enumerate((-6, -20, 3, 30, 60)):
        watch.look(Window(100, {"total": 10 + 2.0 * judged, "adversarial": judged}, 0.1, 0.0), 100 * number)
    with pytest.raises(DivergedError, match="exploded"):
        watch.look(Window(100, {"total": 40 - 12.0, "adversarial": -6.0}, 0.1, 0.0), 600)


def refuse(what: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Make writing of files whose name holds ``what`` fail as on a full disk; returns what ends it."""
    write = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        if what in path.name:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    return monkeypatch.undo


def test_a_full_disk_in_the_middle_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = tiny(checkpoint_minutes=0, steps=5, validate_every=3)
    first = run_tiny(tmp_path / "run", options, stop_after=2)
    before = first.folder.last.read_bytes()
    undo = refuse("last.pt", monkeypatch)
    with pytest.raises(OutputError, match="the disk is full") as caught:
        run_tiny(tmp_path / "run", options, resume=True)
    assert caught.value.path == first.folder.last
    # Every step's checkpoint failed and was reported, training went on to its end; the old one is intact.
    assert first.folder.last.read_bytes() == before
    assert {p.name for p in first.folder.path.iterdir() if p.name.startswith(".")} == set()
    assert [r["step"] for r in records(first.folder) if "psnr" in r] == [3, 5]
    undo()
    again = run_tiny(tmp_path / "run", options, resume=True)
    assert again.end.step == 5


def test_a_panel_that_cannot_be_written_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse("step-", monkeypatch)
    ran = run_tiny(tmp_path / "run", tiny(steps=2))
    assert ran.end.step == 2
    assert any("could not be written" in line and "training goes on" in line for line in ran.heard.lines)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a checkpoint", b"\x80\x04K\x01."])
def test_an_unreadable_checkpoint_is_named(tmp_path: Path, content: bytes) -> None:
    run_tiny(tmp_path / "run", tiny(steps=1), BLIND)
    last = tmp_path / "run" / "last.pt"
    last.write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        run_tiny(tmp_path / "run", tiny(steps=3), BLIND, resume=True)
    assert caught.value.path == last and "best.pt" in str(caught.value.remedy)
    assert last.read_bytes() == content


def test_a_truncated_checkpoint_is_named_and_the_best_one_takes_over(tmp_path: Path) -> None:
    run_tiny(tmp_path / "run", tiny(steps=2))
    last, best = tmp_path / "run" / "last.pt", tmp_path / "run" / "best.pt"
    last.write_bytes(last.read_bytes()[:-2000])
    with pytest.raises(WeightsError, match="damaged"):
        run_tiny(tmp_path / "run", tiny(steps=3), resume=True)
    last.write_bytes(best.read_bytes())
    assert run_tiny(tmp_path / "run", tiny(steps=3), resume=True).end.step == 3


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    run_tiny(tmp_path / "run", tiny(steps=1), BLIND)
    with pytest.raises(WeightsError, match="srnet ×2"):
        run_tiny(tmp_path / "run", tiny(steps=2, n_resblocks=2), BLIND, resume=True)
    with pytest.raises(WeightsError, match="not of the network asked for"):
        run_tiny(tmp_path / "run", tiny(steps=2, model="edsr", attention=None), BLIND, resume=True)


def test_a_folder_with_a_run_is_not_overwritten(tmp_path: Path) -> None:
    run_tiny(tmp_path / "run", tiny(steps=1), BLIND)
    before = (tmp_path / "run" / "last.pt").read_bytes()
    with pytest.raises(UsageError, match="a run in this folder already"):
        run_tiny(tmp_path / "run", tiny(steps=1), BLIND)
    assert (tmp_path / "run" / "last.pt").read_bytes() == before


def test_two_processes_do_not_train_in_one_folder(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run_tiny(folder, tiny(steps=1), BLIND)
    with (
        RunFolder(folder, print).locked(),
        pytest.raises(UsageError, match="another process is training in this folder"),
    ):
        run_tiny(folder, tiny(steps=2), BLIND, resume=True)
    assert run_tiny(folder, tiny(steps=2), BLIND, resume=True).end.step == 2


def test_of_a_run_that_lost_the_race_nothing_is_missing(tmp_path: Path) -> None:
    """Both found the folder empty; the one that began stays whole."""
    first, second = RunFolder(tmp_path / "run", print), RunFolder(tmp_path / "run", print)
    with first.reserved():
        first.begin(tiny(steps=1))
        with pytest.raises(UsageError, match="another process is training"), second.reserved():
            pass
        assert first.config.exists()
    assert not (tmp_path / "run").exists()
