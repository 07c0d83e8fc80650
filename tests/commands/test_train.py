"""``srnet train`` as a user runs it."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import tomli_w
import torch
from typer.testing import CliRunner, Result

from srnet_cli.data.camera.simulation import bicubic_zoom
from srnet_cli.errors import DataError
from srnet_cli.imaging import read_picture
from srnet_cli.main import app
from srnet_cli.models.store import load_model
from srnet_cli.training.fields import flag
from srnet_cli.training.options import TrainOptions, option_table, plain
from tests.captures import write_dng
from tests.scene import sample_scene
from tests.scenes import default_shots, write_sequence
from tests.training.sources import drawing, write_drawings
from tests.training.test_distribution import environment, wait_for_steps

ROOT = Path(__file__).parents[2]
TINY = "--scale 2 --model edsr_rat --n-feats 16 --n-resblocks 1 --patch-size 12 --device cpu --precision fp32"
SHORT = f"{TINY} --batch-size 2 --steps 3 --validate-every 100000 --workers 1"


@pytest.fixture(scope="module")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_drawings(tmp_path_factory.mktemp("data") / "drawings", count=3, side=48)


def train(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["train", *map(str, arguments)], prog_name="srnet")


def error_of(result: Result) -> str:
    return str(result.exception)


def test_a_tiny_run_on_generated_sequences_beats_bicubic(tmp_path: Path) -> None:
    data, run = tmp_path / "sequences", tmp_path / "run"
    for scene in range(5):
        shots = default_shots(scene, (100.0, 50.0), wobble=1.0)
        write_sequence(data / f"{scene:05d}", shots, 240, 320, scene, raw=None)
    recipe = (
        "--batch-size 8 --steps 150 --validate-every 75 --lr 5e-3 --warmup 10 --schedule cosine --ema 0.97"
    )
    result = train(
        *("--data", data, "--cache", tmp_path / "cache", "--output", run, "--match-colour"),
        *(*TINY.split(), *recipe.split()),
    )
    assert result.exit_code == 0, result.output
    assert "5 sequences of shots at several focal lengths" in result.stderr
    assert "4 pairs ×2 from 4 scenes; 1 held out" in result.stderr
    measured = [r for r in map(json.loads, (run / "log.jsonl").read_text().splitlines()) if "psnr" in r]
    assert [r["step"] for r in measured] == [75, 150]
    assert measured[-1]["psnr"] > measured[-1]["bicubic"] + 1.0
    assert "note:" not in result.stderr
    metrics = load_model(run).card.metrics
    assert metrics["psnr_rgb"] > metrics["bicubic_psnr_rgb"] + 1.0


def test_the_exported_model_zooms_at_once(drawings: Path, tmp_path: Path) -> None:
    assert train("--data", drawings, "-o", tmp_path / "run", *SHORT.split()).exit_code == 0
    cv2.imwrite(str(tmp_path / "in.png"), drawing(77, 40))
    zoomed = ["zoom", tmp_path / "in.png", "-s", 2, "--model", tmp_path / "run", "-o", tmp_path / "out.png"]
    result = CliRunner().invoke(app, list(map(str, zoomed)), prog_name="srnet")
    assert result.exit_code == 0, result.output
    picture = cv2.imread(str(tmp_path / "out.png"))
    assert picture is not None and picture.shape == (80, 80, 3)


def test_what_was_found_and_how_it_trains_is_said(drawings: Path, tmp_path: Path) -> None:
    result = train("--data", drawings, "-o", tmp_path / "run", *SHORT.split())
    assert f"{drawings}: 3 photographs, zoom will be simulated" in result.stderr
    assert "1 held out" in result.stderr and "batch_size 2" in result.stderr
    assert "56,294 parameters (22,048 of them without use), float32" in result.stderr
    assert result.stdout == ""


def test_pairs_of_folders_are_recognised(tmp_path: Path) -> None:
    data = write_pairs(tmp_path / "data", 3)
    places = ("--data", data, "--cache", tmp_path / "cache", "-o", tmp_path / "run")
    prepared = train(*places, "--prepare-only", *SHORT.split())
    assert prepared.exit_code == 0 and not (tmp_path / "run").exists()
    assert "2 pairs ×2 from 2 scenes; 1 held out" in prepared.stderr
    result = train(*places, *SHORT.split())
    assert result.exit_code == 0 and "3 pairs of LR and HR pictures" in result.stderr


def write_pairs(folder: Path, count: int) -> Path:
    """LR/ and HR/ of drawings, ×2."""
    for part in ("LR", "HR"):
        (folder / part).mkdir(parents=True)
    for number in range(count):
        hr = drawing(number, 48)
        lr = bicubic_zoom(torch.from_numpy(hr).permute(2, 0, 1)[None].float(), 2, [0])[0]
        cv2.imwrite(str(folder / "HR" / f"{number}.png"), hr)
        cv2.imwrite(str(folder / "LR" / f"{number}.png"), lr.permute(1, 2, 0).byte().numpy())
    return folder


def test_photographs_and_pairs_are_mixed_resumed_and_zoom(drawings: Path, tmp_path: Path) -> None:
    pairs, run = write_pairs(tmp_path / "pairs", 3), tmp_path / "run"
    config = tmp_path / "recipe.toml"
    config.write_text(f'data = ["{drawings}", "{pairs}"]\nshares = [0.75, 0.25]\n')
    short = SHORT.replace("--batch-size 2", "--batch-size 4")
    whole = train("--config", config, "--cache", tmp_path / "cache", "-o", tmp_path / "whole", *short.split())
    flags = ("--data", drawings, "--data", pairs, "--shares", "3,1", "--cache", tmp_path / "cache")
    begun = train(*flags, "-o", run, *short.replace("--steps 3", "--steps 2").split())
    assert whole.exit_code == begun.exit_code == 0, begun.output
    assert f"{drawings}: 3 photographs" in begun.stderr and "3 pairs of LR and HR pictures" in begun.stderr
    assert "drawings, 75 % of each batch: 2 photographs" in begun.stderr
    assert "pairs, 25 % of each batch: 2 pairs ×2" in begun.stderr
    assert "step 2: drawings: PSNR" in begun.stderr and "step 2: pairs: PSNR" in begun.stderr
    assert "on 2 pictures, mean of 2 sources (best so far)" in begun.stderr
    resumed = train("-o", run, "--resume", "--steps", 3)
    assert resumed.exit_code == 0, resumed.output
    last = [torch.load(folder / "last.pt", weights_only=True) for folder in (run, tmp_path / "whole")]
    assert all(torch.equal(tensor, last[1]["network"][name]) for name, tensor in last[0]["network"].items())
    cv2.imwrite(str(tmp_path / "in.png"), drawing(77, 40))
    zoomed = ["zoom", tmp_path / "in.png", "-s", 2, "--model", run, "-o", tmp_path / "out.png"]
    assert CliRunner().invoke(app, list(map(str, zoomed)), prog_name="srnet").exit_code == 0
    picture = cv2.imread(str(tmp_path / "out.png"))
    assert picture is not None and picture.shape == (80, 80, 3)


def test_flags_go_before_the_file_and_both_before_the_recipe(drawings: Path, tmp_path: Path) -> None:
    config = tmp_path / "recipe.toml"
    config.write_text(
        'model = "edsr"\nscale = 2\nn_feats = 16\nn_resblocks = 1\nsteps = 50\nlr = 0.5\ndevice = "cpu"\n'
        "phases = [{until = 0.5, patch = 8, batch = 3}, {until = 1.0, patch = 12, batch = 1}]\n"
    )
    given = ("--config", config, "--data", drawings, "-o", tmp_path / "run", "--steps", 2, "--lr", 0.001)
    result = train(*map(str, given))
    assert result.exit_code == 0, result.output
    kept = (tmp_path / "run" / "config.toml").read_text()
    for line in ("steps = 2", "lr = 0.001", 'model = "edsr"', "beta2 = 0.999", "seed = 1"):
        assert line in kept.splitlines()
    assert "{ until = 0.5, patch = 8, batch = 3 }," in kept
    progress = torch.load(tmp_path / "run" / "last.pt", weights_only=True)["progress"]
    assert (progress["step"], progress["samples"]) == (2, 3 + 1)


def test_a_run_is_resumed_with_its_own_options(drawings: Path, tmp_path: Path) -> None:
    assert train("--data", drawings, "-o", tmp_path / "run", *SHORT.split()).exit_code == 0
    result = train("-o", tmp_path / "run", "--resume", "--steps", "5")
    assert result.exit_code == 0, result.output
    assert "going on after step 3" in result.stderr
    assert torch.load(tmp_path / "run" / "last.pt", weights_only=True)["progress"]["step"] == 5


def test_what_a_run_started_from_need_not_stay(drawings: Path, tmp_path: Path) -> None:
    assert train("--data", drawings, "-o", tmp_path / "first", *SHORT.split()).exit_code == 0
    (tmp_path / "first").rename(tmp_path / "start")
    begun = train("--data", drawings, "-o", tmp_path / "run", "--init", tmp_path / "start", *SHORT.split())
    assert begun.exit_code == 0 and "started from edsr_rat-x2 (×2)" in begun.stderr
    assert load_model(tmp_path / "run").card.recipe["init"] == "start"
    (tmp_path / "start").rename(tmp_path / "gone")
    assert train("-o", tmp_path / "run", "--resume", "--steps", "4").exit_code == 0


def test_mosaics_train_a_single_stream(tmp_path: Path) -> None:
    for scene in range(2):
        shots = default_shots(scene, (100.0, 50.0), wobble=1.0)
        write_sequence(tmp_path / "data" / f"{scene:05d}", shots, 160, 240, scene)
    given = "--input raw --model edsr --scale 2 --n-feats 16 --n-resblocks 1 --patch-size 8 --steps 2"
    places = ("--data", tmp_path / "data", "--cache", tmp_path / "cache", "-o", tmp_path / "run")
    result = train(*places, *given.split())
    assert result.exit_code == 0, result.output
    card = load_model(tmp_path / "run").card
    # A pixel of the mosaic is two of the picture's wide.
    assert (card.input_space, card.scale, card.options["in_channels"]) == ("mosaic", 4, 4)
    cv2.imwrite(str(tmp_path / "in.png"), drawing(77, 40))
    zoomed = CliRunner().invoke(
        app, ["zoom", str(tmp_path / "in.png"), "--model", str(tmp_path / "run")], prog_name="srnet"
    )
    assert zoomed.exit_code == 1 and "takes a mosaic, not pictures" in zoomed.output + str(zoomed.exception)


def test_two_streams_learn_mosaics_of_photographs(drawings: Path, tmp_path: Path) -> None:
    given = "--input raw --model srnet --scale 2 --n-feats 16 --n-resblocks 1 --patch-size 8 --batch-size 2"
    run = tmp_path / "run"
    result = train("--data", drawings, "-o", run, *given.split(), "--validation-crop", "64", "--steps", "2")
    assert result.exit_code == 0, result.output
    assert train("-o", run, "--resume", "--steps", "4").exit_code == 0
    steps = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert any(step.get("residual", 0) > 0 for step in steps)
    model = load_model(run)
    assert model.card.reads_mosaics and (model.card.scale, model.card.options["in_channels"]) == (4, 4)
    write_dng(tmp_path / "a.dng", sample_scene(40, 48))
    made = tmp_path / "made.png"
    arguments = [
        "zoom",
        str(tmp_path / "a.dng"),
        "--model",
        str(run),
        "-s",
        "2",
        "--heatmap",
        "-o",
        str(made),
    ]
    zoomed = CliRunner().invoke(app, [*arguments, "--device", "cpu"], prog_name="srnet")
    assert zoomed.exit_code == 0, zoomed.output
    residual = cv2.imread(str(tmp_path / "made_residual.png"))
    assert residual is not None and len(residual) == 80
    near = read_picture(tmp_path / "a.dng").pixels.mean() / 257
    picture = cv2.imread(str(made))
    assert picture is not None and abs(picture.mean() - near) < 4


def test_an_auxiliary_stream_is_not_taught_shots(tmp_path: Path) -> None:
    shots = default_shots(0, (100.0, 50.0), wobble=1.0)
    write_sequence(tmp_path / "data" / "00000", shots, 160, 240, 0)
    result = train("--data", tmp_path / "data", "--input", "raw", "--scale", "2", "-o", tmp_path / "run")
    assert "--input raw has no auxiliary stream for RAW shots" in error_of(result)
    assert getattr(result.exception, "exit_code", None) == 2


def test_tensorboard_is_asked_for_by_name(drawings: Path, tmp_path: Path) -> None:
    if importlib.util.find_spec("tensorboard") is not None:
        result = train("--data", drawings, "-o", tmp_path / "run", "--tensorboard", *SHORT.split())
        assert result.exit_code == 0 and list((tmp_path / "run" / "tensorboard").iterdir())
        return
    result = train("--data", drawings, "-o", tmp_path / "run", "--tensorboard", *SHORT.split())
    assert "TensorBoard is not installed" in error_of(result)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("", 2, "nothing to train on"),
        ("--data nowhere", 1, "nowhere: does not exist"),
        ("--data {data} --steps 3 --epochs 2", 2, "give one"),
        ("--data {data} --model vgg", 2, "no network 'vgg'"),
        ("--data {data} --milestones 1,x", 2, "whole numbers separated by commas"),
        ("--data {data} --init nothing", 1, "--init: no released model and no file of that name"),
        ("--data {data} --scale 5", 2, "--model srnet does 2, 3, 4, 8"),
        ("--data {data} --scale 3 --model lapsrn", 2, "--model lapsrn does 2, 4, 8"),
        ("--data {data} --attention foo", 2, "--attention cannot be 'foo' (one of none, ca,"),
        ("--data {data} --n-feats 7", 2, "--n-feats 7 does not work"),
        ("--data {data} --model edsr --no-auxiliary", 2, "--no-auxiliary has no meaning for --model edsr"),
        ("--data {data} --resume --device nosuch", 2, "no kind of device called 'nosuch'"),
        ("--resume", 2, "to go on with (--data begins one)"),
        ("--data {data} --config {config}", 2, "unknown option 'patchsize'; did you mean 'patch_size'?"),
        ("--data {data} --device cuda", 1, "CUDA was asked for, but there is none"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    drawings: Path, tmp_path: Path, arguments: str, code: int, message: str
) -> None:
    if "cuda" in arguments and torch.cuda.is_available():
        pytest.skip("there is CUDA here")
    config = tmp_path / "config.toml"
    config.write_text("patchsize = 3\n")
    filled = arguments.format(data=drawings, config=config).split()
    result = train("--scale", "2", *filled, "--output", tmp_path / "run", "--patch-size", "12")
    assert message in error_of(result)
    assert getattr(result.exception, "exit_code", None) == code
    assert not (tmp_path / "run").exists()
    assert "held out" not in result.stderr  # as is said when the data is ready


def test_weights_that_do_not_fit_are_summarised(drawings: Path, tmp_path: Path) -> None:
    assert train("--data", drawings, "-o", tmp_path / "first", *SHORT.split()).exit_code == 0
    options = SHORT.replace("--n-resblocks 1", "--n-resblocks 3")
    result = train("--data", drawings, "-o", tmp_path / "run", "--init", tmp_path / "first", *options.split())
    assert "of its tensors do not match the network: " in error_of(result)
    assert "--n-feats 16 --n-resblocks 1" in error_of(result)
    assert len(error_of(result)) < 500 + len(str(tmp_path))
    assert "held out" not in result.stderr and not (tmp_path / "run").exists()


def test_no_photograph_is_large_enough(drawings: Path, tmp_path: Path) -> None:
    result = train("--data", drawings, "-o", tmp_path / "run", *SHORT.split(), "--patch-size", "4000")
    assert "a smaller --patch-size, which is 4000 LR pixels ×2 now" in error_of(result)
    assert not (tmp_path / "run").exists()


def test_photographs_left_out_are_counted(drawings: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(drawings / "small.png"), drawing(3, 16))
    try:
        result = train("--data", drawings, "--prepare-only", *SHORT.split())
    finally:
        (drawings / "small.png").unlink()
    assert ": 4 photographs" in result.stderr and ": 2 photographs" not in result.stderr
    assert "2 photographs in" in result.stderr and "1 held out, 1 left out" in result.stderr


def test_a_folder_that_was_there_keeps_what_it_had(drawings: Path, tmp_path: Path) -> None:
    written = tomli_w.dumps(plain(TrainOptions(steps=3)))  # by a run that was killed
    (tmp_path / "config.toml").write_text(written)
    result = train("--data", drawings, "-o", tmp_path, "--resume", *SHORT.split(), "--patch-size", "4000")
    assert isinstance(result.exception, DataError)
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]
    assert (tmp_path / "config.toml").read_text() == written


def test_how_to_use_the_model_is_said_at_the_end(drawings: Path, tmp_path: Path) -> None:
    run = tmp_path / "a run"
    use = f"the model is in {run}: srnet zoom photo.jpg --model '{run}'"
    first = train("--data", drawings, "-o", run, *SHORT.split()).stderr
    assert use in first
    assert "note: it is worse than bicubic enlargement (PSNR " in first.splitlines()[-1]
    again = train("-o", run, "--resume")
    assert again.exit_code == 0
    assert "this run is finished, with step 3; a larger --steps goes on with it" in again.stderr
    assert "going on" not in again.stderr and use in again.stderr


def test_a_model_that_was_not_measured_is_said_to_be_so(drawings: Path, tmp_path: Path) -> None:
    one = write_drawings(tmp_path / "one", count=1, side=48)
    result = train("--data", one, "-o", tmp_path / "run", *SHORT.split())
    assert result.exit_code == 0, result.output
    assert "not measured, as the data has no held-out pairs" in result.stderr.splitlines()[-1]


def test_a_run_that_died_before_its_first_checkpoint_begins_again(drawings: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    assert train("--data", drawings, "-o", tmp_path / "other", *SHORT.split()).exit_code == 0
    shutil.copy(tmp_path / "other" / "config.toml", run)  # what is written before anything else
    (run / "log.jsonl").write_text('{"step": 1, "epoch": 0.1, "elapsed": 2.0, "sr": 40.0}\n')
    arguments = ("--data", drawings, "-o", run, *SHORT.split())
    assert "--resume begins it again" in error_of(train(*arguments))
    result = train(*arguments, "--resume")
    assert result.exit_code == 0 and "yet: the run begins" in result.stderr
    assert all(json.loads(line)["step"] == 3 for line in (run / "log.jsonl").read_text().splitlines())


def test_a_run_is_not_overwritten(drawings: Path, tmp_path: Path) -> None:
    assert train("--data", drawings, "-o", tmp_path / "run", *SHORT.split()).exit_code == 0
    result = train("--data", drawings, "-o", tmp_path / "run", *SHORT.split())
    assert "a run in this folder already" in error_of(result)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_writes_a_checkpoint_and_the_run_goes_on(
    drawings: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    run = tmp_path / "run"
    arguments = ["train", "--data", str(drawings), "-o", str(run), *SHORT.split()]
    endless = [*arguments, "--steps", "1000000", "--log-every", "1"]
    command = [sys.executable, "-m", "srnet_cli", *endless]
    with subprocess.Popen(command, env=environment(), cwd=ROOT, stderr=subprocess.PIPE, text=True) as job:
        try:
            wait_for_steps(run / "log.jsonl", 2, job)
            os.kill(job.pid, number)
            errors = job.communicate(timeout=60)[1]
        finally:
            job.kill()
    assert job.returncode == code
    step = torch.load(run / "last.pt", weights_only=True)["progress"]["step"]
    assert step >= 2
    assert f"interrupted after step {step}" in errors and "--resume goes on" in errors
    assert "Traceback" not in errors
    result = train("-o", run, "--resume", "--steps", str(step + 2))
    assert result.exit_code == 0 and f"going on after step {step}" in result.stderr


def test_every_option_has_its_flag() -> None:
    result = CliRunner().invoke(app, ["train", "--help"], prog_name="srnet", env={"COLUMNS": "160"})
    for name, key in option_table().items():
        assert (f" {flag(name)} " in result.output) is (key.option is not None), name
    assert "phases" not in [name for name, key in option_table().items() if key.option is not None]


def test_the_help_needs_no_torch() -> None:
    code = "import sys, srnet_cli.main; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "srnet_cli.commands.train" in done.stdout.split()
    assert not {"torch", "numpy", "cv2"} & set(done.stdout.split())


def test_the_help_is_in_groups() -> None:
    result = CliRunner().invoke(app, ["train", "--help"], prog_name="srnet", env={"COLUMNS": "120"})
    for panel in ("What to train on", "The network", "Optimiser", "Loss", "Measuring and keeping"):
        assert panel in result.output
    assert "torchrun --nproc-per-node" in result.output


def test_a_network_for_mosaics_is_trained_on_photographs_and_zooms_raw_files(tmp_path: Path) -> None:
    data, run = write_drawings(tmp_path / "photos", count=3), tmp_path / "run"
    network = "--input raw --model srnet_raw --n-feats 8 --n-resblocks 1 --patch-size 8 --batch-size 2"
    options = f"{network} --validate-every 100000 --workers 1 --device cpu --precision fp32".split()
    result = train("--data", data, "-o", run, *options, "--steps", "3")
    assert result.exit_code == 0, result.output
    assert "mosaics simulated (×4)" in result.stderr
    assert f"srnet zoom photo.ARW --model {run}" in result.stderr.replace("\n", " ").replace("  ", " ")
    more = train("-o", run, "--resume", "--steps", "5")
    assert more.exit_code == 0 and "going on after step 3" in more.stderr
    card = load_model(run).card
    assert (card.input_space, card.scale, card.enlarges, card.recipe["trained_steps"]) == ("camera", 8, 4, 5)
    write_dng(tmp_path / "a.dng", sample_scene(48, 64))
    zoomed = ["zoom", tmp_path / "a.dng", "-s", 2, "--model", run, "-o", tmp_path / "out.png"]
    result = CliRunner().invoke(app, list(map(str, zoomed)), prog_name="srnet")
    assert result.exit_code == 0, result.output
    picture = cv2.imread(str(tmp_path / "out.png"))
    assert picture is not None and picture.shape == (96, 128, 3)
    # The same pictures developed are not for it.
    cv2.imwrite(str(tmp_path / "in.png"), drawing(7, 40))
    refused = CliRunner().invoke(app, ["zoom", str(tmp_path / "in.png"), "--model", str(run)])
    assert refused.exit_code == 1


def test_mosaics_are_not_made_by_bicubic_reduction(drawings: Path, tmp_path: Path) -> None:
    options = ("--data", drawings, "-o", tmp_path / "run", "--input", "raw", "--model", "srnet_raw")
    assert "--degradation bicubic makes no mosaic" in error_of(train(*options, "--degradation", "bicubic"))
    sequences = tmp_path / "sequences"
    write_sequence(sequences / "00000", default_shots(0, (100.0, 50.0)), 96, 128, 0)
    both = train(*options, "--data", sequences, "-s", "2")
    assert "camera colours from photographs and finished pictures" in error_of(both)
