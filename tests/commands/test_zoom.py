"""``srnet zoom`` as a photographer meets it in the first hour."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from srnet_cli.imaging import Picture, read_picture, write_picture
from srnet_cli.models.store import save_model
from tests.faults.models import tiny
from tests.faults.program import Program, environment


@pytest.fixture
def srnet(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Program:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Program(capfd)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    save_model(folder, *tiny(2))
    return folder


def draw(path: Path, height: int = 24, width: int = 36, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    write_picture(Picture(pixels), path)
    return path


def size_of(path: Path) -> tuple[int, int]:
    picture = read_picture(path)
    return picture.width, picture.height


def test_a_dry_run_lists_files_sizes_models_time_and_disk(
    srnet: Program, model: Path, tmp_path: Path
) -> None:
    files = [draw(tmp_path / name) for name in ("a.png", "b.jpg")]
    ended = srnet("zoom", *files, tmp_path / "none.png", "--width", "50", "--model", model, "--dry-run")
    assert ended.code == 1
    lines = ended.out.splitlines()
    assert lines[0] == f"{files[0]} → {tmp_path / 'a_w50.png'}"
    assert "36×24 → 50×33 (×1.389)" in lines[1] and lines[1].endswith("kB")
    assert "cannot be done: there is no such file" in lines[5]
    assert lines[-2].startswith("2 pictures, 0.0 megapixels: about ")
    assert "by what is in the pictures" in lines[-1] and "free" in lines[-1]
    assert sorted(path.name for path in tmp_path.glob("*.*")) == ["a.png", "b.jpg"]
    document = json.loads(srnet("zoom", *files, "--model", model, "-s", "2", "--dry-run", "--json").out)
    assert [each["result_width"] for each in document["planned"]] == [72, 72]
    assert document["seconds"] >= 0 and document["bytes"] > 0


def test_sizes(srnet: Program, model: Path, tmp_path: Path) -> None:
    file = draw(tmp_path / "a.jpg")
    assert srnet("zoom", file, "--print", "3x2in@24dpi", "--model", model).code == 0
    printed = tmp_path / "a_3x2in@24dpi.jpg"
    assert size_of(printed) == (72, 48)
    from PIL import Image

    with Image.open(printed) as image:
        assert image.info["dpi"] == (24, 24)
    both = srnet("zoom", file, "-s", "2", "--width", "50", "--model", model)
    assert both.code == 2 and "--scale and --width or --height" in both.err
    smaller = srnet("zoom", file, "--width", "20", "--model", model)
    assert smaller.code == 1 and "nothing to enlarge" in smaller.err


def test_a_preview_and_a_page(srnet: Program, model: Path, tmp_path: Path) -> None:
    file = draw(tmp_path / "a.jpg")
    ended = srnet("zoom", file, "--preview", "--box", "2,2,20,10", "-s", "2", "--model", model)
    assert ended.code == 0 and "a_x2_crop-2-2-20-10_preview.png" in ended.err
    assert size_of(tmp_path / "a_x2_crop-2-2-20-10_preview.png") == (88, 54)
    ended = srnet("zoom", file, "--compare", "-s", "2", "--model", model, "--json")
    (result,) = json.loads(ended.out)["results"]
    assert result["comparison"] == str(tmp_path / "a_x2_compare.html")
    assert "a_x2_compare.html" in ended.err
    assert (tmp_path / "a_x2_compare.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    again = srnet("zoom", file, "--compare", "-s", "2", "--model", model, "--skip-existing")
    assert "nothing to do" in again.err
    # All of it is known for what it is.
    ended = srnet("zoom", tmp_path, "-s", "2", "--model", model, "-o", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a_x2.jpg"]


def test_names_of_ones_own(srnet: Program, model: Path, tmp_path: Path) -> None:
    draw(tmp_path / "in" / "a.png"), draw(tmp_path / "in" / "a.jpg"), draw(tmp_path / "in" / "b.png")
    command = ("zoom", tmp_path / "in", "-s", "2", "--model", model, "--name")
    assert srnet(*command, "{folder}-{number:02}-{stem}_{scale}x").code == 0
    # Pictures whose results do not collide keep their names.
    made = {"in-01-a_2x.jpg", "in-02-a_2x.png", "in-03-b_2x.png"}
    assert made <= {path.name for path in (tmp_path / "in").iterdir()}
    again = srnet(*command, "{folder}-{number:02}-{stem}_{scale}x", "--skip-existing")
    assert again.code == 0 and "nothing to do: 3 of 3" in again.err


@pytest.mark.parametrize(
    "pattern",
    [
        "large",
        "{stem",
        "{where}",
        "{0}",
        "{stem}/x",
        "{stem.__class__}",
        "{stem!r}",
        "{number:999999}",
        ".{stem}",
    ],
)
def test_names_that_are_none(srnet: Program, tmp_path: Path, pattern: str) -> None:
    ended = srnet("zoom", draw(tmp_path / "a.png"), "--name", pattern)
    assert ended.code == 2 and "--name" in ended.err


def test_the_scale_has_no_place_in_a_name_where_a_size_is_asked(srnet: Program, tmp_path: Path) -> None:
    ended = srnet("zoom", draw(tmp_path / "a.png"), "--name", "{stem}_{scale}", "--width", "90")
    assert ended.code == 2 and "{tag}" in ended.err


def test_from_stdin_to_stdout(model: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "srnet_cli", "zoom", "-", "-s", "2", "--model", str(model), "-o"]
    sent = draw(tmp_path / "a.png").read_bytes()
    ended = subprocess.run(
        [*command, "-", "--format", "webp"], input=sent, capture_output=True, env=environment()
    )
    assert ended.returncode == 0 and ended.stderr == b"", ended.stderr
    from PIL import Image

    with Image.open(io.BytesIO(ended.stdout)) as image:
        assert (image.format, image.size) == ("WEBP", (72, 48))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["-"], "has no place for its result"),
        (["-", "a.png", "-o", "-"], "cannot be among others"),
        (["a.png", "-o", "-", "--json"], "both need standard output"),
    ],
)
def test_streams_that_cannot_be(srnet: Program, arguments: list[str], reason: str) -> None:
    ended = srnet("zoom", *arguments)
    assert ended.code == 2 and reason in ended.err


@pytest.mark.parametrize(
    ("pictures", "more"),
    [("ab", []), ("a", ["--heatmap"]), ("a", ["--compare"]), ("ab", ["--dry-run"])],
)
def test_stdout_has_room_for_one(
    srnet: Program, model: Path, tmp_path: Path, pictures: str, more: list[str]
) -> None:
    """Refused before the work: what else was made would be lost."""
    for stem in pictures:
        draw(tmp_path / "in" / f"{stem}.png")
    ended = srnet("zoom", tmp_path / "in", "-s", "2", "--model", model, "-o", "-", *more)
    assert ended.code == 2 and "has room for one picture" in ended.err and not ended.out


def test_a_closed_stdout_is_named(model: Path, tmp_path: Path) -> None:
    command = f"{sys.executable} -m srnet_cli zoom {draw(tmp_path / 'a.png')} -s 2 --model {model} -o - >&-"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=environment())
    assert ended.returncode == 1 and "error standard output is closed" in ended.stderr


def test_a_name_that_begins_with_a_dash(
    srnet: Program, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(tmp_path / "-dash.png")
    monkeypatch.chdir(tmp_path)
    assert srnet("zoom", "-dash.png", "-s", "2", "--model", model).code == 0
    assert (tmp_path / "-dash_x2.png").exists()


def test_patterns_are_expanded_where_no_shell_did(srnet: Program, model: Path, tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "c.jpg", "[d].png"):
        draw(tmp_path / name)
    (tmp_path / "Thumbs.db").touch(), (tmp_path / "._a.png").touch(), (tmp_path / ".DS_Store").touch()
    for _ in range(2):  # results of the first time are no input of the second
        ended = srnet(
            "zoom", tmp_path / "[ab]*", tmp_path / "[d].png", "-s", "2", "--model", model, "--overwrite"
        )
        assert ended.code == 0, ended.err
    names = {path.name for path in tmp_path.glob("*_x2*")}
    assert names == {"a_x2.png", "b_x2.png", "[d]_x2.png"}
    # A shell expands * to all of it.
    everything = [path for path in tmp_path.iterdir() if path.is_file() and not path.name.endswith("_x2.png")]
    assert srnet("zoom", *everything, "-s", "2", "--model", model, "--overwrite").code == 0
    assert srnet("zoom", tmp_path / "none*.png").code == 1


def test_a_table_after_a_batch(srnet: Program, model: Path, tmp_path: Path) -> None:
    files = [draw(tmp_path / f"{name}.png") for name in ("a" * 50, "b")]
    ended = srnet("zoom", *files, tmp_path / "none.png", "-s", "2", "--model", model)
    assert ended.code == 1
    lines = ended.err.splitlines()
    assert lines[-1].startswith("2 pictures written, 1 failed in ")
    (start,) = (number for number, line in enumerate(lines) if line.startswith("picture "))
    assert len(lines) - start > 5 and all(len(line) <= 80 for line in lines[start:])
