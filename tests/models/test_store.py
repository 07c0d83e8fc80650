"""Cards, released models, checkpoints: what loads, and what is refused and how."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import shlex
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from srnet_cli.errors import OutputError, WeightsError
from srnet_cli.models import released, store
from srnet_cli.models.card import CARD_FILE, Card, card_text, read_card, write_card
from srnet_cli.models.released import find_model, models_folder, released_models
from srnet_cli.models.store import WEIGHTS_FILE, load_model, save_model
from srnet_cli.models.tensors import load_checkpoint_into
from srnet_cli.network.macs import parameter_count
from srnet_cli.network.registry import build_network

SIZES: dict[str, Any] = {"n_feats": 16, "n_resblocks": 2}
CARD = Card("tiny", "srnet", 2, SIZES, tile=64, overlap=8, licence="CC0-1.0")


def tiny(scale: int = 2, name: str = "srnet", seed: int = 0, **options: Any) -> nn.Module:
    torch.manual_seed(seed)
    return build_network(name, scale, **{**SIZES, **options}).eval()


def run(network: nn.Module) -> Tensor:
    lr = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1)) * 255
    with torch.no_grad():
        sr: Tensor = network(lr).sr
    return sr


def save_pickle(document: object, path: Path, **options: Any) -> Path:
    torch.save(document, path, **options)
    return path


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A folder with a model in it."""
    save_model(tmp_path / "tiny", tiny(), CARD)
    return tmp_path / "tiny"


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Adds released models."""
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setattr(released, "models_folder", lambda: folder)
    monkeypatch.setattr(store, "models_folder", lambda: folder)

    def add(name: str, scale: int, **fields: Any) -> None:
        save_model(folder / name, tiny(scale), replace(CARD, name=name, scale=scale, **fields))

    return add


# --- cards --------------------------------------------------------------------------------------------------


def test_a_card_survives_its_file(tmp_path: Path) -> None:
    card = Card(
        name='odd "name" \\ ünïcode 🌄 \x7f\n',
        architecture="srnet",
        scale=4,
        options={"n_feats": 64, "res_scale": 1e-05, "auxiliary": True},
        light=True,
        sha256="0" * 64,
        recipe={"steps": 10**6, "rate": 4e-4, "stages": [{"patch": 48}, {"patch": 64}], "none yet": []},
        data={"sets": ["a", "b"], "inner": {"deep": {"x.y": 1.5}}},
        metrics={"Set5 ×4": {"psnr": 31.25, "worse": [-0.5, 3]}},
    )
    write_card(tmp_path / CARD_FILE, card)
    assert read_card(tmp_path / CARD_FILE) == card
    assert read_card(tmp_path) == card


def test_a_card_cannot_hold_nothing() -> None:
    with pytest.raises(TypeError, match="NoneType"):
        card_text(replace(CARD, recipe={"rate": None}))


GOOD = 'name = "a"\narchitecture = "srnet"\nscale = 4\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + "tyle = 64\n", "unknown keys: 'tyle'"),
        ('name = "a"\n', "lacks architecture, scale"),
        ("name = a\n", "not valid TOML"),
        ("", "lacks name, architecture, scale"),
        (GOOD + "x" * 1_000_001, "too long for a card"),
        (GOOD + "a = " + "[" * 5000, "not valid TOML"),
        (GOOD.replace("4", '"4"'), "scale must be a whole number, not '4'"),
        (GOOD.replace("4", "true"), "scale must be a whole number"),
        (GOOD.replace("4", "17"), "scale 17 is not within 1..16"),
        (GOOD + "tile = 1000000\n", "tile 1000000 is not within"),
        (GOOD + "tile = 64\noverlap = 40\n", "overlap 40 is not within 0..32"),
        (GOOD + 'input_space = "linear"\n', "input_space 'linear'"),
        (GOOD + 'sha256 = "abc"\n', "64 lower-case hexadecimal digits"),
        (GOOD + 'options = "none"\n', "options must be a table"),
        (GOOD + "light = 1\n", "light must be true or false"),
        (GOOD.replace('"a"', '""'), "must not be empty"),
    ],
)
def test_damaged_cards(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / CARD_FILE
    path.write_text(text)
    with pytest.raises(WeightsError, match=message) as caught:
        read_card(path)
    assert caught.value.path == path


def test_cards_that_are_no_text_or_not_there(tmp_path: Path) -> None:
    (tmp_path / CARD_FILE).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(WeightsError, match="not valid TOML"):
        read_card(tmp_path)
    with pytest.raises(WeightsError, match="cannot be read"):
        read_card(tmp_path / "none.toml")


# --- saving and loading -------------------------------------------------------------------------------------


def test_round_trip_in_full_precision_is_exact(tmp_path: Path) -> None:
    network = tiny()
    card = save_model(tmp_path, network, CARD, half=False)
    loaded = load_model(tmp_path)
    assert torch.equal(run(network), run(loaded.network))
    assert loaded.card == card
    assert card.sha256 == hashlib.sha256((tmp_path / WEIGHTS_FILE).read_bytes()).hexdigest()


def test_round_trip_in_half_precision_is_near_and_half_the_size(tmp_path: Path) -> None:
    network = tiny()
    save_model(tmp_path / "full", network, CARD, half=False)
    save_model(tmp_path / "half", network, CARD)
    loaded = load_model(tmp_path / "half")
    assert float((run(network) - run(loaded.network)).abs().max()) < 0.5
    assert not loaded.network.training
    assert {t.dtype for t in loaded.network.state_dict().values()} == {torch.float32, torch.int64}
    stored = load_file(tmp_path / "half" / WEIGHTS_FILE)
    for name, tensor in stored.items():
        exact = "running_" in name or "_mean." in name
        counter = name.endswith("num_batches_tracked")
        assert tensor.dtype == (torch.int64 if counter else torch.float32 if exact else torch.float16), name
    sizes = [(tmp_path / kind / WEIGHTS_FILE).stat().st_size for kind in ("half", "full")]
    assert sizes[0] < 0.75 * sizes[1]


def test_statistics_beyond_half_precision_are_kept(tmp_path: Path) -> None:
    network = tiny()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None and module.running_var is not None
            module.running_mean.fill_(-7e4)
            module.running_var.fill_(1e5)
    save_model(tmp_path, network, CARD)
    loaded = load_model(tmp_path).network.state_dict()
    variances = [value for name, value in loaded.items() if name.endswith("running_var")]
    assert variances and all(bool((value == 1e5).all()) for value in variances)
    assert all(bool((value == -7e4).all()) for name, value in loaded.items() if name.endswith("running_mean"))


def test_saving_is_reproducible_and_replaces(tmp_path: Path) -> None:
    first = save_model(tmp_path, tiny(), CARD)
    assert save_model(tmp_path, tiny(), CARD) == first
    assert save_model(tmp_path, tiny(seed=1), CARD).sha256 != first.sha256
    assert sorted(file.name for file in tmp_path.iterdir()) == [CARD_FILE, WEIGHTS_FILE]
    load_model(tmp_path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e6])
def test_weights_that_cannot_be_stored_leave_the_old_ones(saved: Path, value: float) -> None:
    before = (saved / WEIGHTS_FILE).read_bytes()
    network: Any = tiny()
    with torch.no_grad():
        network.head[0].weight[0, 0, 0, 0] = value
    with pytest.raises(WeightsError, match=r"head\.0\.weight holds NaN, infinity, or a value beyond float16"):
        save_model(saved, network, CARD)
    assert (saved / WEIGHTS_FILE).read_bytes() == before


def test_saving_where_a_file_stands(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be made"):
        save_model(tmp_path / "file", tiny(), CARD)


def test_the_weights_file_may_be_named_instead_of_its_folder(saved: Path) -> None:
    loaded = load_model(saved / WEIGHTS_FILE)
    assert loaded.card.name == "tiny" and loaded.path == saved / WEIGHTS_FILE
    assert load_model(str(saved)).card == loaded.card


def test_safetensors_without_a_card(tmp_path: Path) -> None:
    network = tiny(4)
    save_file(network.state_dict(), tmp_path / "some.safetensors")
    loaded = load_model(tmp_path / "some.safetensors")
    assert (loaded.card.name, loaded.card.architecture, loaded.card.scale) == ("some", "srnet", 4)
    assert torch.equal(run(network), run(loaded.network))


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize("name", ["srnet", "edsr", "rcan_minus_rat_sa", "srresnet", "vdsr", "san", "rcan"])
def test_authors_checkpoints_need_no_card(tmp_path: Path, name: str, scale: int) -> None:
    groups = {"n_resgroups": 2} if name in ("san", "rcan") else {}
    network = tiny(scale, name, **groups)
    # Both file formats of torch: the authors' time had the older one.
    for zipped in (True, False):
        path = save_pickle(network.state_dict(), tmp_path / "m.pt", _use_new_zipfile_serialization=zipped)
        loaded = load_model(path)
        assert (loaded.card.architecture, loaded.card.scale) == (name, scale)
        assert loaded.card.tile == (64 if scale == 8 else 128)
        assert torch.equal(run(network), run(loaded.network))


def test_training_checkpoint_with_its_own_card(tmp_path: Path) -> None:
    network = tiny(wiring="figure")
    card = {"name": "run", "architecture": "srnet", "scale": 2, "options": {**SIZES, "wiring": "figure"}}
    document = {"network": network.state_dict(), "card": card, "optimiser": {"lr": 0.1}, "step": 7}
    loaded = load_model(save_pickle(document, tmp_path / "last.pt"))
    assert loaded.card.options["wiring"] == "figure"
    assert torch.equal(run(network), run(loaded.network))
    document["card"] = {**card, "scale": 99}
    with pytest.raises(WeightsError, match="the card in it says something impossible: scale 99"):
        load_model(save_pickle(document, tmp_path / "last.pt"))


def test_a_released_model_loads() -> None:
    loaded = load_model("srnet-x4")
    assert (loaded.card.architecture, loaded.card.scale) == ("srnet", 4)
    assert parameter_count(loaded.network) == 3_429_678


# --- refusals -----------------------------------------------------------------------------------------------


def test_checksum(saved: Path) -> None:
    content = bytearray((saved / WEIGHTS_FILE).read_bytes())
    content[-1] ^= 1
    (saved / WEIGHTS_FILE).write_bytes(content)
    with pytest.raises(WeightsError, match="checksum does not match its card"):
        load_model(saved)
    write_card(saved / CARD_FILE, replace(read_card(saved), sha256=""))
    with pytest.raises(WeightsError, match="states no sha256"):
        load_model(saved)


def rewritten(folder: Path, **changes: Any) -> Path:
    write_card(folder / CARD_FILE, replace(read_card(folder), **changes))
    return folder


@pytest.mark.parametrize(
    ("changes", "claim"),
    [
        ({"architecture": "edsr"}, "edsr ×2"),
        ({"architecture": "rdn", "options": {}}, "rdn ×2"),
        ({"scale": 4}, "srnet ×4"),
        ({"options": {**SIZES, "n_resblocks": 10**9}}, "n_resblocks 1000000000"),
        ({"architecture": "rcan", "options": {"n_resgroups": 10**9}}, "rcan ×2"),
        ({"architecture": "lapsrn", "options": {"n_layers": 10**9}}, "lapsrn ×2"),
    ],
)
def test_a_card_for_other_weights_names_both(saved: Path, changes: dict[str, Any], claim: str) -> None:
    with pytest.raises(WeightsError) as caught:
        load_model(rewritten(saved, **changes))
    assert claim in caught.value.reason
    assert "the weights are those of srnet ×2" in caught.value.reason
    # Building the claimed network was broken off; that leaves nothing behind.
    assert torch.is_grad_enabled() and torch.empty(1).device.type == "cpu"
    assert caught.value.path == saved / WEIGHTS_FILE


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "unet"}, "no network 'unet'"),
        ({"options": {**SIZES, "depth": 3}}, "has no option 'depth'"),
        ({"options": {**SIZES, "name": "x"}}, "make no network"),
        ({"options": {**SIZES, "n_feats": 10**6}}, "instead of 1000000×3×3×3"),
        ({"options": {**SIZES, "n_feats": 10**9 - 8}}, "make no network"),
        ({"options": {**SIZES, "n_feats": 10**8}}, "instead of 100000000×3×3×3"),
        ({"options": {**SIZES, "n_feats": 10**30}}, "make no network"),
        ({"options": {**SIZES, "n_feats": 32}}, r"head\.0\.weight is 16×3×3×3 instead of 32×3×3×3"),
        ({"options": {**SIZES, "attention": "pa"}}, "unknown attention"),
    ],
)
def test_cards_with_impossible_options(saved: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        load_model(rewritten(saved, **changes))


def safetensors_file(header: dict[str, Any] | bytes, data: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


LYING = {
    "empty": b"",
    "short": b"\x01\x02",
    "length beyond the file": safetensors_file({}, length=2**40),
    "length overflows": safetensors_file({}, length=2**64 - 1),
    "no json": safetensors_file(b"{{{{"),
    "offsets beyond the data": safetensors_file(
        {"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}
    ),
    "shape larger than the data": safetensors_file(
        {"a": {"dtype": "F32", "shape": [10**6, 10**6], "data_offsets": [0, 16]}}, bytes(16)
    ),
    "shape overflows": safetensors_file(
        {"a": {"dtype": "F32", "shape": [2**63, 2], "data_offsets": [0, 16]}}, bytes(16)
    ),
    "negative shape": safetensors_file(
        {"a": {"dtype": "F32", "shape": [-4], "data_offsets": [0, 16]}}, bytes(16)
    ),
    "overlapping tensors": safetensors_file(
        {name: {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]} for name in "ab"}, bytes(16)
    ),
    "unknown type": safetensors_file(
        {"a": {"dtype": "Q7", "shape": [4], "data_offsets": [0, 16]}}, bytes(16)
    ),
    "rest unused": safetensors_file({}, bytes(100)),
    "no tensors": safetensors_file({}),
}


@pytest.mark.parametrize("kind", LYING)
def test_lying_safetensors(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(LYING[kind])
    with pytest.raises(WeightsError) as caught:
        load_model(path)
    assert caught.value.path == path
    assert "\n" not in str(caught.value)


class Bomb:
    """Unpickling it writes a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {shlex.quote(str(self.target))}",)


@pytest.mark.parametrize("form", ["torch", "legacy", "plain pickle", "inside"])
def test_a_pickle_bomb_is_never_executed(tmp_path: Path, form: str) -> None:
    evidence, path = tmp_path / "executed", tmp_path / "m.pth"
    bomb = Bomb(evidence)
    if form == "plain pickle":
        path.write_bytes(pickle.dumps(bomb))
    elif form == "inside":
        save_pickle({"network": tiny().state_dict(), "card": bomb}, path)
    else:
        save_pickle(bomb, path, _use_new_zipfile_serialization=form == "torch")
    with pytest.raises(WeightsError, match=r"holds \w+\.system, not plain|not a checkpoint") as caught:
        load_model(path)
    assert not evidence.exists()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "document",
    [
        [1, 2],
        3,
        {},
        {"a": 1},
        {1: torch.zeros(1)},
        {"network": {"a": "b"}},
        {"a": torch.zeros(2).to_sparse()},
    ],
    ids=str,
)
def test_pickles_of_something_else(tmp_path: Path, document: object) -> None:
    with pytest.raises(WeightsError, match=r"holds (no dictionary of|sparse)"):
        load_model(save_pickle(document, tmp_path / "m.pt"))


@pytest.mark.parametrize("size", [0, 1, 100, 5000])
def test_truncated_pickles(tmp_path: Path, size: int) -> None:
    path = save_pickle(tiny().state_dict(), tmp_path / "m.pt")
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(WeightsError) as caught:
        load_model(path)
    assert caught.value.path == path


def test_a_tensor_that_claims_more_than_the_file_holds(tmp_path: Path) -> None:
    state = dict(tiny().state_dict())
    state["head.0.weight"] = torch.zeros(1).expand(10**6, 3, 3, 3)
    with pytest.raises(WeightsError, match="claim more values than the file holds"):
        load_model(save_pickle(state, tmp_path / "m.pt"))


def test_a_compressed_checkpoint(tmp_path: Path) -> None:
    plain = io.BytesIO()
    torch.save({"a": torch.zeros(10**6)}, plain)
    path = tmp_path / "m.pt"
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            target.writestr(entry.filename, source.read(entry))
    with pytest.raises(WeightsError, match="unpacks to more than its size"):
        load_model(path)


def test_other_kinds_of_file(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"x")
    with pytest.raises(WeightsError, match="neither a model folder"):
        load_model(tmp_path / "m.onnx")
    with pytest.raises(WeightsError, match=r"needs a card\.toml"):
        load_model(tmp_path)
    save_file({"layer.weight": torch.zeros(2)}, tmp_path / "m.safetensors")
    with pytest.raises(WeightsError, match="no network known here"):
        load_model(tmp_path / "m.safetensors")


# --- strict loading -----------------------------------------------------------------------------------------


def test_everything_that_differs_is_listed_and_nothing_is_copied() -> None:
    network = tiny()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    state = dict(tiny(seed=1).state_dict())
    del state["head.0.bias"]
    state["body.2.bias"] = torch.zeros(7)
    state["extra"] = torch.zeros(1)
    state["model_ssl.head.0.bias"] = torch.full((16,), float("nan"))
    state["body.2.weight"] = state["body.2.weight"].to(torch.int32)
    with pytest.raises(WeightsError) as caught:
        load_checkpoint_into(network, state)
    for clause in (
        "head.0.bias is missing",
        "body.2.bias is 7 instead of 16",
        "extra is unknown to the network",
        "model_ssl.head.0.bias holds NaN or infinity",
        "body.2.weight is of type torch.int32",
    ):
        assert clause in caught.value.reason
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_a_long_list_is_cut() -> None:
    with pytest.raises(WeightsError, match=r"; and \d+ more"):
        load_checkpoint_into(tiny(), {})


def test_missing_batch_counters_become_zero() -> None:
    network = tiny()
    for name, tensor in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            tensor.fill_(5)
    state = {k: v for k, v in tiny(seed=1).state_dict().items() if not k.endswith("num_batches_tracked")}
    reports = load_checkpoint_into(network, state)
    counters = {k: v for k, v in network.state_dict().items() if k.endswith("num_batches_tracked")}
    assert len(reports) == len(counters) > 0
    assert all(int(v) == 0 for v in counters.values())


def test_times_8_may_start_from_times_4_when_asked() -> None:
    source = tiny(4)
    network = tiny(8, seed=1)
    own_tail: Tensor = network.state_dict()["tail.0.6.weight"].clone()
    with pytest.raises(WeightsError, match=r"tail\.0\.6\.weight is missing"):
        load_checkpoint_into(network, source.state_dict())
    reports = load_checkpoint_into(network, source.state_dict(), allow_tail_mismatch=True)
    assert reports == [
        f"{stream}tail.0.6.{kind} is missing" for stream in ("model_ssl.", "") for kind in ("bias", "weight")
    ]
    state = network.state_dict()
    assert torch.equal(state["tail.0.6.weight"], own_tail)
    assert torch.equal(state["tail.0.0.weight"], source.state_dict()["tail.0.0.weight"])
    assert torch.equal(state["head.0.weight"], source.state_dict()["head.0.weight"])


def test_only_the_tail_is_forgiven() -> None:
    state = dict(tiny(4).state_dict())
    del state["head.0.bias"]
    with pytest.raises(WeightsError) as caught:
        load_checkpoint_into(tiny(8), state, allow_tail_mismatch=True)
    assert "head.0.bias" in caught.value.reason and "tail" not in caught.value.reason


@pytest.mark.parametrize("name", ["sub_mean.bias", "model_ssl.add_mean.bias", "add_mean.weight"])
def test_mean_colours_must_agree(name: str) -> None:
    network = tiny()
    state = {key: tensor.clone() for key, tensor in tiny().state_dict().items()}
    own = network.state_dict()[name].clone()
    state[name] += 5e-4
    load_checkpoint_into(network, state)
    assert torch.equal(network.state_dict()[name], own)
    state[name] += 1e-3
    with pytest.raises(WeightsError, match=f"{name} is off the mean colour by 0.0015"):
        load_checkpoint_into(network, state)


# --- released models ----------------------------------------------------------------------------------------


def test_a_released_model_is_found_by_its_name(release: Callable[..., None], tmp_path: Path) -> None:
    release("srnet-x2", 2)
    loaded = load_model("srnet-x2")
    assert loaded.card.scale == 2 and loaded.path.parent == tmp_path / "models" / "srnet-x2"
    with pytest.raises(WeightsError, match="no released model and no file") as caught:
        load_model("srnet-x3")
    assert caught.value.remedy == "released: srnet-x2"


def test_a_path_is_not_a_released_name(release: Callable[..., None], tmp_path: Path) -> None:
    release("srnet-x2", 2)
    for path in (Path("srnet-x2"), "./srnet-x2", str(tmp_path / "srnet-x2"), ".."):
        with pytest.raises(WeightsError):
            load_model(path)


def test_the_smallest_model_that_reaches_the_scale(release: Callable[..., None]) -> None:
    release("srnet-x8", 8)
    release("srnet-x2", 2)
    release("srnet-x4", 4)
    release("srnet-x4-light", 4, light=True)
    release("another-x4", 4)
    assert [card.scale for card in released_models()] == [2, 4, 4, 4, 8]
    expected = {
        1.0: "srnet-x2",
        2: "srnet-x2",
        2.01: "another-x4",
        4: "another-x4",
        5: "srnet-x8",
        16: "srnet-x8",
    }
    assert {scale: find_model(scale) for scale in expected} == expected
    assert find_model(2, light=True) == "srnet-x4-light"


def test_a_model_for_other_pictures_is_taken_by_its_name_only(release: Callable[..., None]) -> None:
    release("a-bicubic-x2", 2, named_only=True)
    release("srnet-x4", 4)
    assert find_model(2) == "srnet-x4"
    assert load_model("a-bicubic-x2").card.named_only


def test_srnet_comes_before_other_architectures(release: Callable[..., None], tmp_path: Path) -> None:
    release("srnet-x2", 2)
    save_model(
        tmp_path / "models" / "edsr-x2",
        tiny(2, "edsr"),
        replace(CARD, name="edsr-x2", architecture="edsr"),
    )
    assert find_model(2) == "srnet-x2"


def test_nothing_released(release: Callable[..., None]) -> None:
    assert released_models() == ()
    with pytest.raises(WeightsError, match="no model is released"):
        find_model(4)
    release("srnet-x4", 4)
    with pytest.raises(WeightsError, match="no light model is released"):
        find_model(4, light=True)


def test_a_released_folder_bears_the_name_of_its_card(release: Callable[..., None], tmp_path: Path) -> None:
    release("srnet-x4", 4)
    (tmp_path / "models" / "srnet-x4").rename(tmp_path / "models" / "other")
    with pytest.raises(WeightsError, match="folder of another name"):
        released_models()


def test_what_this_checkout_releases_loads() -> None:
    for card in released_models():
        loaded = load_model(card.name)
        assert loaded.card == card
        assert card.licence != "unknown"
    assert models_folder().name in ("models", "_models")
