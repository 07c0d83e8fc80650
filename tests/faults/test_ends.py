"""Programs that are killed, interrupted, or left alone; disks that fill up under a training run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from srnet_cli import main
from srnet_cli.imaging.read import read_picture
from srnet_cli.temporaries import is_temporary
from srnet_cli.zooming import batch
from tests.faults.pictures import encoded, scene
from tests.faults.program import Ended, Program, assert_civil, disk, finish, start, wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems")

TINY_TRAINING = (
    *("--scale", "2", "--n-feats", "8", "--n-resblocks", "1", "--attention", "mpr-sa", "--device", "cpu"),
    *("--patch-size", "8", "--batch-size", "2", "--precision", "fp32", "--workers", "1", "--log-every", "1"),
)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in "ab":
        (folder / f"{name}.png").write_bytes(encoded("PNG", scene(48, 64)))
    return folder


def temporaries(folder: Path) -> list[Path]:
    """The unfinished files in it and below; unlike rglob, os.walk passes over folders that vanish."""
    return [
        Path(place, name)
        for place, _, names in os.walk(folder)
        if is_temporary(Path(place))
        for name in names
        if not name.startswith(".")
    ]


def test_killed_in_the_middle_of_writing(srnet: Program, model: Path, tmp_path: Path) -> None:
    """SIGKILL: the old result stays as it was, and the next run removes what was left."""
    (tmp_path / "a.png").write_bytes(encoded("PNG", scene(700, 900)))
    (tmp_path / "small.png").write_bytes(encoded("PNG"))
    (tmp_path / "a_x2.png").write_bytes(b"the old result")
    before = disk(tmp_path)
    process = start("zoom", "a.png", "-s", "2", "--model", model, "--overwrite", folder=tmp_path)
    wait_until(lambda: any(path.stat().st_size > 10_000 for path in temporaries(tmp_path)), process)
    process.kill()
    finish(process)
    assert process.returncode == -signal.SIGKILL
    (left,) = temporaries(tmp_path)
    after = disk(tmp_path)
    assert after[str(left.relative_to(tmp_path))]
    assert {name: after[name] for name in after if not name.startswith(left.parent.name)} == before

    assert srnet("zoom", tmp_path / "small.png", "-s", "2", "--model", model).code == 0
    after = disk(tmp_path)
    assert set(after) - set(before) == {"small_x2.png"}
    assert {name: after[name] for name in before} == before


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_in_a_batch(
    srnet: Program, model: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """What is finished stays and is whole; the rest is done by the next run."""
    inputs, output = tmp_path / "in", tmp_path / "out"
    inputs.mkdir()
    count = 30
    for index in range(count):
        (inputs / f"{index:02d}.png").write_bytes(encoded("PNG", scene(100, 120)))
    process = start("zoom", "in", "-s", "2", "--model", model, "-o", "out", "--json", folder=tmp_path)
    wait_until(lambda: len(list(output.glob("[0-9]*.png"))) >= 2, process)
    process.send_signal(number)
    ended = finish(process)
    assert_civil(ended)
    assert ended.code == code, ended.err
    if number is signal.SIGINT:
        assert "interrupted; what was finished stays" in ended.err
    finished = sorted(output.glob("[0-9]*.png"))
    assert 2 <= len(finished) < count
    assert temporaries(output) == []
    for path in finished:
        with Image.open(path) as image:
            image.load()
            assert image.size == (240, 200)
    kept = disk(output)

    for path in sorted(inputs.glob("*.png"))[len(finished) + 1 :]:
        path.unlink()  # the rest would only take time
    ended = srnet("zoom", inputs, "-s", "2", "--model", model, "-o", output, "--skip-existing", "--json")
    assert ended.code == 0
    states = [result["status"] for result in json.loads(ended.out)["results"]]
    assert states == ["skipped"] * len(finished) + ["written"]
    after = disk(output)
    assert {name: after[name] for name in kept} == kept


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
def test_training_is_asked_to_stop(
    srnet: Program, photos: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """It writes a checkpoint, says how to go on, and does go on from there."""
    run = tmp_path / "run"
    train = ("train", "--data", photos, "-o", run, *TINY_TRAINING)
    process = start(*train, "--steps", "100000", folder=tmp_path)
    wait_until(lambda: (run / "log.jsonl").exists() and (run / "log.jsonl").stat().st_size > 200, process)
    process.send_signal(number)
    ended = finish(process)
    assert_civil(ended)
    assert ended.code == code, ended.err
    assert "the checkpoint is written" in ended.err
    assert "--resume" in ended.err
    assert temporaries(run) == []
    step = torch.load(run / "last.pt", weights_only=True)["progress"]["step"]
    assert step >= 2

    ended = srnet(*train, "--steps", str(step + 2), "--resume")
    assert ended.code == 0, ended.err
    assert f"going on after step {step}" in ended.err
    assert torch.load(run / "last.pt", weights_only=True)["progress"]["step"] == step + 2
    steps = [json.loads(line)["step"] for line in (run / "log.jsonl").read_text().splitlines()]
    assert steps == sorted(steps)
    assert steps[-1] == step + 2


def test_whoever_read_our_output_has_gone(model: Path, tmp_path: Path) -> None:
    """A broken pipe on stdout: the pictures are there, and there is no traceback."""
    (tmp_path / "a.png").write_bytes(encoded("PNG"))
    received, sent = os.pipe()
    os.close(received)
    process = start(
        "zoom", "a.png", "-s", "2", "--model", model, "--json", folder=tmp_path, stdout=sent, pass_fds=()
    )
    os.close(sent)
    _, err = process.communicate()
    assert_civil(Ended(process.returncode, "", err))
    assert process.returncode == 1
    assert "Exception ignored" not in err
    assert set(disk(tmp_path)) == {"a.png", "a_x2.png"}


@pytest.mark.parametrize("is_full", [True, False])
def test_whoever_heard_our_errors_has_gone(model: Path, tmp_path: Path, is_full: bool) -> None:
    """Of a batch the rest is done, with the codes that it would have had."""
    for name in ("a.png", "b.png", "d.png"):
        (tmp_path / "in" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_bytes(encoded("PNG"))
    (tmp_path / "in" / "c.png").write_bytes(encoded("PNG")[:200])
    received, sent = os.pipe()
    os.close(received)
    nowhere = os.open("/dev/full", os.O_WRONLY) if is_full else sent
    for more, code in (((), 1), (("in/a.png", "--overwrite"), 0)):
        command = ("zoom", *(more or ("in",)), "-s", "2", "--model", model, "-o", "out")
        process = start(*command, folder=tmp_path, stderr=nowhere)
        assert process.wait() == code
        assert process.communicate()[0] == ""
        assert set(disk(tmp_path / "out")) == {f"{name}_x2.png" for name in "abd"}


def test_a_training_that_nobody_hears_goes_on(photos: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = ("train", "--data", photos, "-o", run, *TINY_TRAINING, "--steps", "4")
    with Path("/dev/full").open("w") as full:
        assert start(*command, folder=tmp_path, stderr=full).wait() == 0
    assert torch.load(run / "last.pt", weights_only=True)["progress"]["step"] == 4


def test_a_closed_terminal_ends_nothing_that_nohup_began(photos: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = ("train", "--data", photos, "-o", run, *TINY_TRAINING, "--steps", "30")
    ignored = partial(signal.signal, signal.SIGHUP, signal.SIG_IGN)
    process = start(*command, folder=tmp_path, preexec_fn=ignored)
    wait_until(lambda: (run / "log.jsonl").exists(), process)
    process.send_signal(signal.SIGHUP)
    assert finish(process).code == 0


def test_help_into_a_closed_pipe(tmp_path: Path) -> None:
    received, sent = os.pipe()
    os.close(received)
    process = start("zoom", "--help", folder=tmp_path, stdout=sent)
    os.close(sent)
    _, err = process.communicate()
    assert_civil(Ended(process.returncode, "", err))
    assert "Exception ignored" not in err


def test_without_stdout_and_stderr(model: Path, tmp_path: Path) -> None:
    """Started by something that closed them, as some launchers do."""
    (tmp_path / "a.jpg").write_bytes(encoded("JPEG"))
    process = start(
        *("zoom", "a.jpg", "-s", "2", "--model", model),
        folder=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: (os.close(1), os.close(2)),
    )
    assert process.wait() == 0
    assert set(disk(tmp_path)) == {"a.jpg", "a_x2.jpg"}


def test_full_disk_while_writing_a_checkpoint(
    srnet: Program, photos: Path, tmp_path: Path, small_disk: Callable[[int], Path]
) -> None:
    """The last good checkpoint stays, and training goes on from it once there is room."""
    place = small_disk(8192)
    run = place / "run"
    train = ("train", "--data", photos, "-o", run, *TINY_TRAINING)
    assert srnet(*train, "--steps", "2").code == 0
    before = disk(run)
    _fill(place, leave=24 * 1024)

    ended = srnet(*train, "--steps", "4", "--resume")
    assert ended.code == 1
    assert "last.pt: cannot be written: the disk is full" in ended.err
    assert temporaries(place) == []
    after = disk(run)
    assert after["last.pt"] == before["last.pt"]
    assert after["weights.safetensors"] == before["weights.safetensors"]

    (place / "filler").unlink()
    assert srnet(*train, "--steps", "4", "--resume").code == 0
    assert torch.load(run / "last.pt", weights_only=True)["progress"]["step"] == 4


def test_no_room_to_begin_a_run(
    srnet: Program, photos: Path, tmp_path: Path, small_disk: Callable[[int], Path]
) -> None:
    place = small_disk(64)
    _fill(place, leave=0)
    before = disk(place)
    ended = srnet("train", "--data", photos, "-o", place / "run", *TINY_TRAINING, "--steps", "2")
    assert ended.code == 1
    assert "the disk is full" in ended.err
    assert disk(place) == before


def _fill(place: Path, leave: int) -> None:
    """Fill the disk of ``place`` but for about so many bytes."""
    with (place / "filler").open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(np.ones(4096, np.uint8).tobytes())
        except OSError:
            pass
        filler.truncate(max(filler.tell() - leave, 0))


def test_a_bug_of_ours_costs_one_picture_only(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """What nobody expected is named as a bug, with the way to its place; the rest of the batch is done."""
    for name in "ab":
        (tmp_path / f"{name}.png").write_bytes(encoded("PNG"))
    read = read_picture

    def buggy(path: Path, *rest: object, **more: object) -> object:
        if path.name == "a.png":
            raise ZeroDivisionError("division by zero")
        return read(path, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(batch, "read_picture", buggy)
    arguments = ["zoom", str(tmp_path), "-s", "2", "--model", str(model), "--overwrite"]
    for debug in (False, True):
        assert main._run(arguments, debug) == 1
        err = capfd.readouterr().err
        assert f"error {tmp_path / 'a.png'}: unexpected ZeroDivisionError: division by zero" in err
        assert "a bug; --debug shows where it happened" in err
        assert ("Traceback" in err) is debug
        assert set(disk(tmp_path)) == {"a.png", "b.png", "b_x2.png"}
