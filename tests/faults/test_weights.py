"""Models that are damaged, hostile, or do not do what they should; devices that are not there."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import re
import shutil
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from srnet_cli.errors import WeightsError
from srnet_cli.imaging.read import read_picture
from srnet_cli.models.pickles import load_pickle
from srnet_cli.models.store import LoadedModel, save_model
from srnet_cli.zooming import batch, chain, engine
from srnet_cli.zooming.engine import EngineOptions
from tests.faults.models import OPTIONS, tiny
from tests.faults.pictures import encoded, scene
from tests.faults.program import Ended, Program, disk
from tests.zooming.models import nearest_model

Refuse = Callable[[Path], Ended]


@pytest.fixture
def refuse(srnet: Program, tmp_path: Path) -> Refuse:
    """Zooms with a model that must be refused: exit code 1, and the disk stays as it was."""
    (tmp_path / "a.png").write_bytes(encoded("PNG"))

    def run(model: Path) -> Ended:
        before = disk(tmp_path)
        ended = srnet("zoom", tmp_path / "a.png", "-s", "2", "--model", model)
        assert ended.code == 1, ended
        assert disk(tmp_path) == before
        (line,) = ended.errors
        assert ended.err.strip() == line
        return ended

    return run


class Bomb:
    """Executed when it is unpickled by anything that trusts it."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return eval, (f"__import__('pathlib').Path({str(self.marker)!r}).write_text('executed')",)


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("wrapped", ["torch", "torch-old", "bare"])
@pytest.mark.parametrize("suffix", [".pt", ".pth", ".ckpt"])
def test_a_pickle_bomb_is_never_executed(
    refuse: Refuse, tmp_path: Path, protocol: int, wrapped: str, suffix: str
) -> None:
    marker, path = tmp_path / "marker", tmp_path / f"bomb{suffix}"
    document = {"network": {"w": torch.zeros(1)}, "extra": Bomb(marker)}
    if wrapped == "bare":
        path.write_bytes(pickle.dumps(document, protocol))
    else:
        new = wrapped == "torch"
        torch.save(document, path, pickle_protocol=max(protocol, 2), _use_new_zipfile_serialization=new)
    ended = refuse(path)
    assert not marker.exists()
    assert f"error {path}: " in ended.err
    assert "nothing of it was executed" in ended.err or "not a checkpoint of plain tensors" in ended.err


def test_a_directory_at_no_place_of_a_file_is_damage(tmp_path: Path) -> None:
    stored = io.BytesIO()
    torch.save({"network": {"a.weight": torch.ones(4, 6)}}, stored)
    whole = stored.getvalue()
    directory, end = whole.index(b"PK\1\2"), whole.rindex(b"PK\5\6")
    for place in range(directory, len(whole)):
        content = whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]
        if place < end - 80 and place % 7:
            continue
        with contextlib.suppress(WeightsError):  # of names and times of entries nothing depends
            load_pickle(content, tmp_path / "a.pt")
    with pytest.raises(WeightsError, match="damaged"):
        load_pickle(whole[: end - 21] + b"\xff" + whole[end - 20 :], tmp_path / "a.pt")


def test_a_bomb_as_a_run_to_resume(srnet: Program, tmp_path: Path) -> None:
    marker, run, photos = tmp_path / "marker", tmp_path / "run", tmp_path / "photos"
    run.mkdir()
    photos.mkdir()
    (photos / "a.png").write_bytes(encoded("PNG", scene(40, 40)))
    torch.save({"progress": Bomb(marker), "format": 1}, run / "last.pt")
    before = disk(tmp_path)
    ended = srnet(
        *("train", "--data", photos, "-o", run, "--resume", "--scale", "2", "--device", "cpu"),
        *("--n-feats", "8", "--n-resblocks", "1", "--attention", "mpr-sa", "--patch-size", "8"),
    )
    assert ended.code == 1
    assert f"error {run / 'last.pt'}: " in ended.err
    assert not marker.exists()
    assert disk(tmp_path) == before


def header(**tensors: object) -> bytes:
    text = json.dumps(tensors).encode()
    return struct.pack("<Q", len(text)) + text


LYING = {
    "length beyond the file": struct.pack("<Q", 1 << 40) + b"{}",
    "length of everything": struct.pack("<Q", (1 << 64) - 1) + b"{}",
    "no header": b"\0\0\0",
    "empty": b"",
    "no JSON": struct.pack("<Q", 4) + b"abcd",
    "data beyond the file": header(w={"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}),
    "huge shape": header(w={"dtype": "F32", "shape": [1 << 40, 1 << 20], "data_offsets": [0, 4]}) + b"\0" * 4,
    "backwards": header(w={"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}) + b"\0" * 4,
    "shape and data differ": header(w={"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}) + b"\0" * 4,
    "unknown type": header(w={"dtype": "Q99", "shape": [1], "data_offsets": [0, 4]}) + b"\0" * 4,
}


@pytest.mark.parametrize("lie", LYING)
def test_a_lying_header(refuse: Refuse, tmp_path: Path, lie: str) -> None:
    path = tmp_path / "lying.safetensors"
    path.write_bytes(LYING[lie])
    assert f"error {path}: not a valid safetensors file" in refuse(path).err


def test_weights_of_another_architecture_or_scale_name_both(
    refuse: Refuse, model: Path, tmp_path: Path
) -> None:
    for key, wrong, said in (
        ("scale", "scale = 4", "srnet ×4"),
        ("architecture", 'architecture = "vdsr"', "vdsr ×2"),
    ):
        folder = tmp_path / key
        shutil.copytree(model, folder)
        card = folder / "card.toml"
        lines = card.read_text(encoding="utf-8").splitlines()
        card.write_text(
            "\n".join(wrong if line.startswith(f"{key} = ") else line for line in lines), encoding="utf-8"
        )
        ended = refuse(folder)
        assert f"the card says {said}" in ended.err
        assert re.search(r"but the weights are those of \S+ ×2", ended.err)


def test_a_checkpoint_of_another_network_to_resume(srnet: Program, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in "ab":
        (photos / f"{name}.png").write_bytes(encoded("PNG", scene(40, 48)))
    train = (
        *("train", "--data", photos, "-o", tmp_path / "run", "--n-resblocks", "1", "--patch-size", "8"),
        *("--attention", "mpr-sa", "--batch-size", "2", "--steps", "1", "--device", "cpu"),
    )
    assert srnet(*train, "--scale", "2", "--n-feats", "8").code == 0
    kept = (tmp_path / "run" / "last.pt").read_bytes()
    for other in (("--scale", "3", "--n-feats", "8"), ("--scale", "2", "--n-feats", "16")):
        ended = srnet(*train, *other, "--resume")
        assert ended.code == 1
        assert "last.pt: is of srnet ×2 " in ended.err
        assert f"not of srnet ×{other[1]} " in ended.err
        assert (tmp_path / "run" / "last.pt").read_bytes() == kept


def test_a_checksum_that_does_not_match(refuse: Refuse, model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model, folder)
    weights = folder / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(bytes(content))
    ended = refuse(folder)
    assert f"error {weights}: the checksum does not match its card" in ended.err
    assert "fetch both again" in ended.err


def test_a_network_that_gives_no_numbers(refuse: Refuse, tmp_path: Path) -> None:
    """Every weight is finite, their products are not: named, and no black picture is written."""
    network, card = tiny(2)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "mean" not in name:
                parameter.fill_(1e30)
    save_model(tmp_path / "mad", network, replace(card, name="mad"), half=False)
    ended = refuse(tmp_path / "mad")
    assert "the network mad gave values that are no numbers" in ended.err
    assert "--precision fp32" in ended.err


class Greedy(torch.nn.Module):
    """Runs out of memory for more than so many pixels, and remembers what it was given."""

    def __init__(self, network: torch.nn.Module, pixels: int) -> None:
        super().__init__()
        self.network, self.pixels = network, pixels
        self.scale = network.scale
        self.seen: list[tuple[int, ...]] = []

    def forward(self, lr: Tensor, residual: bool = False) -> object:
        self.seen.append(tuple(lr.shape))
        if lr.shape[0] * lr.shape[2] * lr.shape[3] > self.pixels:
            raise RuntimeError(
                "[enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate memory: "
                "you tried to allocate 12345 bytes. Error code 12 (Cannot allocate memory)"
            )
        return self.network(lr, residual)


@pytest.mark.parametrize(("pixels", "smallest"), [(2 * 112 * 112, (2, 112)), (56 * 56, (1, 56))])
def test_out_of_memory_falls_back_to_smaller_batch_and_tile(
    srnet: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pixels: int, smallest: tuple[int, int]
) -> None:
    """The result is, pixel for pixel, that of a run with memory to spare."""
    roomy = nearest_model(scale=2, tile=112, overlap=16)
    greedy = Greedy(roomy.network, pixels)
    source = tmp_path / "a.png"
    source.write_bytes(encoded("PNG", scene(200, 300)))
    results = []
    for name, network in (("roomy", roomy.network), ("greedy", greedy)):
        loaded = LoadedModel(network, roomy.card, Path())
        monkeypatch.setattr(chain, "load_any_model", lambda *_, loaded=loaded: loaded)
        monkeypatch.setattr(engine, "open_network", lambda network, *_, **__: network)
        # The batches of a GPU, on the CPU.
        monkeypatch.setattr(engine, "EngineOptions", partial(EngineOptions, batch=4))
        ended = srnet("zoom", source, "-s", "2", "--model", "any", "-o", tmp_path / f"{name}.png")
        assert ended.code == 0, ended.err
        with Image.open(tmp_path / f"{name}.png") as result:
            results.append(np.asarray(result))
    assert np.array_equal(*results)
    assert greedy.seen[0] == (4, 3, 112, 112)
    batched, tile = smallest
    assert greedy.seen[-1] == (batched, 3, tile, tile)


def test_out_of_memory_for_good(srnet: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only the picture that does not fit fails; the next is done."""
    roomy = nearest_model(scale=2, tile=112, overlap=16)
    greedy = Greedy(roomy.network, 1)
    calls = iter([LoadedModel(greedy, roomy.card, Path())])
    monkeypatch.setattr(chain, "load_any_model", lambda *_: next(calls))
    monkeypatch.setattr(engine, "open_network", lambda network, *_, **__: network)
    for name in "ab":
        (tmp_path / f"{name}.png").write_bytes(encoded("PNG", scene(50, 60)))
    before = disk(tmp_path)
    ended = srnet("zoom", tmp_path, "-s", "2", "--model", "any")
    assert ended.code == 1
    assert ended.err.count("out of memory even with tiles of 56×56 pixels") == 2
    assert disk(tmp_path) == before


def test_no_memory_for_one_picture_is_no_end_of_the_batch(
    srnet: Program, model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in "ab":
        (tmp_path / f"{name}.png").write_bytes(encoded("PNG"))
    read = read_picture

    def starved(path: Path, *rest: object, **more: object) -> object:
        if path.name == "a.png":
            raise MemoryError
        return read(path, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(batch, "read_picture", starved)
    ended = srnet("zoom", tmp_path, "-s", "2", "--model", model)
    assert ended.code == 1
    assert f"error {tmp_path / 'a.png'}: not enough memory" in ended.err
    assert set(disk(tmp_path)) == {"a.png", "b.png", "b_x2.png"}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is CUDA here")
def test_cuda_where_there_is_none(srnet: Program, model: Path, tmp_path: Path) -> None:
    source = tmp_path / "a.png"
    source.write_bytes(encoded("PNG"))
    arguments = ("zoom", source, "-s", "2", "--model", model)
    before = disk(tmp_path)
    for wanted in ("cuda", "cuda:3"):
        ended = srnet(*arguments, "--device", wanted)
        assert ended.code == 1
        assert "CUDA was asked for, but there is none" in ended.err
        assert "--device auto or cpu" in ended.err
        assert disk(tmp_path) == before
    ended = srnet(*arguments, "--device", "toaster")
    assert ended.code == 2
    assert "there is no kind of device called 'toaster'" in ended.err
    assert srnet(*arguments, "--device", "auto").code == 0
    with Image.open(tmp_path / "a_x2.png") as result:
        assert np.asarray(result).shape == (48, 72, 3)


def test_options_of_a_tiny_model_are_what_its_card_says(model: Path) -> None:
    from srnet_cli.models.card import read_card

    assert read_card(model).options == OPTIONS


@pytest.mark.parametrize("suffix", [".pt", ".pth"])
@pytest.mark.parametrize("fill", ["zeros", "other"])
def test_a_checkpoint_with_other_values_contradicts_its_checksums(
    refuse: Refuse, tmp_path: Path, suffix: str, fill: str
) -> None:
    """One sector of a tensor, which may hold any values."""
    path = tmp_path / f"model{suffix}"
    torch.save(tiny(2)[0].state_dict(), path)
    content, place = bytearray(path.read_bytes()), path.stat().st_size // 2 // 512 * 512
    content[place : place + 512] = bytes(512) if fill == "zeros" else content[place - 512 : place]
    path.write_bytes(content)
    assert "the checkpoint is damaged: Bad CRC-32" in refuse(path).err


def _archive(entries: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, value in entries.items():
            archive.writestr(zipfile.ZipInfo(name), value)
    return content.getvalue()


def _entries(document: object) -> dict[str, bytes]:
    content = io.BytesIO()
    torch.save(document, content)
    with zipfile.ZipFile(content) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _parts(archive: bytes, moved: int = 0) -> tuple[bytes, bytes, int]:
    """Entries, the directory of them ``moved`` further on, and their number."""
    end = archive.rindex(b"PK\5\6")
    number, size, start = struct.unpack("<HII", archive[end + 10 : end + 20])
    directory, place = bytearray(archive[start : start + size]), 0
    while place < size:
        lengths = struct.unpack("<HHH", directory[place + 28 : place + 34])
        (at,) = struct.unpack("<I", directory[place + 42 : place + 46])
        directory[place + 42 : place + 46] = struct.pack("<I", (at + moved) & 0xFFFFFFFF)
        place += 46 + sum(lengths)
    return archive[:start], bytes(directory), number


def _two_in_one(other: bytes, ours: bytes) -> bytes:
    """An archive that readers differ on: the directory ahead of the end, or that where the end says."""
    first, theirs, number = _parts(other)
    entries, directory, _ = _parts(ours)
    # Python takes what is too much ahead of the directory for something that was put there.
    ahead = len(theirs) + len(entries)
    directory = _parts(ours, len(first) + len(theirs) - ahead)[1]
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, number, number, len(directory), len(first), 0)
    return first + theirs + entries + directory + end


def test_torch_is_given_the_entries_that_were_looked_through() -> None:
    other, ours = (_archive(_entries({"a": torch.full((4,), value)})) for value in (7.0, 1.0))
    content = _two_in_one(other, ours)
    assert torch.load(io.BytesIO(content), weights_only=True)["a"].tolist() == [7] * 4
    assert load_pickle(content, Path("a.pt"))["a"].tolist() == [1] * 4


@pytest.mark.parametrize("name", ["DATA.PKL", "data.Pkl"])
def test_a_pickle_by_another_spelling_is_looked_through(refuse: Refuse, tmp_path: Path, name: str) -> None:
    entries = _entries({"a": torch.ones(4)})
    entries = {key.replace("data.pkl", name): value for key, value in entries.items()}
    pickled = next(key for key in entries if key.endswith(name))
    entries[pickled] = b"\x80\x02cbuiltins\nbytearray\nK\x05\x85R."
    (tmp_path / "model.pt").write_bytes(_archive(entries))
    assert "holds builtins.bytearray" in refuse(tmp_path / "model.pt").err


def test_two_names_that_are_one_to_torch_are_refused(refuse: Refuse, tmp_path: Path) -> None:
    entries = _entries({"a": torch.ones(4)})
    pickled = next(key for key in entries if key.endswith("data.pkl"))
    (tmp_path / "model.pt").write_bytes(_archive({**entries, pickled.upper(): entries[pickled]}))
    assert "twice" in refuse(tmp_path / "model.pt").err


def test_a_storage_is_read_by_one_name_only(refuse: Refuse, tmp_path: Path) -> None:
    """By others a small file would be read as often as its keys can be written."""
    entries = _entries({"a": torch.ones(4)})
    renamed = {key.replace("data/0", "data/k"): value for key, value in entries.items()}
    pickled = next(key for key in entries if key.endswith("data.pkl"))
    renamed[pickled] = entries[pickled].replace(b"X\x01\0\0\x000", b"X\x01\0\0\0K")
    assert renamed[pickled] != entries[pickled]
    (tmp_path / "model.pt").write_bytes(_archive(renamed))
    assert torch.load(tmp_path / "model.pt", weights_only=True)["a"].tolist() == [1] * 4
    assert "has a storage 'K'" in refuse(tmp_path / "model.pt").err


def test_a_checkpoint_without_checksums_is_read(srnet: Program, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded("PNG"))
    before = torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(tiny(2)[0].state_dict(), tmp_path / "model.pt")
    finally:
        torch.serialization.set_crc32_options(before)
    assert srnet("zoom", tmp_path / "a.png", "-s", "2", "--model", tmp_path / "model.pt").code == 0


def test_a_storage_has_no_more_than_its_own_entry(refuse: Refuse, tmp_path: Path) -> None:
    """Some releases of torch read on behind it, into what something else in the archive makes up for."""
    entries = _entries({"a": torch.ones(1000)})
    stored = next(key for key in entries if key.endswith("data/0"))
    changed = {**entries, stored: entries[stored][:16], stored.replace("data/0", "more"): bytes(4000)}
    (tmp_path / "model.pt").write_bytes(_archive(changed))
    assert "claim more values than the file holds" in refuse(tmp_path / "model.pt").err


ODD = {
    "meta": lambda: torch.empty(3, device="meta"),
    "nested": lambda: torch.nested.nested_tensor([torch.ones(3), torch.ones(2)]),
    "bits": lambda: torch.ones(3, dtype=torch.uint8).view(torch.bits8),
    "complex": lambda: torch.ones(3, dtype=torch.complex64),
    "sparse": lambda: torch.ones(3).to_sparse(),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", list(ODD))
def test_weights_that_are_no_plain_numbers(refuse: Refuse, tmp_path: Path, kind: str) -> None:
    state = tiny(2)[0].state_dict()
    state[next(name for name in state if name.endswith("bias"))] = ODD[kind]()
    torch.save(state, tmp_path / "model.pt")
    err = refuse(tmp_path / "model.pt").err
    assert "is no plain tensor of numbers" in err or "nothing of it was executed" in err
