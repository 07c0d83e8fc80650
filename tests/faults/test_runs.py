"""The folder of another's run: what is in it may be anything, and leads nowhere else."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from srnet_cli.data.kinds import Detection
from srnet_cli.errors import UsageError
from srnet_cli.models.store import load_model
from srnet_cli.training import session
from srnet_cli.training.options import TrainOptions
from srnet_cli.training.run.log import MOST_BYTES
from srnet_cli.training.validation import validate
from tests.faults.pictures import encoded, scene
from tests.faults.program import Ended, Program, disk

FILES = ("log.jsonl", "config.toml", "curves.png", "last.pt", "best.pt", "card.toml", "weights.safetensors")
RECORD = {"step": 1, "epoch": 0.1, "elapsed": 2.0}

#: what may lie at a name instead of a file; each is given a path, and a file elsewhere
KINDS: dict[str, Callable[[Path, Path], None]] = {
    "pipe": lambda path, other: os.mkfifo(path),
    "device": lambda path, other: path.symlink_to("/dev/zero"),
    "link": lambda path, other: path.symlink_to(other),
    "dangling": lambda path, other: path.symlink_to(other.with_name("none")),
    "folder": lambda path, other: path.mkdir(),
    "deep": lambda path, other: path.write_text("[" * 100_000),
    "binary": lambda path, other: path.write_bytes(bytes(range(256)) * 8),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for number in range(3):
        (folder / f"{number}.png").write_bytes(encoded("PNG", scene(96 + 8 * number, 96)))
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    """A run of two steps."""
    from srnet_cli import main

    run = tmp_path_factory.mktemp("runs") / "run"
    assert main._run([str(a) for a in _command(data, run, 2)], debug=False) == 0
    assert {*FILES, "panels"} <= {path.name for path in run.iterdir()}
    return run


def _command(data: Path, run: Path, steps: int) -> tuple[str | Path, ...]:
    options = ("--model", "srnet_lite", "--scale", "2", "--patch-size", "16", "--batch-size", "2")
    return "train", "--data", data, "-o", run, *options, "--steps", str(steps), "--device", "cpu"


def _resumed(srnet: Program, data: Path, run: Path) -> Ended:
    return srnet(*_command(data, run, 3), "--resume")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_in_it_hangs_or_leads_elsewhere(
    srnet: Program, data: Path, trained: Path, tmp_path: Path, name: str, kind: str
) -> None:
    run, others = tmp_path / "run", tmp_path / "others"
    shutil.copytree(trained, run)
    others.mkdir()
    shutil.copy(run / name, others / "victim")
    (run / name).unlink()
    KINDS[kind](run / name, others / "victim")
    before = disk(others)
    ended = _resumed(srnet, data, run)
    assert disk(others) == before
    if ended.code:
        assert f"{run / name}: " in ended.err
    elif kind == "link":
        assert not (run / name).is_symlink() or name == "best.pt" or "weights" in name or "card" in name


@pytest.mark.parametrize("name", ["panels", "tensorboard"])
def test_a_folder_of_it_that_is_a_link_is_refused(
    srnet: Program, data: Path, trained: Path, tmp_path: Path, name: str
) -> None:
    run, others = tmp_path / "run", tmp_path / "others"
    shutil.copytree(trained, run)
    shutil.rmtree(run / name, ignore_errors=True)
    others.mkdir()
    (others / "step-00000003.png").write_bytes(b"precious")
    (run / name).symlink_to(others)
    before = disk(tmp_path)
    ended = _resumed(srnet, data, run)
    assert ended.code == 1
    assert f"{run / name}: is a link, and files would be written where it leads" in ended.err
    assert disk(tmp_path) == before


@pytest.mark.parametrize(
    "line",
    [
        "[" * 100_000,
        '{"step": ' + "9" * 5000 + "}",
        json.dumps(RECORD | {"step": "one"}),
        json.dumps(RECORD | {"epoch": "x", "sr": [], "psnr": None}),
        '{"step": 1, "epoch": NaN, "elapsed": 1e999}',
        json.dumps(RECORD | {"sr": 10**299, "psnr": 1e308}),
        json.dumps(RECORD | {f"psnr/{number}": 1.0 for number in range(500)}),
        "\u2028\x00\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    ],
)
def test_a_log_may_say_anything(srnet: Program, data: Path, trained: Path, tmp_path: Path, line: str) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    kept = list(map(json.loads, (run / "log.jsonl").read_text().splitlines()))
    with (run / "log.jsonl").open("a", encoding="latin-1") as log:
        log.write(line + "\n")
    ended = _resumed(srnet, data, run)
    assert ended.code == 0, ended.err
    records = [json.loads(each) for each in (run / "log.jsonl").read_text().splitlines()]
    assert records[: len(kept)] == kept
    assert records[-1]["step"] == 3


def test_a_log_without_end_is_refused(srnet: Program, data: Path, trained: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    with (run / "log.jsonl").open("r+b") as log:
        log.truncate(MOST_BYTES + 1)
    before = (run / "last.pt").stat().st_mtime_ns
    ended = _resumed(srnet, data, run)
    assert ended.code == 1
    assert f"log.jsonl: has {MOST_BYTES + 1:,} bytes, more than the limit" in ended.err
    assert "move it away, and the run goes on" in " ".join(ended.err.split())
    assert (run / "last.pt").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("step", "one"),
        ("step", -1),
        ("step", True),
        ("elapsed", float("nan")),
        ("best_psnr", "high"),
        ("best_step", 1.5),
        ("validated_step", None),
        ("new_tail", 1),
    ],
)
def test_a_checkpoint_gets_no_further_than_a_run(
    srnet: Program, data: Path, trained: Path, tmp_path: Path, name: str, value: object
) -> None:
    import torch

    run = tmp_path / "run"
    shutil.copytree(trained, run)
    document = torch.load(run / "last.pt", weights_only=True)
    document["progress"][name] = value
    torch.save(document, run / "last.pt")
    ended = _resumed(srnet, data, run)
    assert ended.code == 1
    assert f"last.pt: is not a checkpoint of a training run: its {name} is " in ended.err


def test_a_checkpoint_with_a_lost_sector_is_not_gone_on_from(
    srnet: Program, data: Path, trained: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    content = bytearray((run / "last.pt").read_bytes())
    place = len(content) // 2 // 512 * 512
    content[place : place + 512] = bytes(512)
    (run / "last.pt").write_bytes(content)
    before = disk(run)
    ended = _resumed(srnet, data, run)
    assert ended.code == 1 and "last.pt: the checkpoint is damaged: Bad CRC-32" in ended.err
    assert disk(run) == before


@pytest.mark.parametrize("what", ["finished", "without a checkpoint", "a link"])
def test_a_crisp_set_is_not_lost_by_going_on(
    srnet: Program, data: Path, trained: Path, tmp_path: Path, what: str
) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    crisp = run / "crisp.safetensors"
    if what == "a link":
        crisp.symlink_to(run / "none")
    else:
        crisp.write_bytes(b"days of training")
    if what == "without a checkpoint":
        (run / "last.pt").unlink()
    before = disk(run)
    ended = _resumed(srnet, data, run)
    assert ended.code == 1 and f"{crisp}: belongs to the weights" in ended.err and "then remove" in ended.err
    assert disk(run) == before
    crisp.unlink()
    if what == "without a checkpoint":
        shutil.copy(run / "best.pt", run / "last.pt")
    assert _resumed(srnet, data, run).code == 0
    assert not os.path.lexists(crisp)


@pytest.mark.parametrize("what", ["a crisp set", "a folder"])
def test_weights_that_could_not_be_kept_are_an_error_at_the_end(
    srnet: Program, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """What came into the folder while the run went on is left there, and the model is in a checkpoint."""
    run = tmp_path / "run"
    name = "crisp.safetensors" if what == "a crisp set" else "weights.safetensors"

    def validate_late(*arguments: Any) -> Any:
        if what == "a crisp set":
            (run / name).write_bytes(b"days of training")
        else:
            (run / name).mkdir(exist_ok=True)
        return validate(*arguments)

    monkeypatch.setattr("srnet_cli.training.trainer.validate", validate_late)
    ended = srnet(*_command(data, run, 2))
    assert ended.code == 1 and len(ended.errors) == 1 and f"error {run / name}: " in ended.err
    assert (run / name).is_dir() or (run / name).read_bytes() == b"days of training"
    assert load_model(run / "best.pt").card.scale == 2


@pytest.mark.parametrize("stopped", [True, False])
@pytest.mark.parametrize("name", ["crisp.safetensors", "weights.safetensors", "best.pt"])
def test_a_best_that_could_not_be_kept_is_kept_by_going_on(
    srnet: Program, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, stopped: bool
) -> None:
    """Once what was in the way is gone, without a step more; whatever the newest checkpoint says."""
    run = tmp_path / "run"

    def validate_late(*arguments: Any) -> Any:
        (run / name).mkdir()
        if stopped:
            os.kill(os.getpid(), signal.SIGTERM)
        return validate(*arguments)

    def worse(*arguments: Any) -> Any:
        found, shown = validate(*arguments)
        return replace(found, psnr=found.psnr - 20), shown

    command = _command(data, run, 1)
    with monkeypatch.context() as changed:
        changed.setattr("srnet_cli.training.trainer.validate", validate_late)
        ended = srnet(*command, *(("--steps", "3", "--validate-every", "1") if stopped else ()))
    assert ended.code == (143 if stopped else 1) and f"{run / name}: " in ended.err
    (run / name).rmdir()
    monkeypatch.setattr("srnet_cli.training.trainer.validate", worse)
    ended = srnet(*command, "--resume")
    assert ended.code == 0 and "the model is in" in ended.err
    # Where no checkpoint of it could be written, either, the best is what there is.
    lost = stopped and name == "best.pt"
    assert load_model(run).card.recipe["trained_steps"] == (2 if lost else 1)


@pytest.mark.parametrize("gone", [("weights.safetensors",), ("card.toml", "weights.safetensors", "best.pt")])
def test_a_model_that_is_gone_comes_back_by_going_on(
    srnet: Program, data: Path, trained: Path, tmp_path: Path, gone: tuple[str, ...]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    for name in gone:
        (run / name).unlink()
    ended = srnet(*_command(data, run, 2), "--resume")
    assert ended.code == 0 and "the model is in" in ended.err
    assert load_model(run).card.recipe["trained_steps"] == 2


def test_a_best_that_was_never_kept_does_not_count(
    srnet: Program, data: Path, trained: Path, tmp_path: Path
) -> None:
    """As a checkpoint of an earlier version may say; the figure of the weights that are there does."""
    import torch

    run = tmp_path / "run"
    shutil.copytree(trained, run)
    document = torch.load(run / "last.pt", weights_only=True)
    document["progress"].update(step=5, best_psnr=99.0, best_step=5, validated_step=5)
    torch.save(document, run / "last.pt")
    assert srnet(*_command(data, run, 6), "--resume").code == 0
    progress = torch.load(run / "last.pt", weights_only=True)["progress"]
    assert progress["best_psnr"] < 60
    assert progress["best_step"] == load_model(run).card.recipe["trained_steps"]


@pytest.mark.parametrize("left", ["best.pt", "weights.safetensors"])
def test_a_run_without_its_checkpoint_is_not_begun_over_what_it_made(
    srnet: Program, data: Path, trained: Path, tmp_path: Path, left: str
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for name in ("config.toml", left):
        shutil.copy(trained / name, run)
    (run / "log.jsonl").write_text(json.dumps(RECORD) + "\n")
    before = disk(run)
    ended = _resumed(srnet, data, run)
    assert ended.code == 1 and f"error {run / 'last.pt'}: is missing" in ended.err
    assert ("copy best.pt" in ended.err) == (left == "best.pt")
    assert disk(run) == before


@pytest.mark.parametrize("drawn", [(), ("curves.png",)])
def test_a_run_killed_between_its_first_figures_and_weights_begins_again(
    srnet: Program, data: Path, trained: Path, tmp_path: Path, drawn: tuple[str, ...]
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for name in ("config.toml", "log.jsonl", *drawn):
        shutil.copy(trained / name, run)
    assert "psnr" in (run / "log.jsonl").read_text()
    ended = _resumed(srnet, data, run)
    assert ended.code == 0 and "the run begins" in ended.err
    assert load_model(run).card.scale == 2


@pytest.mark.parametrize("words", ["# my notes\n", "\n\n"])
def test_what_a_user_wrote_into_the_options_is_not_lost(
    srnet: Program, data: Path, trained: Path, tmp_path: Path, words: str
) -> None:
    """Where they are the same it stays, in a run that has moved, too; where they are others, that is said."""
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    edited = words + (run / "config.toml").read_text()
    (run / "config.toml").write_text(edited)
    before = disk(run)
    ended = _resumed(srnet, data, run)
    assert ended.code == 1 and f"error {run / 'config.toml'}: was edited" in ended.err
    assert disk(run) == before
    assert srnet("train", "--config", run / "config.toml", "-o", run, "--resume").code == 0
    assert (run / "config.toml").read_text() == edited
    (run / "config.toml").rename(tmp_path / "mine.toml")
    assert srnet("train", "--config", tmp_path / "mine.toml", "-o", run, "--resume", "--steps", "3").code == 0
    assert "steps = 3" in (run / "config.toml").read_text()


def test_a_checkpoint_that_leads_nowhere_is_named(
    srnet: Program, data: Path, trained: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    (run / "last.pt").unlink()
    (run / "last.pt").symlink_to(tmp_path / "unmounted" / "last.pt")
    before = disk(run)
    ended = _resumed(srnet, data, run)
    assert ended.code == 1 and f"error {run / 'last.pt'}: is a link to nothing" in ended.err
    assert disk(run) == before


def test_a_step_that_fails_of_the_signal_itself_is_no_failure(
    srnet: Program, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A compiler in the same group of processes ends of it at once, where a step would be finished."""

    def killed(*arguments: Any, **named: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        raise RuntimeError("C++ compile error")

    monkeypatch.setattr("srnet_cli.training.step.stepper.Stepper.__call__", killed)
    ended = srnet(*_command(data, tmp_path / "run", 2))
    assert ended.code == 143 and not ended.errors


def test_a_run_is_not_trained_on_its_own_curves(srnet: Program, data: Path, tmp_path: Path) -> None:
    photos, link = tmp_path / "photos", tmp_path / "link"
    shutil.copytree(data, photos)
    link.symlink_to(photos)
    before = disk(photos)
    for place in (photos, link):
        ended = srnet(*_command(photos, place, 2))
        assert ended.code == 2 and "would be among it" in ended.err
        assert disk(photos) == before
    assert srnet(*_command(photos, photos / "run", 2)).code == 0


@pytest.mark.parametrize("inner", ["train", "HR"])
def test_a_run_draws_nothing_beside_the_folder_of_pictures(
    srnet: Program, data: Path, tmp_path: Path, inner: str
) -> None:
    """The next time the folder that was named would be taken for one photograph, the curves."""
    named = tmp_path / "named"
    shutil.copytree(data, named / inner)
    before = disk(named)
    ended = srnet(*_command(named, named, 2))
    assert ended.code == 2 and "would be among it" in ended.err
    assert disk(named) == before
    assert srnet(*_command(named, named / "run", 2)).code == 0


def test_folders_are_told_by_what_they_are(
    srnet: Program, data: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bind mount has a path of its own, as a link has for whoever does not resolve it."""
    run, photos = tmp_path / "run", tmp_path / "photos"
    shutil.copytree(trained, run)
    shutil.copytree(data, photos)
    for folder in (run, photos):
        (tmp_path / f"{folder.name}-bound").symlink_to(folder)
    before = disk(run), disk(photos)
    with monkeypatch.context() as changed:
        changed.setattr(Path, "resolve", lambda self, strict=False: self.absolute())
        changed.setattr(os.path, "realpath", lambda path, **_: str(Path(path).absolute()))
        for teacher in (tmp_path / "run-bound", tmp_path / "run-bound" / "best.pt"):
            with pytest.raises(UsageError, match="is what this run writes"):
                session._check_teacher(TrainOptions(output=run, teacher=str(teacher)))
        found = [Detection("photos", photos, "")]
        with pytest.raises(UsageError, match="would be among it"):
            session._check_apart(found, TrainOptions(data=(photos,), output=tmp_path / "photos-bound"))
    assert (disk(run), disk(photos)) == before


def test_a_run_draws_nothing_among_pairs(srnet: Program, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs"
    for name, side in (("LR", 40), ("HR", 80)):
        (pairs / name).mkdir(parents=True)
        for shot in ("a", "b"):
            (pairs / name / f"{shot}.png").write_bytes(encoded("PNG", scene(side, side)))
    before = disk(pairs)
    for place in (pairs, pairs / "HR", pairs / "LR"):
        ended = srnet(*_command(pairs, place, 2))
        assert ended.code == 2 and "would be among it" in ended.err
        assert disk(pairs) == before
    run = pairs / "run"
    assert srnet(*_command(pairs, run, 2)).code == 0
    assert (run / "curves.png").exists() and _resumed(srnet, pairs, run).code == 0
    elsewhere = (pairs / "HR").rename(tmp_path / "elsewhere")
    (pairs / "HR").symlink_to(elsewhere)
    ended = srnet(*_command(pairs, elsewhere, 2))
    assert ended.code == 2 and "would be among it" in ended.err


@pytest.mark.parametrize("where", ["panels", "panels/more", "linked"])
def test_a_run_draws_no_panels_among_what_it_is_trained_on(
    srnet: Program, trained: Path, tmp_path: Path, where: str
) -> None:
    """One of its user's, under the name of the next, would be replaced."""
    run = Path(shutil.copytree(trained, tmp_path / "run"))
    (run / "panels" / "more").mkdir()
    for place in ("step-00000003.png", "step-00000004.png", "more/a.png", "more/b.png"):
        (run / "panels" / place).write_bytes(encoded("PNG", scene(96, 96)))
    data = run / where
    if where == "linked":
        data = tmp_path / "data"
        data.mkdir()
        for name in ("LR", "HR"):
            (data / name).symlink_to(run / "panels" / "more")
    before = disk(run)
    ended = _resumed(srnet, data, run)
    assert ended.code == 2 and "would be among it" in ended.err, ended.err
    assert disk(run) == before


def test_a_released_teacher_is_no_file_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name is none of a file in the current folder, though that is where the run goes."""
    monkeypatch.chdir(tmp_path)
    session._check_teacher(TrainOptions(output=Path(), teacher="srnet-x4"))
    with pytest.raises(UsageError, match="is what this run writes"):
        session._check_teacher(TrainOptions(output=Path(), teacher="best.pt"))


def test_a_run_does_not_replace_its_teacher(srnet: Program, data: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert srnet(*_command(data, run, 2)).code == 0
    before = disk(run)
    for teacher in (run / "best.pt", run):
        ended = srnet(*_command(data, run, 4), "--resume", "--teacher", teacher)
        assert ended.code == 2 and "is what this run writes" in ended.err
        assert disk(run) == before
