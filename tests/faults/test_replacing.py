"""No command replaces what it reads, nor what nobody said it may."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from srnet_cli.errors import OutputError
from srnet_cli.files import refuse_replacing
from srnet_cli.training.options import TrainOptions
from srnet_cli.training.recipe import resolved
from srnet_cli.training.run.folder import RunFolder
from tests.faults.pictures import encoded, scene
from tests.faults.program import PATIENCE, Ended, Program, disk, environment

#: what the folder of a run holds, besides its log and checkpoints
RUN_FILES = ("config.toml", "curves.png", "card.toml", "weights.safetensors", "crisp.safetensors", "best.pt")
RUN_FILES += ("panels/step-00000002.png",)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    lr, hr = tmp_path / "lr.png", tmp_path / "hr.png"
    lr.write_bytes(encoded("PNG", scene(24, 24)))
    hr.write_bytes(encoded("PNG", scene(96, 96)))
    return lr, hr


@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize(
    ("source", "target"),
    [("photo.JPG", "photo.jpg"), ("photo.JPG", "Photo.Jpg"), ("\u00e9t\u00e9.jpg", "E\u0301TE\u0301.jpg")],
)
def test_an_input_is_known_under_a_name_of_other_case(
    srnet: Program, model: Path, tmp_path: Path, source: str, target: str, is_there: bool
) -> None:
    """Where case counts for nothing, both names lead to one device and inode, as a hard link's do."""
    (tmp_path / source).write_bytes(encoded("JPEG", scene(24, 32)))
    if is_there:
        os.link(tmp_path / source, tmp_path / target)
    before = disk(tmp_path)
    ended = srnet(
        *("zoom", tmp_path / source, "-s", "2", "--model", model, "-o", tmp_path / target, "--overwrite")
    )
    assert ended.code == 1
    assert "the result would replace its own input" in ended.err
    assert disk(tmp_path) == before


@pytest.mark.parametrize("kind", ["motivation", "lost"])
@pytest.mark.parametrize("name", ["hr.png", "HR.PNG", "link.png", "hard.png"])
def test_a_figure_never_replaces_a_picture_that_it_is_made_of(
    srnet: Program, pair: tuple[Path, Path], tmp_path: Path, kind: str, name: str
) -> None:
    lr, hr = pair
    (tmp_path / "link.png").symlink_to(hr)
    os.link(hr, tmp_path / "hard.png")
    before = disk(tmp_path)
    ended = srnet("figure", kind, lr, hr, "-o", tmp_path / name, "--overwrite")
    assert ended.code == 1
    assert f"the result would replace {hr}, another input" in ended.err
    assert disk(tmp_path) == before


def test_a_table_never_replaces_the_evaluation_that_it_is_made_of(srnet: Program, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(json.dumps({"sets": []}))
    before = disk(tmp_path)
    ended = srnet("figure", "table", tmp_path, "-o", tmp_path / "results.json", "--overwrite")
    assert ended.code == 1
    assert "the result would replace its own input" in ended.err
    assert disk(tmp_path) == before


@pytest.mark.parametrize("name", ["weights.safetensors", "card.toml"])
@pytest.mark.parametrize("is_link", [True, False])
@pytest.mark.parametrize("by_file", [True, False])
def test_a_zoom_never_replaces_a_file_of_its_model(
    srnet: Program, model: Path, tmp_path: Path, name: str, is_link: bool, by_file: bool
) -> None:
    """A picture's name leads to the file, or is the one that the model's leads to."""
    copy, target = tmp_path / "model", tmp_path / "o.png"
    shutil.copytree(model, copy)
    (tmp_path / "a.png").write_bytes(encoded("PNG", scene(24, 32)))
    if is_link:
        (copy / name).rename(target)
        (copy / name).symlink_to(target)
    else:
        os.link(copy / name, target)
    before = disk(tmp_path)
    given = copy / "weights.safetensors" if by_file else copy
    ended = srnet("zoom", tmp_path / "a.png", "-s", "2", "--model", given, "-o", target, "--overwrite")
    assert ended.code == 1
    assert f"the result would replace {copy / name}, another input" in ended.err
    assert disk(tmp_path) == before


def test_a_zoom_never_replaces_a_model_that_is_one_file(srnet: Program, model: Path, tmp_path: Path) -> None:
    alone, target = tmp_path / "m.safetensors", tmp_path / "a_x2.png"
    shutil.copy(model / "weights.safetensors", target)
    alone.symlink_to(target.name)
    (tmp_path / "a.png").write_bytes(encoded("PNG", scene(24, 32)))
    before = disk(tmp_path)
    ended = srnet("zoom", tmp_path / "a.png", "-s", "2", "--model", alone, "--overwrite")
    assert ended.code == 1
    assert f"the result would replace {alone}, another input" in ended.err
    assert disk(tmp_path) == before


@pytest.mark.parametrize("name", ["weights.safetensors", "card.toml"])
def test_an_evaluation_never_replaces_a_file_of_its_model(
    srnet: Program, model: Path, tmp_path: Path, name: str
) -> None:
    models, output, data = tmp_path / "models", tmp_path / "ev", tmp_path / "data"
    shutil.copytree(model, models / "one")
    output.mkdir()
    data.mkdir()
    (data / "a.png").write_bytes(encoded("PNG", scene(96, 96)))
    (models / "one" / name).rename(output / "report.html")
    (models / "one" / name).symlink_to(output / "report.html")
    before = disk(tmp_path)
    options = ("-s", "2", "--no-lpips", "--device", "cpu", "--panels", "0", "--overwrite")
    ended = srnet("eval", "--data", data, "--model", models, "-o", output, *options)
    assert ended.code == 1
    assert "the result would replace" in ended.err
    assert disk(tmp_path) == before


@pytest.mark.parametrize("name", ["weights.safetensors", "card.toml"])
def test_an_exported_model_never_replaces_its_own_files(
    srnet: Program, model: Path, tmp_path: Path, name: str
) -> None:
    copy = tmp_path / "model"
    shutil.copytree(model, copy)
    before = disk(copy)
    ended = srnet("export", copy, "-o", copy / name, "--overwrite")
    assert ended.code == 1
    assert "the result would replace" in ended.err
    assert disk(copy) == before


def test_the_name_of_a_model_leads_out_of_no_folder(
    srnet: Program, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []
    monkeypatch.setattr(
        "srnet_cli.models.onnx_export.export_apart",
        lambda name, crisp, path, *rest: written.append(path),
    )
    copy = tmp_path / "model"
    shutil.copytree(model, copy)
    card = (copy / "card.toml").read_text(encoding="utf-8").splitlines()
    named = ['name = "../../escaped"' if line.startswith("name = ") else line for line in card]
    (copy / "card.toml").write_text("\n".join(named), encoding="utf-8")
    assert srnet("export", copy).code == 0
    assert written == [Path("_.._escaped.onnx")]


@pytest.mark.parametrize("name", RUN_FILES)
def test_a_run_begins_in_no_folder_of_something_else(srnet: Program, tmp_path: Path, name: str) -> None:
    data, output = tmp_path / "data", tmp_path / "mine"
    for folder in (data, (output / name).parent):
        folder.mkdir(parents=True)
    for number in range(3):
        (data / f"{number}.png").write_bytes(encoded("PNG", scene(96, 96)))
    (output / name).write_bytes(encoded("PNG", scene(40, 40)))
    (output / ".lock").write_text("a note")
    before = disk(output)
    options = ("--model", "srnet_lite", "--scale", "2", "--steps", "1", "--patch-size", "16")
    ended = srnet("train", "--data", data, "-o", output, *options, "--batch-size", "2", "--device", "cpu")
    assert ended.code == 1
    assert "exists already, and a run would replace it" in ended.err
    assert disk(output) == before


#: contents of another program's log: some count steps, too
OTHER_LOGS = {
    "visits": '{"visitor": 1}\n',
    "steps": '{"step": 1, "loss": 0.5}\n{"step": 2, "loss": 0.4}\n',
    "text": "step 1\n",
}


@pytest.mark.parametrize("kind", OTHER_LOGS)
def test_a_run_that_is_begun_again_deletes_no_log_of_something_else(
    srnet: Program, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "log.jsonl").write_text(OTHER_LOGS[kind])
    before = disk(tmp_path)
    ended = _begun_again(srnet, tmp_path)
    assert ended.code == 1
    assert "log.jsonl: exists already" in ended.err
    assert disk(tmp_path) == before


@pytest.mark.parametrize("is_given", [True, False])
def test_a_run_that_is_begun_again_replaces_no_options_of_ones_own(
    srnet: Program, tmp_path: Path, is_given: bool
) -> None:
    config = tmp_path / "config.toml"
    config.write_text('# my recipe\nmodel = "srnet_lite"\nscale = 2\n')
    before = disk(tmp_path)
    ended = _begun_again(srnet, tmp_path, *(("--config", config) if is_given else ()))
    assert ended.code == 1
    assert "config.toml: was edited, and would be replaced" in ended.err
    assert disk(tmp_path) == before


def test_a_run_that_was_killed_at_once_begins_again(srnet: Program, tmp_path: Path) -> None:
    """It has left its options, and perhaps a line of log."""
    options = resolved(TrainOptions(model="srnet_lite", scale=2, data=(tmp_path,)))
    for log in ("", '{"step": 1, "epoch": 0.1, "elapsed": 2.0, "sr": 40.0}\n{"step": 2, "ep'):
        folder = RunFolder(tmp_path / f"run-{len(log)}", print)
        folder.begin(options)
        if log:
            folder.log.write_text(log)
        with folder.reserved(again=options):
            folder.begin(options)
        assert not folder.log.exists()


def _begun_again(srnet: Program, folder: Path, *more: str | Path) -> Ended:
    data = folder.parent / f"{folder.name}-data"
    data.mkdir()
    (data / "a.png").write_bytes(encoded("PNG", scene(96, 96)))
    return srnet("train", "--data", data, "-o", folder, "--resume", "--scale", "2", "--steps", "1", *more)


def test_an_evaluation_never_replaces_the_pictures_that_it_measures_on(
    srnet: Program, tmp_path: Path
) -> None:
    data = tmp_path / "report" / "panels" / "set"
    data.mkdir(parents=True)
    (data / "001-a.png").write_bytes(encoded("PNG", scene(96, 96)))
    before = disk(tmp_path)
    ended = srnet(
        *("eval", "--data", data, "--scale", "2", "--model", "bicubic", "--no-lpips", "--device", "cpu"),
        *("--no-feature-distance", "-o", tmp_path / "report", "--overwrite"),
    )
    assert ended.code == 1
    assert "the result would replace its own input" in ended.err
    assert disk(tmp_path) == before


def test_places_of_a_file_are_compared_with_those_that_are_read(tmp_path: Path) -> None:
    source = tmp_path / "a.png"
    source.write_bytes(b"")
    refuse_replacing([source], [tmp_path / "b.png"])
    refuse_replacing([], [source])
    with pytest.raises(OutputError, match="would replace its own input"):
        refuse_replacing([source], [tmp_path / "b.png", tmp_path / "sub" / ".." / "A.PNG"])


@pytest.mark.parametrize(
    ("link", "command"),
    [
        ("link.png", "- -o {a} < {a}"),
        ("link.png", "- -o {link} < {a}"),
        ("link.png", "{a} -o - >> {a}"),
        ("link.png", "- -o - < {a} 1<> {a}"),
        ("link.txt", "{folder} -o - 1<> {a}"),
        ("stdin_x2.png", "- -o {folder}/ < {a}"),
        ("o_residual.png", "- -o {folder}/o.png --heatmap < {a}"),
        ("o_entropy.png", "- -o {folder}/o.png --heatmap < {a}"),
        ("o_compare.html", "- -o {folder}/o.png --compare < {a}"),
    ],
)
def test_a_stream_never_replaces_the_file_that_it_is_read_from(
    tmp_path: Path, model: Path, link: str, command: str
) -> None:
    """Wherever it lies: as the result, by another name, in a folder, among what goes with the result."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    ours = folder / "ours.png"
    ours.write_bytes(encoded("PNG", scene(24, 24)))
    (folder / link).hardlink_to(ours)
    before = ours.read_bytes()
    usual = (
        f"{sys.executable} -m srnet_cli zoom --scale 2 --model {model} --format png --overwrite --device cpu "
    )
    line = usual + command.format(a=ours, link=folder / link, folder=folder)
    ended = subprocess.run(
        ["bash", "-c", line], env=environment(), capture_output=True, text=True, timeout=PATIENCE
    )
    assert ended.returncode == 1 and "would replace its own input" in ended.stderr
    assert ours.read_bytes() == before
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("more", ["", "--json", "--dry-run", "--dry-run --json"])
def test_what_comes_in_is_called_standard_input(tmp_path: Path, more: str) -> None:
    line = f"head -c 999 /dev/urandom | {sys.executable} -m srnet_cli zoom - -o {tmp_path}/b.png {more}"
    ended = subprocess.run(
        ["bash", "-c", line], env=environment(), capture_output=True, text=True, timeout=PATIENCE
    )
    said = "-\n  cannot be done" if more == "--dry-run" else "standard input"
    assert ended.returncode == 1 and said in ended.stderr + ended.stdout
    assert "srnet-" not in ended.stderr + ended.stdout


def test_a_stream_replaces_another_file(tmp_path: Path, model: Path) -> None:
    picture, other = tmp_path / "picture.png", tmp_path / "other.png"
    picture.write_bytes(encoded("PNG", scene(24, 24)))
    other.write_bytes(b"old")
    zoom = f"{sys.executable} -m srnet_cli zoom - --scale 2 --model {model} --format png --overwrite"
    line = f"{zoom} -o {other} < {picture} && {zoom} -o - < {picture} > {tmp_path}/b"
    ended = subprocess.run(
        ["bash", "-c", line], env=environment(), capture_output=True, text=True, timeout=PATIENCE
    )
    assert ended.returncode == 0, ended.stderr
    assert other.read_bytes() == (tmp_path / "b").read_bytes()
