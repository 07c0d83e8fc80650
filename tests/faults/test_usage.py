"""Command lines that ask for what cannot be: refused in one line, before anything is made."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import tifffile

from tests.faults.pictures import encoded, encoded_tiff, scene
from tests.faults.program import Ended, Program, disk, finish, start


@pytest.fixture
def picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``a.png`` in an empty current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(encoded("PNG"))
    return Path("a.png")


def refused(ended: Ended, code: int = 2) -> str:
    """The one line that names the failure, where nothing else happened."""
    assert ended.code == code, ended
    assert ended.out == ""
    (line,) = ended.err.splitlines()
    assert line.startswith("error ")
    assert everything() == ["a.png"]
    return line


def everything() -> list[str]:
    return sorted(str(path) for path in Path().rglob("*"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("zoom", ""),
        ("zoom", "a.png", "-o", ""),
        ("zoom", "a.png", "--output="),
        ("zoom", "--", ""),
        ("residual", "", "a.png"),
        ("residual", "a.png", "a.png", "-o", ""),
        ("eval", "--data", ""),
        ("eval", "--data", "a.png", "-o", ""),
        ("train", "--data", ""),
        ("train", "--data", "a.png", "--output", ""),
    ],
)
def test_an_empty_argument_is_not_the_current_folder(
    srnet: Program, picture: Path, arguments: tuple[str, ...]
) -> None:
    assert "is empty" in refused(srnet(*arguments))


def test_an_empty_path_in_a_configuration(srnet: Program, picture: Path, tmp_path: Path) -> None:
    config = tmp_path.with_suffix(".toml")
    config.write_text('data = ""\n')
    assert "data is a path, not ''" in refused(srnet("train", "--config", config))


@pytest.mark.parametrize("name", ["out.jgp", "out.gif", "out.bmp", "out.2024", "out.tif2"])
def test_a_file_that_cannot_be_written_is_no_folder(
    srnet: Program, model: Path, picture: Path, name: str
) -> None:
    line = refused(srnet("zoom", picture, "-s", "2", "--model", model, "-o", name))
    assert f"{Path(name).suffix} is not a format that can be written" in line
    assert ".png, .tif, .jpg, .webp, .avif, .jxl or .dng" in line


@pytest.mark.parametrize(
    ("name", "is_folder"), [("2024.05", True), ("St. Moritz", True), ("out.jgp", False), ("out.gif", False)]
)
def test_the_output_of_a_folder(
    srnet: Program, model: Path, picture: Path, name: str, is_folder: bool
) -> None:
    ended = srnet("zoom", ".", "-s", "2", "--model", model, "-o", name)
    if not is_folder:
        assert "the name of a folder ends in /" in refused(ended)
        return
    assert ended.code == 0
    assert everything() == [name, f"{name}/a_x2.png", "a.png"]


@pytest.mark.parametrize("name", ["out.gif/", "plain", "there.jpg"])
def test_the_output_is_a_folder(srnet: Program, model: Path, picture: Path, name: str) -> None:
    if name == "there.jpg":
        Path(name).mkdir()
    assert srnet("zoom", picture, "-s", "2", "--model", model, "-o", name).code == 0
    assert Path(name, "a_x2.png").is_file()


def test_format_and_name_contradict_each_other(srnet: Program, model: Path, picture: Path) -> None:
    arguments = ("zoom", picture, "-s", "2", "--model", model, "--format", "png")
    assert "zz.jpg contradicts --format png" in refused(srnet(*arguments, "-o", "zz.jpg"))
    assert srnet(*arguments, "-o", "zz.PNG").code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--device tpu", "there is no kind of device called 'tpu'"),
        ("--device meta", "there is no kind of device called 'meta'"),
        ("--precision fp8", "--precision: there is none called 'fp8'"),
        ("--crop 0,0,8,8 --frame camera", "--crop and --frame camera exclude each other"),
        ("--crop 0,0,8,0", "W and H at 1"),
        ("--bit-depth 16 --format jpeg", ".jpg is written with 8 bits"),
        ("--bit-depth 16 -o b.webp", ".webp is written with 8 bits"),
        ("--frame x", "'x' is not one of"),
        ("--scale x", "--scale"),
        ("--nosuch", "no such option: --nosuch"),
    ],
)
def test_options_that_do_not_exist_or_go_together(
    srnet: Program, model: Path, picture: Path, arguments: str, message: str
) -> None:
    line = refused(srnet("zoom", picture, "-s", "2", "--model", model, *arguments.split()))
    assert message in line
    assert "a.png" not in line
    assert "alue error" not in line


@pytest.mark.parametrize("option", ["--device", "--precision"])
def test_devices_of_eval(srnet: Program, model: Path, picture: Path, option: str) -> None:
    ended = srnet("eval", "--data", picture, "--no-lpips", "--model", model, option, "nosuch")
    assert "'nosuch'" in refused(ended)


def test_what_the_parser_refuses_names_the_help(srnet: Program, picture: Path) -> None:
    assert "srnet zoom --help" in refused(srnet("zoom"))
    assert "no such command 'zom'" in refused(srnet("zom"))


def test_a_model_that_is_not_there_is_said_once(srnet: Program, picture: Path) -> None:
    line = refused(srnet("zoom", picture, "b.png", "--model", "nosuch"), code=1)
    assert "no released model and no file of that name" in line


def test_fast_beside_a_named_model(srnet: Program, model: Path, picture: Path) -> None:
    ended = srnet("zoom", picture, "-s", "2", "--model", model, "--fast")
    assert ended.code == 2 and "--fast lets auto choose" in ended.err


def test_no_light_model(srnet: Program, picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("srnet_cli.models.released.released_models", lambda: ())
    line = refused(srnet("zoom", picture, "a.png", "--fast"), code=1)
    assert "no light model is installed" in line
    assert "a.png" not in line


def test_missing_heatmaps_are_made_beside_an_existing_result(
    srnet: Program, model: Path, picture: Path
) -> None:
    arguments = ("zoom", picture, "-s", "2", "--model", model, "--skip-existing")
    assert srnet(*arguments).code == 0
    before = disk(Path())
    assert srnet(*arguments, "--heatmap").code == 0
    whole = disk(Path())
    assert set(whole) - set(before) == {"a_x2_residual.png", "a_x2_entropy.png"}
    Path("a_x2_entropy.png").unlink()
    assert srnet(*arguments, "--heatmap").code == 0
    assert disk(Path()) == whole
    ended = srnet(*arguments, "--heatmap")
    assert "nothing to do: 1 of 1 left out, the results exist" in ended.err

    assert srnet("zoom", picture, "-s", "2", "--model", model, "--heatmap", "-o", "b.png").code == 0
    for kind in ("residual", "entropy"):
        assert Path(f"b_{kind}.png").read_bytes() == Path(f"a_x2_{kind}.png").read_bytes()


def test_a_result_that_was_not_made_has_no_size(srnet: Program, model: Path, picture: Path) -> None:
    ended = srnet("zoom", picture, "nowhere.png", "-s", "2", "--model", model, "--json")
    sizes = [(r["width"], r["height"]) for r in json.loads(ended.out)["results"]]
    assert sizes == [(72, 48), (None, None)]


def test_options_of_raw_without_raw(srnet: Program, model: Path, picture: Path) -> None:
    arguments = ("zoom", picture, "-s", "2", "--model", model, "--overwrite")
    ended = srnet(*arguments, "--white-balance", "auto", "--exposure", "1")
    assert ended.code == 0
    assert "no picture here is RAW, so --white-balance, --exposure changes nothing" in ended.err
    assert "note" not in srnet(*arguments).err


def test_a_failed_zoom_leaves_no_folder(srnet: Program, model: Path, picture: Path) -> None:
    Path("broken.png").write_bytes(encoded("PNG", scene(100, 100))[:-800])
    ended = srnet("zoom", "broken.png", "-s", "2", "--model", model, "-o", "new/er/")
    assert ended.code == 1
    ended = srnet("zoom", picture, "-s", "2", "--model", model, "-o", "new/er/", "--crop", "0,0,900,900")
    assert ended.code == 1
    assert everything() == ["a.png", "broken.png"]


def test_a_jpeg_with_the_name_of_a_raw_file(srnet: Program, model: Path, picture: Path) -> None:
    Path("photo.ARW").write_bytes(encoded("JPEG"))
    ended = srnet("zoom", "photo.ARW", "-s", "2", "--model", model)
    assert ended.code == 1
    assert "photo.ARW: is a JPEG picture, not RAW as its name says" in ended.err


@pytest.mark.parametrize(
    ("description", "stays"),
    [
        ('{"shape": [24, 36, 3]}', False),
        ("shape=(24, 36, 3)", False),
        ("ImageJ=1.53k\nimages=1\n", False),
        ('<?xml version="1.0"?><OME xmlns="x"><Pixels SizeX="36"/></OME>', False),
        ("A view of the bay", True),
        ('{"title": "bay"}', True),
    ],
)
def test_a_description_of_the_old_size_is_not_carried_over(
    srnet: Program, model: Path, picture: Path, description: str, stays: bool
) -> None:
    content = encoded_tiff(scene(), description=description.encode(), metadata=None, photometric="rgb")
    Path("b.tif").write_bytes(content)
    assert srnet("zoom", "b.tif", "-s", "2", "--model", model).code == 0
    with tifffile.TiffFile("b_x2.tif") as written:
        assert written.pages[0].tags.get(270) is not None if stays else 270 not in written.pages[0].tags


@pytest.mark.skipif(sys.platform != "linux", reason="places that Linux has")
def test_places_that_cannot_be_written(srnet: Program, model: Path, picture: Path) -> None:
    zoom = ("zoom", picture, "-s", "2", "--model", model, "-o")
    assert "/proc/x.png: cannot be written: no such file" in refused(srnet(*zoom, "/proc/x.png"), code=1)
    assert "something of that name is not a folder" in refused(srnet(*zoom, "/dev/null"), code=1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("arguments", ["zoom a.png -s 2 --json --model {}", "--help", "zoom --help"])
def test_standard_output_is_full(model: Path, picture: Path, arguments: str) -> None:
    with Path("/dev/full").open("w") as full:
        ended = finish(start(*arguments.format(model).split(), folder=Path.cwd(), stdout=full))
    assert ended.code == 1
    assert "error standard output cannot be written: no space left on device" in ended.err.splitlines()
    assert "a bug" not in ended.err and "Exception ignored" not in ended.err


@pytest.mark.parametrize("number", ["1_0", "\uff12", "\u0662"])
@pytest.mark.parametrize(
    "option", ["-s", "--max-pixels", "--width", "--crisp", "--crop", "--white-balance", "--print", "--tile"]
)
def test_what_only_python_takes_for_a_number(srnet: Program, picture: Path, option: str, number: str) -> None:
    """An underscore is a slip for a point, and digits of other scripts are what no help of ours shows."""
    values = {
        "--crop": f"0,0,{number},8",
        "--white-balance": f"1,{number},1,1",
        "--print": f"{number}x9cm@300dpi",
    }
    line = refused(srnet("zoom", picture, option, values.get(option, number)))
    assert number in line and option in line


def test_the_page_needs_no_home(srnet: Program, picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("nicegui", reason="needs the extra 'ui'")
    monkeypatch.setenv("NICEGUI_STORAGE_PATH", "")
    monkeypatch.setattr("srnet_cli.compute.measurements.user_cache", lambda: None)
    monkeypatch.setattr("srnet_cli.commands.ui._is_free", lambda port: False)
    assert "is taken" in refused(srnet("ui"), code=1)


def test_no_command_rewrites_the_start_up_file_of_a_shell(srnet: Program, picture: Path) -> None:
    assert "no such option: --install-completion" in refused(srnet("--install-completion"))
    assert "--show-completion" in srnet("--help").out
