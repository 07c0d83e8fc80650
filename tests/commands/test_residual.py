"""``srnet residual`` from the command line to the files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner, Result

from srnet_cli.errors import InputError, SrnetError, UsageError
from srnet_cli.imaging.resize import resize
from srnet_cli.main import app
from tests.scenes import default_shots, write_sequence

DRAWN = {"heatmap", "entropy", "histogram", "overview"}


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["residual", *map(str, arguments)])


def documents(result: Result) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = json.loads(result.stdout)["results"]
    return results


def save(path: Path, pixels: NDArray[np.uint8]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def load(path: Path | str) -> NDArray[np.uint8]:
    with Image.open(path) as picture:
        return np.asarray(picture)


@pytest.fixture(scope="module")
def hr() -> NDArray[np.uint8]:
    small = np.random.default_rng(4).integers(40, 200, (12, 16, 3), dtype=np.uint8)
    return resize(small, 96, 128, "bicubic")


@pytest.fixture
def pair(tmp_path: Path, hr: NDArray[np.uint8]) -> tuple[Path, Path]:
    return save(tmp_path / "lr.png", resize(hr, 24, 32, "bicubic")), save(tmp_path / "hr.png", hr)


def test_published_pair(parity: Path, tmp_path: Path) -> None:
    folder = parity / "motivation"
    known = json.loads((folder / "motivation.json").read_text())["zoom_nearest"]
    result = run(folder / "lr.png", folder / "hr.png", "--interpolation", "nearest", "-o", tmp_path)
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "16.85 dB" in result.stderr
    assert "5.935 bits" in result.stderr
    for kind in ("residual", "enhanced"):
        pixels = load(tmp_path / f"lr_{kind}.png")
        assert hashlib.sha256(pixels.tobytes()).hexdigest() == known[f"sha256_{kind}"]


def test_published_synthetic_reduction(parity: Path, tmp_path: Path) -> None:
    hr = parity / "motivation/hr.png"
    lr = save(tmp_path / "quarter.png", resize(load(hr), 256, 256, "nearest"))
    result = run(lr, hr, "--interpolation", "nearest", "-o", tmp_path)
    assert result.exit_code == 0
    assert "24.76 dB" in result.stderr
    assert "3.369 bits" in result.stderr


def test_json_is_the_only_thing_on_stdout(pair: tuple[Path, Path], tmp_path: Path) -> None:
    result = run(*pair, "--json", "--heatmap", "-o", tmp_path / "out")
    assert result.exit_code == 0
    (found,) = documents(result)
    assert found["status"] == "done"
    assert (found["scale"], found["width"], found["height"]) == (4.0, 128, 96)
    assert sum(found["figures"]["lost_shares"]) == pytest.approx(1.0)
    assert set(found["files"]) == DRAWN | {"residual", "enhanced"}
    for kind, path in found["files"].items():
        assert Path(path).name == f"lr_{kind}.png"
        assert load(path).ndim == 3
    assert load(found["files"]["heatmap"]).shape[0] == 96


def test_lost_information_by_channels_is_the_authors(pair: tuple[Path, Path], tmp_path: Path) -> None:
    plain = run(*pair, "--heatmap", "-o", tmp_path / "light")
    asked = run(*pair, "--heatmap", "--lost", "channels", "-o", tmp_path / "channels")
    assert "share of pixels that" in plain.stderr and "lost 0–10 % of light" in plain.stderr
    assert "share of R, G, B values that" in asked.stderr and "of light" not in asked.stderr
    light, channels = (load(tmp_path / name / "lr_histogram.png") for name in ("light", "channels"))
    assert light.shape == channels.shape and (light != channels).any()
    (found,) = documents(run(*pair, "--json", "-o", tmp_path / "json"))
    assert sum(found["figures"]["lost_shares_channels"]) == pytest.approx(1.0)


def test_without_heatmap_only_the_residuals_are_written(pair: tuple[Path, Path], tmp_path: Path) -> None:
    assert run(*pair, "-o", tmp_path / "out").exit_code == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"lr_residual.png", "lr_enhanced.png"}


def test_equal_pictures_have_no_psnr_in_json(tmp_path: Path, hr: NDArray[np.uint8]) -> None:
    same = save(tmp_path / "same.png", hr)
    (found,) = documents(run(same, same, "--json", "-o", tmp_path / "out"))
    assert found["figures"]["psnr_rgb"] is None
    assert found["figures"]["entropy"] == 0


def test_alignment_and_colour_are_reported(tmp_path: Path, hr: NDArray[np.uint8]) -> None:
    moved = (np.roll(hr, 3, axis=1) * 0.8 + 10).astype(np.uint8)
    arguments = (save(tmp_path / "lr.png", moved), save(tmp_path / "hr.png", hr), "-o", tmp_path / "out")
    arguments += ("--align", "translation", "--match-colour")
    result = run(*arguments)
    assert "moved -3.0" in result.stderr
    assert "colours matched: R / G / B times 1.2" in result.stderr
    (found,) = documents(run(*arguments, "--json", "--overwrite"))
    assert [stage["name"] for stage in found["stages"]] == ["as given", "aligned", "colours matched"]
    assert found["alignment"]["shift_right"] == pytest.approx(-3, abs=0.1)
    assert found["colour"]["gain"] == pytest.approx([1.25] * 3, rel=0.03)
    assert found["figures"]["psnr_rgb"] > found["stages"][0]["figures"]["psnr_rgb"] + 10


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One scene at 100 and 24 mm: ``00001.JPG`` and ``00002.JPG``."""
    folder = tmp_path_factory.mktemp("shots")
    write_sequence(folder, default_shots(3, (100.0, 24.0)), 240, 320, raw=None)
    return folder


def test_two_shots_are_cut_to_one_field_of_view_and_registered(shots: Path, tmp_path: Path) -> None:
    wide, tele = shots / "00002.JPG", shots / "00001.JPG"
    (found,) = documents(run(wide, tele, "--align", "affine", "--json", "-o", tmp_path))
    assert found["focal_lengths"] == [24, 100]
    assert found["scale"] == pytest.approx(100 / 24)
    assert found["alignment"]["correlation"] > 0.97
    assert [stage["name"] for stage in found["stages"]] == ["as the focal lengths say", "aligned"]
    assert found["figures"]["psnr_rgb"] > found["stages"][0]["figures"]["psnr_rgb"] + 1


def test_shots_of_different_focal_lengths_are_not_compared_without_a_word(
    shots: Path, tmp_path: Path
) -> None:
    wide, tele = shots / "00002.JPG", shots / "00001.JPG"
    result = run(wide, tele, "-o", tmp_path)
    assert result.exit_code == 1
    assert "LR was taken at 24 mm, HR at 100 mm" in " ".join(result.stderr.split())
    assert "--align affine" in " ".join(result.stderr.split())
    assert run(wide, tele, "--align", "none", "-o", tmp_path).exit_code == 0
    turned = run(tele, wide, "--align", "affine", "-o", tmp_path / "other")
    assert "LR is the longer one" in " ".join(turned.stderr.split())


def test_focal_lengths_may_be_stated_of_files_that_do_not_say(shots: Path, tmp_path: Path) -> None:
    for name in ("00001", "00002"):
        with Image.open(shots / f"{name}.JPG") as picture:
            Image.fromarray(np.asarray(picture)).save(tmp_path / f"{name}.png")
    pair = (tmp_path / "00002.png", tmp_path / "00001.png", "--align", "affine", "-o", tmp_path / "out")
    unknown = run(*pair)
    assert unknown.exit_code == 1
    assert "--focal-lengths" in " ".join(unknown.stderr.split())
    (found,) = documents(run(*pair, "--focal-lengths", "24,100", "--json"))
    assert found["focal_lengths"] == [24, 100]
    assert found["alignment"]["correlation"] > 0.97
    for wrong in ("24", "24,0", "a,b", "24,nan"):
        assert run(*pair, "--focal-lengths", wrong, "--overwrite").exit_code != 0


def test_a_registration_that_did_not_find_itself_is_an_error(shots: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    write_sequence(other, default_shots(4, (100.0,)), 240, 320, scene=9, raw=None)
    result = run(shots / "00002.JPG", other / "00001.JPG", "--align", "affine", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "LR cannot be aligned to HR" in " ".join(result.stderr.split())


def test_folders_pair_with_what_was_zoomed(tmp_path: Path, hr: NDArray[np.uint8]) -> None:
    for name in ("a", "b"):
        save(tmp_path / f"LR/{name}.png", resize(hr, 24, 32, "bicubic"))
        save(tmp_path / f"large/{name}_x4.png", hr)
    found = documents(run(tmp_path / "LR", tmp_path / "large", "--json", "-o", tmp_path / "out"))
    assert [item["status"] for item in found] == ["done", "done"]
    assert Path(found[0]["hr"]).name == "a_x4.png"


def test_existing_results_are_kept_without_overwrite(pair: tuple[Path, Path], tmp_path: Path) -> None:
    kept = save(tmp_path / "out/lr_enhanced.png", np.zeros((2, 2, 3), np.uint8))
    result = run(*pair, "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "exists already" in result.stderr
    assert load(kept).shape == (2, 2, 3)
    assert not (tmp_path / "out/lr_residual.png").exists()
    assert run(*pair, "-o", tmp_path / "out", "--overwrite").exit_code == 0
    assert load(kept).shape == (96, 128, 3)


def test_folders_go_on_after_a_bad_pair(tmp_path: Path, hr: NDArray[np.uint8]) -> None:
    lr = resize(hr, 48, 64, "bicubic")
    for name in ("a", "b", "e"):
        save(tmp_path / f"LR/{name}.png", lr)
        save(tmp_path / f"HR/{name}.bmp", hr)
    (tmp_path / "HR/b.bmp").write_bytes(b"no picture")
    save(tmp_path / "LR/c.png", lr)  # has no partner
    save(tmp_path / "LR/d.png", lr)
    save(tmp_path / "HR/d.png", hr[:, :64])
    (tmp_path / "LR/notes.txt").write_text("not a picture")
    result = run(tmp_path / "LR", tmp_path / "HR", "--json", "-o", tmp_path / "out")
    assert result.exit_code == 1
    found = {Path(item["lr"]).stem: item for item in documents(result)}
    assert {name: item["status"] for name, item in found.items()} == {
        "a": "done", "b": "failed", "c": "failed", "d": "failed", "e": "done",
    }  # fmt: skip
    assert "HR/b.bmp" in found["b"]["error"]
    assert "no HR picture of this name" in found["c"]["error"]
    assert "LR is 64×48, HR 64×96" in found["d"]["error"]
    assert {path.name[0] for path in (tmp_path / "out").iterdir()} == {"a", "e"}
    shown = run(tmp_path / "LR", tmp_path / "HR", "-o", tmp_path / "again").stderr
    assert shown.count("failed") == 3


def test_files_of_one_stem_do_not_share_results(tmp_path: Path, hr: NDArray[np.uint8]) -> None:
    for suffix in ("png", "bmp"):
        save(tmp_path / f"LR/a.{suffix}", hr)
    save(tmp_path / "HR/a.png", 255 - hr)
    result = run(tmp_path / "LR", tmp_path / "HR", "-o", tmp_path / "out")
    assert result.exit_code == 0
    assert {path.name for path in (tmp_path / "out").glob("*_residual.png")} == {
        "a_png_residual.png",
        "a_bmp_residual.png",
    }


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (["--colormap", "nosuch"], UsageError, "unknown colour map"),
        (["--range", "high"], UsageError, "LOW,HIGH"),
        (["--range", "90,20"], UsageError, "LOW < HIGH"),
        (["--window", "8"], UsageError, "odd number"),
    ],
)
def test_impossible_options_end_before_any_work(
    pair: tuple[Path, Path], tmp_path: Path, options: list[str], error: type[SrnetError], message: str
) -> None:
    result = run(*pair, "-o", tmp_path / "out", *options)
    assert isinstance(result.exception, error)
    assert message in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_a_failed_pair_leaves_no_folder(tmp_path: Path, hr: NDArray[np.uint8]) -> None:
    upright = save(tmp_path / "upright.png", np.ascontiguousarray(hr[:32, :24]))
    result = run(upright, save(tmp_path / "hr.png", hr), "-o", tmp_path / "new" / "out")
    assert result.exit_code == 1
    assert "LR is portrait, HR landscape" in result.stderr
    assert "turn one of them" in result.stderr
    assert not (tmp_path / "new").exists()


def test_missing_and_mixed_paths(pair: tuple[Path, Path], tmp_path: Path) -> None:
    assert isinstance(run(tmp_path / "none.png", pair[1]).exception, InputError)
    assert isinstance(run(tmp_path, pair[1]).exception, UsageError)


def test_fixed_range_and_colour_map_reach_the_heatmap(pair: tuple[Path, Path], tmp_path: Path) -> None:
    heat = []
    for value_range in ("0,10", "0,200"):
        out = tmp_path / value_range
        arguments = ("--heatmap", "--range", value_range, "--colormap", "gray", "-o", out)
        assert run(*pair, *arguments).exit_code == 0
        heat.append(load(out / "lr_heatmap.png")[:, :128, 0].mean())
    assert heat[0] > 5 * heat[1]
