from __future__ import annotations

from pathlib import Path

import pytest

from srnet_cli.config_file import options_text, read_options, write_options
from srnet_cli.errors import UsageError
from srnet_cli.training.options import Phase, TrainOptions, options_from, plain, resolved


def written(folder: Path, text: str) -> Path:
    path = folder / "options.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_default_is_the_published_recipe() -> None:
    four, eight = resolved(TrainOptions()), resolved(TrainOptions(scale=8))
    assert (four.model, four.scale, four.patch_size, four.batch_size) == ("srnet", 4, 64, 16)
    assert (four.epochs, four.lr, four.beta1, four.beta2, four.clip) == (200, 1e-4, 0.9, 0.999, None)
    assert (four.sr_weight, four.residual_weight, four.seed) == (1.0, 1.0, 1)
    assert four.milestones == (100, 200, 300, 400)
    assert (eight.patch_size, eight.epochs, eight.milestones) == (32, 300, (50, 100, 150, 200, 250))
    assert resolved(TrainOptions(model="rdn")).batch_size == 8


def test_options_survive_the_file(tmp_path: Path) -> None:
    phases = (Phase(0.5, 32, 16), Phase(1.0, 64, 4))
    options = TrainOptions(
        data=Path('a "b"/ü'), phases=phases, hours=1.5, schedule="cosine", ema=0.999, auxiliary=False
    )
    path = tmp_path / "config.toml"
    write_options(path, options)
    assert TrainOptions(**read_options(path)) == options
    no_milestones = TrainOptions(milestones=())
    assert TrainOptions(**read_options(written(tmp_path, options_text(no_milestones)))) == no_milestones


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("patchsize = 64", "unknown option 'patchsize'; did you mean 'patch_size'?"),
        ("lr = 'fast'", "lr is a number, not 'fast'"),
        ("scale = 4.5", "scale is a whole number"),
        ("compile = 1", "compile is true or false"),
        ("steps = true", "steps is a whole number"),
        ("milestones = 5", "milestones is a list"),
        ("lr = inf", "lr must be finite"),
        ("phases = [{until = 1.0, patch = 9}]", "a phase lacks batch"),
        ("phases = [{until = 1.0, patch = 9, batch = 1, size = 2}]", "unknown option 'size'"),
        ("phases = [7]", "a phase is"),
        ("phases = [{until = 1.5, patch = 9, batch = 1}]", "until lies in 0..1"),
        ("lr = ", "no valid TOML"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        read_options(path)
    assert message in str(caught.value)
    assert caught.value.path == path


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_options(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 3.0, "steps": 5}, "--epochs and --steps"),
        ({"batch_size": 0}, "--batch-size must be above 0"),
        ({"lr": float("nan")}, "--lr must be above 0"),
        ({"ema": 1.0}, "--ema lies in 0..1"),
        ({"sr_weight": -1.0}, "--sr-weight must not be negative"),
        ({"sr_weight": 0.0, "residual_weight": 0.0}, "nothing to train"),
        ({"scale": 1}, "--scale lies in 2..16"),
        ({"patch_size": 4}, "--patch-size must be at least 8"),
        ({"input": "yuv"}, "--input is one of rgb, raw"),
        ({"schedule": "linear"}, "--schedule is one of milestones, cosine"),
        ({"schedule": "cosine", "milestones": (3,)}, "no meaning"),
        ({"phases": (Phase(0.5, 8, 8),)}, "the last at 1.0"),
        ({"phases": (Phase(1.0, 8, 8),), "patch_size": 8}, "leave out --patch-size"),
        ({"input": "raw", "init": "srnet_x4"}, "--init takes weights for RGB"),
    ],
)
def test_impossible_options_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        TrainOptions(**values)  # type: ignore[arg-type]


def test_later_layers_go_before_earlier_ones() -> None:
    kept = {"epochs": 200.0, "phases": (Phase(1.0, 8, 8),), "milestones": (5,), "lr": 1e-3}
    options = options_from(kept, {"steps": 7, "batch_size": 4, "schedule": "cosine", "lr": None})
    assert (options.steps, options.epochs, options.batch_size, options.phases) == (7, None, 4, ())
    assert (options.schedule, options.milestones, options.lr) == ("cosine", None, 1e-3)


def test_a_card_gets_plain_values_and_no_paths() -> None:
    values = plain(TrainOptions(data=Path("/secret"), phases=(Phase(1.0, 8, 8),)))
    assert "data" not in values and "output" not in values
    assert values["phases"] == [{"until": 1.0, "patch": 8, "batch": 8}]
