"""Damaged, hostile and contradictory models: what is refused, and how."""

from __future__ import annotations

import io
import json
import os
import pickle
import shlex
import struct
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from srnet_cli.errors import WeightsError
from srnet_cli.models.card import CARD_FILE, read_card, write_card
from srnet_cli.models.store import WEIGHTS_FILE, load_model
from tests.models.samples import SIZES, save_pickle, tiny


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
        ({"options": {**SIZES, "n_feats": 10**6}}, "n_feats 1000000, .* but the weights are"),
        ({"options": {**SIZES, "n_feats": 10**9 - 8}}, "n_feats 999999992, .* but the weights are"),
        ({"options": {**SIZES, "n_feats": 10**8}}, "n_feats 100000000, .* but the weights are"),
        ({"options": {**SIZES, "n_feats": 10**30}}, "but the weights are"),
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
    with pytest.raises(WeightsError, match=r"(holds no dictionary of|but sparse)"):
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
