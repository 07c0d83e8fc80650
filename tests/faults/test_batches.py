"""Batches: nothing is lost, replaced or done twice, and one bad argument costs itself only."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from srnet_cli.residuals import batch as residual_batch
from srnet_cli.residuals.comparison import compare
from tests.faults.pictures import encoded, encoded_dng, scene
from tests.faults.program import Program, disk, environment, finish, start


def put(path: Path, kind: str = "PNG", height: int = 10, width: int = 12) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(kind, scene(height, width)))
    return path


def test_every_input_has_a_result_of_its_own(srnet: Program, model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    sizes = {"a.png": 10, "a.jpg": 12, "a_png.png": 14, "sub/a.png": 16}
    for name, height in sizes.items():
        put(folder / name, "JPEG" if name.endswith("jpg") else "PNG", height)
    arguments = ("zoom", *(folder / name for name in sizes), "-s", "2", "--model", model)
    ended = srnet(*arguments, "--format", "png", "-o", tmp_path / "out", "--json")
    assert ended.code == 0, ended.err
    for result in json.loads(ended.out)["results"]:
        height = sizes[str(Path(result["source"]).relative_to(folder))]
        assert Image.open(result["target"]).size == (24, 2 * height)
    before = disk(tmp_path / "out")
    assert len(before) == len(sizes)
    backwards = ("zoom", *(folder / name for name in reversed(sizes)), "-s", "2", "--model", model)
    ended = srnet(*backwards, "--format", "png", "-o", tmp_path / "out", "--skip-existing")
    assert "nothing to do: 4 of 4" in ended.err
    assert disk(tmp_path / "out") == before


def test_heatmaps_of_a_raw_file_and_its_jpeg_do_not_meet(srnet: Program, model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.dng").write_bytes(encoded_dng())
    put(tmp_path / "a.jpg", "JPEG")
    ended = srnet("zoom", tmp_path, "-s", "2", "--model", model, "--heatmap", "-o", tmp_path / "out")
    assert ended.code == 0, ended.err
    kinds = ("residual.png", "entropy.png")
    expected = {f"a_{suffix}_x2_{kind}" for suffix in ("dng", "jpg") for kind in kinds}
    assert set(disk(tmp_path / "out")) == {"a_dng_x2.tif", "a_jpg_x2.jpg", *expected}


def test_frames_and_crops_are_told_apart(srnet: Program, model: Path, tmp_path: Path) -> None:
    source = put(tmp_path / "a.png")
    expected = {"a.png"}
    for options, name in (
        ([], "a_x2.png"),
        (["--frame", "camera"], "a_x2_camera.png"),
        (["--crop", "1,2,5,4"], "a_x2_crop-1-2-5-4.png"),
        (["--crop", "1,2,5,3"], "a_x2_crop-1-2-5-3.png"),
    ):
        ended = srnet("zoom", source, "-s", "2", "--model", model, "--skip-existing", *options)
        assert ended.code == 0
        assert "exist" not in ended.err
        expected.add(name)
        assert set(disk(tmp_path)) == expected


@pytest.mark.parametrize(
    ("name", "suffix"),
    [("png", "png"), ("tiff", "tif"), ("jpeg", "jpg"), ("webp", "webp"), ("avif", "avif"), ("jxl", "jxl")],
)
def test_a_folder_zoomed_in_place_again_does_not_take_its_results(
    srnet: Program, model: Path, tmp_path: Path, name: str, suffix: str
) -> None:
    put(tmp_path / "a.png", height=30, width=30)
    arguments = ("zoom", tmp_path, "--model", model, "--format", name)
    assert srnet(*arguments, "-s", "2", "--heatmap").code == 0
    ended = srnet(*arguments, "-s", "1.5", "--heatmap")
    assert ended.code == 0
    (note,) = [line for line in ended.err.splitlines() if "made by srnet" in line]
    assert "and 2 more" in note
    results = {f"a_x{scale}.{suffix}" for scale in ("2", "1.5")}
    maps = {f"a_x{scale}_{kind}.png" for scale in ("2", "1.5") for kind in ("residual", "entropy")}
    assert set(disk(tmp_path)) == {"a.png"} | results | maps
    # Named itself, a result is a picture like any other.
    assert srnet(*arguments[:1], tmp_path / f"a_x2.{suffix}", *arguments[2:], "-s", "2").code == 0
    assert (tmp_path / f"a_x2_x2.{suffix}").exists()


def test_residuals_never_replace_what_they_compare(srnet: Program, tmp_path: Path) -> None:
    lr, hr = put(tmp_path / "lr.png"), put(tmp_path / "f" / "lr_residual.png", height=20, width=24)
    before = disk(tmp_path)
    ended = srnet("residual", lr, hr, "-o", tmp_path / "f", "--overwrite")
    assert ended.code == 1
    assert ended.errors == [
        f"error {lr}: the result would replace {hr}, another input  → name another output"
    ]
    assert disk(tmp_path) == before
    # Another pair's picture, too.
    for folder in ("L", "H"):
        put(tmp_path / folder / "a.png")
        put(tmp_path / folder / "a_heatmap.png")
    ended = srnet(
        "residual", tmp_path / "L", tmp_path / "H", "-o", tmp_path / "H", "--heatmap", "--overwrite"
    )
    assert ended.code == 1
    assert f"{tmp_path / 'H' / 'a_heatmap.png'}, another input" in ended.err
    assert {name: digest for name, digest in disk(tmp_path).items() if name in before} == before


def test_an_input_that_is_named_like_an_unfinished_result_stays(
    srnet: Program, model: Path, tmp_path: Path
) -> None:
    host = re.sub(r"[^0-9A-Za-z]", "_", socket.gethostname())[:40]
    source = put(tmp_path / f".p.png.srnet-{host}-999999-0.tmp.png")
    other = put(tmp_path / "b.png")
    before = disk(tmp_path)
    for command in (("zoom", source, other, "--model", model), ("residual", other, source)):
        ended = srnet(*command, "-o", tmp_path / command[0] / "new/")
        assert ended.code == 0, ended.err
    assert {name: digest for name, digest in disk(tmp_path).items() if name in before} == before


def test_one_bad_argument_costs_itself_only(srnet: Program, model: Path, tmp_path: Path) -> None:
    good = put(tmp_path / "good.png")
    (tmp_path / "link.png").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe.png")
    bad = {
        tmp_path / ("x" * 300 + ".png"): "cannot be read: file name too long",
        tmp_path / "link.png": "is a link to nothing",
        tmp_path / "pipe.png": "is neither a file nor a folder",
        good / "below.png": "cannot be read: not a directory",
    }
    ended = srnet("zoom", *bad, good, "-s", "2", "--model", model)
    assert ended.code == 1
    assert ended.errors == [f"error {path}: {reason}" for path, reason in bad.items()]
    assert (tmp_path / "good_x2.png").exists()


def test_links_to_nothing_in_a_folder_are_named(srnet: Program, model: Path, tmp_path: Path) -> None:
    put(tmp_path / "a.png")
    (tmp_path / "gone.png").symlink_to("nowhere")
    (tmp_path / "notes.txt").symlink_to("nowhere")
    ended = srnet("zoom", tmp_path, "-s", "2", "--model", model, "-o", tmp_path / "out")
    assert ended.code == 1
    assert ended.errors == [f"error {tmp_path / 'gone.png'}: is a link to nothing"]
    assert set(disk(tmp_path / "out")) == {"a_x2.png"}


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="there is no setpriv command here")
def test_closed_files_and_folders_are_named(model: Path, tmp_path: Path) -> None:
    put(tmp_path / "t/a.png")
    put(tmp_path / "t/s/b.png")
    put(tmp_path / "k/c.png")
    put(tmp_path / "bad.png")
    closed = [tmp_path / name for name in ("t/s", "bad.png", "k")]
    arguments = (
        "zoom",
        "t",
        "bad.png",
        "k/c.png",
        "k",
        "--recursive",
        "-s",
        "2",
        "-o",
        "out",
        "--model",
        model,
    )
    dropped = [f"--{kind}=-dac_override,-dac_read_search" for kind in ("bounding-set", "inh-caps")]
    command = ["setpriv", *dropped, sys.executable, "-m", "srnet_cli", *map(str, arguments)]
    for path in closed:
        path.chmod(0)
    try:
        ran = subprocess.run(
            command, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=120
        )
    finally:
        for path in closed:
            path.chmod(0o755)
    if ran.stderr.startswith("setpriv: "):
        pytest.skip(ran.stderr)
    assert ran.returncode == 1, ran.stderr
    for name in ("t/s", "bad.png", "k/c.png", "k"):
        assert f"error {name}: cannot be read: permission denied" in ran.stderr.lower()
    assert set(disk(tmp_path / "out")) == {"a_x2.png"}


def test_a_folder_with_the_name_of_a_result(srnet: Program, model: Path, tmp_path: Path) -> None:
    source = put(tmp_path / "a.png", height=30, width=30)
    for kind, options in (("a_x2.png", []), ("a_x2_entropy.png", ["--heatmap"])):
        (tmp_path / kind).mkdir()
        for more in ([], ["--skip-existing"], ["--overwrite"]):
            ended = srnet("zoom", source, "-s", "2", "--model", model, *options, *more)
            assert ended.code == 1
            assert ended.errors == [
                f"error {tmp_path / kind}: is a folder, not a file  → name another output"
            ]
        (tmp_path / kind).rmdir()
    (tmp_path / "out/a_enhanced.png").mkdir(parents=True)
    ended = srnet("residual", source, source, "-o", tmp_path / "out", "--overwrite")
    assert ended.code == 1
    assert "a_enhanced.png: is a folder, not a file" in ended.err


@pytest.mark.parametrize("name", ["a_x2.png", "a_x2_entropy.png"])
def test_a_pipe_with_the_name_of_a_result_is_named_before_the_work(
    srnet: Program, model: Path, tmp_path: Path, name: str
) -> None:
    source = put(tmp_path / "a.png", height=30, width=30)
    os.mkfifo(tmp_path / name)
    ended = srnet("zoom", source, "-s", "2", "--model", model, "--heatmap", "--overwrite")
    assert ended.code == 1
    assert f"{name}: is a device or a pipe, which is never replaced" in ended.err
    assert {path.name for path in tmp_path.iterdir()} == {"a.png", name}


def test_residuals_replace_only_results_in_folders_that_are_compared(srnet: Program, tmp_path: Path) -> None:
    for folder in ("L", "H"):
        put(tmp_path / folder / "a.png")
    command = ("residual", tmp_path / "L", tmp_path / "H", "-o", tmp_path / "H", "--overwrite")
    assert srnet(*command).code == 0
    assert srnet(*command).code == 0
    own = put(tmp_path / "H" / "a_enhanced.png")
    before = disk(tmp_path)
    ended = srnet(*command)
    assert ended.code == 1 and f"{own}: is beside what is compared" in ended.err
    assert disk(tmp_path) == before


def test_a_crash_in_one_pair_does_not_end_the_others(
    srnet: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for folder in ("L", "H"):
        for name in ("a.png", "z.png"):
            put(tmp_path / folder / name)
    (tmp_path / "L/gone.png").symlink_to("nowhere")
    calls = []

    def buggy(*arguments: object) -> object:
        calls.append(arguments)
        if len(calls) == 1:
            raise ZeroDivisionError("division by zero")
        return compare(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(residual_batch, "compare", buggy)
    from srnet_cli import main

    arguments = ["residual", str(tmp_path / "L"), str(tmp_path / "H"), "-o", str(tmp_path / "out")]
    assert main._run(arguments, debug=False) == 1
    err = capfd.readouterr().err
    assert f"error {tmp_path / 'L/a.png'}: unexpected ZeroDivisionError: division by zero" in err
    assert f"error {tmp_path / 'L/gone.png'}: is a link to nothing" in err
    assert set(disk(tmp_path / "out")) == {"z_residual.png", "z_enhanced.png"}


@pytest.mark.parametrize("name", ["a:bomb:.png", "b[x].png", "c[bold].png", "d\\\\[bold].png", "e\\.png"])
def test_names_are_shown_as_they_are(srnet: Program, model: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"no picture")
    ended = srnet("zoom", tmp_path / name, "-s", "2", "--model", model)
    assert ended.errors[0].startswith(f"error {tmp_path}/{name}: is not a picture")
    put(tmp_path / name)
    assert (
        f"{Path(name).stem}_x2.png  24×20" in srnet("zoom", tmp_path / name, "-s", "2", "--model", model).err
    )


@pytest.mark.parametrize("encoding", ["utf-8:strict", "ascii:strict", "utf-8:surrogateescape"])
def test_json_is_valid_whatever_the_name(model: Path, tmp_path: Path, encoding: str) -> None:
    names = [os.fsdecode(b"caf\xe9.png"), "写真.png"]
    for name in names:
        put(tmp_path / name)
    process = start(
        *("zoom", *names, "-s", "2", "--model", model, "--json"),
        folder=tmp_path,
        env=environment({"PYTHONIOENCODING": encoding, "PYTHONUTF8": "1"}),
    )
    ended = finish(process)
    assert ended.code == 0, ended.err
    assert [result["source"] for result in json.loads(ended.out)["results"]] == names
