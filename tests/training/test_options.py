from __future__ import annotations

from pathlib import Path

import pytest
import tomli_w

from srnet_cli.config_file import read_config
from srnet_cli.errors import UsageError
from srnet_cli.training.options import Phase, TrainOptions, option_table, plain
from srnet_cli.training.recipe import options_from, resolved


def read(path: Path) -> TrainOptions:
    return options_from(read_config(path, {name: key.type for name, key in option_table().items()}))


def test_the_default_is_the_published_recipe() -> None:
    four, eight = resolved(TrainOptions()), resolved(TrainOptions(scale=8))
    assert (four.model, four.scale, four.patch_size, four.batch_size) == ("srnet", 4, 64, 16)
    assert (four.epochs, four.lr, four.beta1, four.beta2, four.clip) == (200, 1e-4, 0.9, 0.999, None)
    assert (four.weights["sr"], four.weights["residual"], four.seed) == (1.0, 1.0, 1)
    assert four.milestones == (100, 200, 300, 400)
    assert (eight.patch_size, eight.epochs, eight.milestones) == (32, 300, (50, 100, 150, 200, 250))
    assert resolved(TrainOptions(model="rdn")).batch_size == 8


def test_options_survive_the_file(tmp_path: Path) -> None:
    phases = (Phase(0.5, 32, 16), Phase(1.0, 64, 4))
    options = TrainOptions(
        data=(Path('a "b"/ü'),),
        phases=phases,
        hours=1.5,
        schedule="cosine",
        ema=0.999,
        auxiliary=False,
        weights={"rloss": 0.5},
    )
    path = tmp_path / "config.toml"
    path.write_text(tomli_w.dumps(plain(options)), encoding="utf-8")
    assert read(path) == options
    no_milestones = TrainOptions(milestones=())
    path.write_text(tomli_w.dumps(plain(no_milestones)), encoding="utf-8")
    assert read(path) == no_milestones


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 3.0, "steps": 5}, "--epochs and --steps"),
        ({"batch_size": 0}, "--batch-size must be above 0"),
        ({"lr": float("nan")}, "--lr must be above 0"),
        ({"ema": 1.0}, "--ema lies in 0..1"),
        ({"weights": {"sr": -1.0}}, "--sr-weight must be at least 0, not -1.0"),
        ({"weights": {"sr": 0.0, "residual": 0.0}}, "nothing to train"),
        ({"weights": {"edges": 1.0}}, "there is no loss 'edges'"),
        ({"scale": 1}, "--scale lies in 2..16"),
        ({"patch_size": 4}, "--patch-size must be at least 8"),
        ({"input": "yuv"}, "--input is one of rgb, raw"),
        ({"schedule": "linear"}, "--schedule is one of milestones, cosine"),
        ({"schedule": "cosine", "milestones": (3,)}, "no meaning"),
        ({"phases": (Phase(0.5, 8, 8),)}, "the last at 1.0"),
        ({"phases": (Phase(1.0, 8, 8),), "patch_size": 8}, "leave out --patch-size"),
        ({"data": (Path("a"),), "shares": (0.8, 0.2)}, "--shares 0.8,0.2 has 2 shares for 1 --data"),
        ({"data": (Path("a"), Path("b")), "shares": (1.0, 0.0)}, "--shares are numbers above 0, not 1,0"),
        ({"data": (Path("a"), Path("b"), Path("x/../a"))}, "--data names a folder twice"),
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


def test_several_sources_survive_the_file_and_one_is_plain_text(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    options = TrainOptions(data=(Path("photos"), Path("pairs")), shares=(0.8, 0.2))
    path.write_text(tomli_w.dumps(plain(options)), encoding="utf-8")
    assert read(path) == options
    # As files of earlier runs have it.
    path.write_text('data = "photos"\n', encoding="utf-8")
    assert read(path).data == (Path("photos"),)
    assert plain(read(path))["data"] == "photos"


def test_shares_go_with_the_data_that_they_were_given_for() -> None:
    two = {"data": (Path("a"), Path("b")), "shares": (0.8, 0.2)}
    assert options_from(two, {"data": (Path("c"),)}).shares is None
    assert options_from(two, {"data": two["data"], "steps": 5}).shares == (0.8, 0.2)
    # A released recipe has shares, and no folders of its own.
    assert options_from({"shares": (0.8, 0.2)}, {"data": (Path("c"), Path("d"))}).shares == (0.8, 0.2)


def test_the_options_of_a_card_are_plain_values() -> None:
    values = plain(TrainOptions(data=(Path("photos"),), phases=(Phase(1.0, 8, 8),)))
    assert values["data"] == "photos" and "init" not in values
    assert values["phases"] == [{"until": 1.0, "patch": 8, "batch": 8}]


def test_the_protocol_is_that_of_the_published_runs_and_flags_go_before_it() -> None:
    eight = resolved(options_from({"scale": 4}, {"protocol": "published", "scale": 8}))
    assert (eight.pairing, eight.split, eight.interpolation) == ("published", "published", "nearest")
    assert (eight.epochs, eight.epoch_steps, eight.precision) == (299, 995, "fp32")
    own = resolved(options_from({"protocol": "published"}, {"steps": 7, "split": "scene"}))
    assert (own.steps, own.epochs, own.split, own.pairing) == (7, None, "scene", "published")
    assert (own.epoch_steps, own.interpolation) == (975, "nearest")


def test_the_protocol_survives_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    options = resolved(options_from({"protocol": "published"}, {"epochs": 3.0}))
    path.write_text(tomli_w.dumps(plain(options)), encoding="utf-8")
    assert read(path) == options


def test_options_of_the_network_survive_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    options = resolved(TrainOptions(network_option=("res_scale=0.1", "fusion_mix=learned")))
    path.write_text(tomli_w.dumps(plain(options)), encoding="utf-8")
    assert "network_option = [" in path.read_text(encoding="utf-8")
    assert read(path) == options
