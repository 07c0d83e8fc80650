"""Checkpoints of a few bytes that would take time or memory without bound: the same again and again."""

from __future__ import annotations

import io
import pickle
from collections import Counter, OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import torch

from srnet_cli.errors import SrnetError, WeightsError, brief
from srnet_cli.models.card import MAX_CARD_BYTES, check_length
from srnet_cli.models.pickles import load_pickle
from tests.faults.models import tiny
from tests.faults.pictures import encoded
from tests.faults.program import Program

#: 2^24 steps for whoever goes through it: enough to be refused, and seconds where it is not
DEPTH = 24
#: a tuple of twice the tuple before, by the memo, in a pickle
NEST = b")q\x00" + b"h\x00\x86q\x00" * DEPTH
OF_TORCH = b"ctorch._utils\n_rebuild_tensor_v2\n"
MADE = b"ccollections\nOrderedDict\n"

BOMBS = {
    "key": b"}" + NEST + b"Ns.",
    "one of several keys": b"}(" + NEST + b"Nu.",
    "key by another code": b"(" + NEST + b"Nd.",
    "member": b"cbuiltins\nset\n]" + NEST + b"a\x85R.",
    "member by another code": b"\x8f(" + NEST + b"\x90.",
    "frozen member": b"(" + NEST + b"\x91.",
    "counted": b"ccollections\nCounter\n]" + NEST + b"a\x85R.",
    "pair": MADE + b"]" + NEST + b"N\x86a\x85R.",
    "attribute": MADE + b")R]" + NEST + b"N\x86ab.",
    "argument": OF_TORCH + NEST + b"\x85R.",
    "value": b"}X\x01\x00\x00\x00a" + NEST + b"s.",
    "storage": b"(U\x07storagectorch\nFloatStorage\n" + NEST + b"U\x03cpuK\x01tQ.",
    "part of a storage": b"(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x01" + NEST + b"\x85tQ.",
    "list in itself": b"]q\x00h\x00a.",
    "depth": b"]" * 500 + b"a" * 499 + b".",
}


@pytest.mark.parametrize("kind", list(BOMBS))
@pytest.mark.parametrize("kept", ["bare", "archive"])
def test_what_is_nested_in_itself_is_refused(kind: str, kept: str) -> None:
    content = b"\x80\x02" + BOMBS[kind]
    if kept == "archive":
        content = _archive(content)
    with pytest.raises(WeightsError) as refused:
        load_pickle(content, Path("a.pt"))
    said = refused.value.reason
    assert "no checkpoint" in said or "damaged, or not" in said
    assert len(said) < 200


def _archive(pickled: bytes) -> bytes:
    """An archive of torch's with another pickle in it."""
    import zipfile

    made, changed = io.BytesIO(), io.BytesIO()
    torch.save({}, made)
    with zipfile.ZipFile(made) as archive, zipfile.ZipFile(changed, "w") as other:
        for entry in archive.infolist():
            is_pickle = entry.filename.endswith("data.pkl")
            other.writestr(entry.filename, pickled if is_pickle else archive.read(entry))
    return changed.getvalue()


def test_one_list_is_not_copied_again_and_again() -> None:
    """A thousand copies of a thousand members, in four bytes each."""
    pairs = b"](" + b"K\x01K\x02\x86" * 1000 + b"e\x85q\x00"
    content = b"\x80\x02" + MADE + b"q\x01" + pairs + b"0]" + b"h\x01h\x00Ra" * 1000 + b"."
    with pytest.raises(WeightsError, match="again and again"):
        load_pickle(content, Path("a.pt"))


@pytest.mark.parametrize("key", [(2**61 - 1) * 3, -(2**60), "k" * 1001, (1, (2,)), (0,) * 9, (1, "k" * 1001)])
def test_keys_that_are_no_names(key: object) -> None:
    """Whole numbers of one hash make a dictionary slow; long names those that compare them."""
    with pytest.raises(WeightsError, match="neither a short name nor a number"):
        load_pickle(pickle.dumps({key: 0}, 2), Path("a.pt"))


def test_what_programs_keep_is_read() -> None:
    """States of optimisers and schedules, shared parts, attributes of dictionaries."""
    network = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm2d(2))
    optimizer = torch.optim.Adam(network.parameters())
    network[0](torch.ones(1, 2)).sum().backward()
    optimizer.step()
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 3, 5])
    shared = {"lr": [0.1, 0.2], "names": ["a" * 50]}
    document: dict[str, Any] = {
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "schedule": schedule.state_dict(),
        "numbers": {0: None, -1: 2.5, 1.5: True, None: "none"},
        "counted": Counter("abca"),
        "set": {1, "two"},
        "members": {(2, "x"), (), torch.float16, (torch.float32, None)},
        "tuples": {(scale, noise): 0 for scale in range(4) for noise in range(4)},
        "types": {torch.float32: "single", torch.int8: "whole"},
        "addresses": {2**47 - 4096 * each: 0 for each in range(1000)},
        "shared": [shared] * 20,
        "parameters": OrderedDict(network.named_parameters()),
    }
    for new in (True, False):
        content = io.BytesIO()
        torch.save(document, content, _use_new_zipfile_serialization=new)
        read = load_pickle(content.getvalue(), Path("a.pt"))
        assert read.keys() == document.keys()
        for name in [*document.keys() - {"network", "optimizer", "parameters"}]:
            assert read[name] == document[name]
        assert read["network"]._metadata == document["network"]._metadata
        assert read["optimizer"]["state"][0]["exp_avg"].shape == (2, 2)


def _items(keys: Iterable[object]) -> bytes:
    """A dictionary in pickle's codes, all of whose entries come at once."""
    return b"}(" + b"".join(_code(key) + b"N" for key in keys) + b"u"


def _list(keys: Iterable[object]) -> bytes:
    return b"](" + b"".join(map(_code, keys)) + b"e"


def _code(key: object) -> bytes:
    return pickle.dumps(key, 2)[2:-1]


#: numbers that are no count of anything, and may be chosen to collide; more than a few
CHOSEN = {
    "far ahead": [*range(5000), 10**6],
    "far apart": range(0, 5000 * 64, 64),
    "below 0": range(-1, -5000, -1),
    "fractions": [each / 2 for each in range(5000)],
    "among few": [-1, *range(5000)],
    "none among few": [None, *range(5000)],
    "again and again": [0] * 20_000 + [*range(1, 5000), *range(20_000, 25_000)],
    "tuples": [(each,) for each in range(300)],
}


@pytest.mark.parametrize("kind", list(CHOSEN))
@pytest.mark.parametrize("into", ["dict", "set", "Counter", "OrderedDict"])
def test_many_keys_are_not_chosen(kind: str, into: str) -> None:
    """Python's dictionaries take quadratic time for numbers that were chosen for it."""
    keys = CHOSEN[kind]
    pickled = {
        "dict": lambda: _items(keys),
        "set": lambda: b"cbuiltins\nset\n" + _list(keys) + b"\x85R",
        "Counter": lambda: b"ccollections\nCounter\n" + _items(keys) + b"\x85R",
        "OrderedDict": lambda: MADE + _list([(key, 0) for key in keys]) + b"\x85R",
    }[into]()
    with pytest.raises(WeightsError, match="count nothing"):
        load_pickle(_archive(b"\x80\x02" + pickled + b"."), Path("a.pt"))


def test_numbers_in_one_container_after_the_other() -> None:
    keys = b"cbuiltins\nset\nq\x01" + _list(range(-500, 0)) + b"q\x000"
    content = b"\x80\x02" + keys + b"0]" + b"h\x01h\x00\x85Ra" * 50 + b"."
    with pytest.raises(WeightsError, match="again and again"):
        load_pickle(_archive(content), Path("a.pt"))


def test_many_counted_keys_are_read() -> None:
    """As the states of an optimiser of many parameters are, and names whatever their number."""
    document = {
        "state": dict.fromkeys(range(9000)),
        "counted": Counter(range(1, 6000)),
        "names": {f"layer.{each}": each for each in range(9000)},
    }
    content = io.BytesIO()
    torch.save(document, content)
    assert load_pickle(content.getvalue(), Path("a.pt")) == document


@pytest.mark.parametrize("name", ["values", "items", "keys", "get", "__class__", "other"])
@pytest.mark.parametrize("made", [MADE, b"ccollections\nCounter\n"], ids=["OrderedDict", "Counter"])
def test_no_attribute_takes_the_place_of_a_method(name: str, made: bytes) -> None:
    content = b"\x80\x02" + made + b")R}" + _code(name) + made + b"sb."
    with pytest.raises(WeightsError, match=f"gives a dictionary an attribute '{name}'"):
        load_pickle(_archive(content), Path("a.pt"))


@pytest.mark.parametrize("slots", [False, True])
def test_no_method_of_a_parameter_is_replaced(slots: bool) -> None:
    parameter = torch.nn.Parameter(torch.ones(2))
    parameter.float_ = 5  # type: ignore[attr-defined]
    content = io.BytesIO()
    torch.save({"a": parameter}, content)
    assert load_pickle(content.getvalue(), Path("a.pt"))["a"].float_ == 5
    made = b"ctorch._utils\n_rebuild_parameter_with_state\n(NI00\nN"
    state = b"}" + _code("float") + b"K\x05s"
    content_bytes = b"\x80\x02" + made + (b"N" + state + b"\x86" if slots else state) + b"tR."
    with pytest.raises(WeightsError, match="gives a parameter another 'float'"):
        load_pickle(_archive(content_bytes), Path("a.pt"))


@pytest.mark.parametrize("what", [b"]", OF_TORCH + b")R", b"cbuiltins\nset\n)R"])
def test_only_dictionaries_have_attributes(what: bytes) -> None:
    content = b"\x80\x02" + what + b"}" + _code("_metadata") + b"Nsb."
    with pytest.raises(WeightsError, match="damaged, or not"):
        load_pickle(_archive(content), Path("a.pt"))


def _nested(depth: int) -> object:
    value: object = ()
    for _ in range(depth):
        value = (value, value)
    return value


@pytest.mark.parametrize("depth", [16, DEPTH])
@pytest.mark.parametrize("place", ["name", "options", "crisp"])
def test_a_card_says_little_in_an_error(srnet: Program, tmp_path: Path, depth: int, place: str) -> None:
    """The first is no more than the file may hold in all, and more than a card may."""
    network = tiny(2)[0].state_dict()
    network["padding"] = torch.zeros(100_000)
    card = {"name": "a", "architecture": "srnet-lite", "scale": 2}
    value = _nested(depth)
    card[place] = value if place == "name" else {"sha256": value}  # type: ignore[assignment]
    torch.save({"network": network, "card": card}, tmp_path / "model.pt")
    (tmp_path / "a.png").write_bytes(encoded("PNG"))
    ended = srnet("zoom", tmp_path / "a.png", "-s", "2", "--model", tmp_path / "model.pt")
    (line,) = ended.errors
    assert ended.code == 1
    assert len(line) < 500


def test_the_length_of_a_card_is_that_of_its_text() -> None:
    check_length({"name": "n" * (MAX_CARD_BYTES - 10)})
    with pytest.raises(ValueError, match="is longer than"):
        check_length({"name": ["n" * 1000] * 17})


def test_long_values_are_quoted_briefly() -> None:
    for value in ("x" * 10**6, ["y" * 100] * 10**6, _nested(DEPTH), {"k": {"k": {"k": {}}}}):
        assert len(brief(value)) < 1000
    assert brief("x4") == "'x4'" and brief(3) == "3"


def test_no_reason_is_longer_than_a_page() -> None:
    assert len(str(SrnetError("x" * 10**6))) < 5000
    assert SrnetError("x" * 3000).reason == "x" * 3000
