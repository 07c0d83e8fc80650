"""Folders of pairs on disk, as data sets come."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from srnet_cli.data.kinds import SourceOptions
from srnet_cli.data.opening import detect_source, open_source, prepare_source
from srnet_cli.data.pair_source import PairSource
from srnet_cli.data.paired.jobs import find_pairs
from srnet_cli.errors import DataError


def save(path: Path, side: int = 48, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def write(root: Path, *files: str) -> Path:
    for file in files:
        save(root / file)
    return root


def found_in(root: Path, scale: int = 2) -> list[tuple[str, str, str]]:
    jobs, problems = find_pairs(root, scale, mosaic=False)
    assert problems == []
    return [(job.name, *(p.relative_to(root).as_posix() for p in (job.lr, job.hr))) for job in jobs]


@pytest.mark.parametrize(
    ("lr", "hr", "name"),
    [
        ("LR/a.png", "HR/a.png", "a"),
        ("lr/a.png", "hr/a.png", "a"),
        ("LR_bicubic/X2/ax2.png", "HR/a.png", "a"),
        ("LR/X2/a.png", "HR/a.png", "a"),
        ("LR_x2/a.png", "HR/a.png", "a"),
        ("X2/a.png", "HR/a.png", "a"),
        ("set/LR/a.png", "set/HR/a.png", "set/a"),
        ("DIV2K_train_LR_bicubic/X2/0801x2.png", "DIV2K_train_HR/0801.png", "DIV2K_train/0801"),
        ("train/LR/a.png", "train/HR/a.png", "train/a"),
        ("LR/test/a.png", "HR/test/a.png", "test/a"),
        ("LR/a.png", "a.png", "a"),
        ("Canon_001_LR2.png", "Canon_001_HR.png", "Canon_001"),
        ("2/Nikon_001_LR2.png", "2/Nikon_001_HR.png", "Nikon_001"),
        ("001L.PNG", "001H.PNG", "001"),
        ("LR/001L.PNG", "HR/001H.PNG", "001"),
        ("NikonD5500/001L.PNG", "NikonD5500/001H.PNG", "NikonD5500/001"),
        ("Canon/Train/2/Canon_001_LR2.png", "Canon/Train/2/Canon_001_HR.png", "train/Canon/2/Canon_001"),
        ("Canon/Test/2/Canon_001_LR2.png", "Canon/Test/2/Canon_001_HR.png", "test/Canon/2/Canon_001"),
        ("Canon/Train/4/Canon_001_LR4.png", "Canon/Train/4/Canon_001_HR.png", None),
        ("image_SRF_4/a_LR.png", "image_SRF_4/a_HR.png", None),
        ("LowRes/a.png", "HighRes/a.png", "a"),
        ("lq/a.png", "gt/a.png", "a"),
    ],
)
def test_layouts(tmp_path: Path, lr: str, hr: str, name: str | None) -> None:
    write(tmp_path, lr, hr)
    assert found_in(tmp_path) == ([(name, lr, hr)] if name else [])


@pytest.mark.parametrize("files", [("fox0", "fox1", "fox2"), ("pix2", "pi", "mix4")])
def test_names_that_end_in_x_and_a_digit(tmp_path: Path, files: tuple[str, ...]) -> None:
    write(tmp_path, *(f"{part}/{file}.png" for part in ("LR", "HR") for file in files))
    assert sorted(found_in(tmp_path)) == sorted((f, f"LR/{f}.png", f"HR/{f}.png") for f in files)


def test_what_a_file_manager_leaves_behind_is_not_looked_at(tmp_path: Path) -> None:
    write(tmp_path, "LR/a.png", "HR/a.png")
    for file in ("._a.png", ".DS_Store", "Thumbs.db"):
        for part in ("LR", "HR"):
            (tmp_path / part / file).write_bytes(b"\0\5\26\7")
    assert found_in(tmp_path) == [("a", "LR/a.png", "HR/a.png")]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (("LR/foo.png", "HR/bar.png"), r"no pair of LR and HR \(foo: foo.png has no picture in HR/"),
        (("LR/foo.png",), r"holds LR/ but no HR/ to pair it with \(put the sharp pictures into HR/"),
        (("LR_bicubic/X4/a.png", "HR/a.png"), "LR_bicubic: holds no LR pictures for ×2"),
        (("LR_x4/a.png", "HR/a.png"), "LR_x4: holds no LR pictures for ×2"),
        (("LR_wild/a.png", "LR_mild/a.png", "HR/a.png"), r"several LR folders \(LR_mild, LR_wild\)"),
        (("A_LR4.png", "A_HR.png"), "A_LR4.png is an LR picture for ×4, not ×2"),
        (("LR/a.png", "LR/a.jpg", "HR/a.png"), "LR/a.jpg, LR/a.png, HR/a.png"),
    ],
)
def test_given_lr_is_never_replaced_by_a_simulation(
    tmp_path: Path, files: tuple[str, ...], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        detect_source(write(tmp_path, *files), 2)


def test_what_is_not_paired_is_told_with_the_kind(tmp_path: Path) -> None:
    write(tmp_path, "LR/a.png", "HR/a.png", "HR/alone.png")
    sentence = detect_source(tmp_path, 2).sentence
    assert "1 pairs of LR and HR pictures, 1 not paired (alone: alone.png has no picture in LR/" in sentence


@pytest.mark.parametrize(("lr", "hr", "side"), [("{}L.PNG", "{}H.PNG", 50), ("LR/{}.png", "HR/{}.png", 48)])
def test_lr_of_hrs_own_size_is_reduced_once(tmp_path: Path, lr: str, hr: str, side: int) -> None:
    data = tmp_path / "data"
    for number in range(3):
        save(data / lr.format(f"00{number}"), side, number)
        save(data / hr.format(f"00{number}"), side, 9 + number)
    options = SourceOptions(scale=4, cache=tmp_path / "cache", workers=1)
    source = open_source(data, options)
    assert isinstance(source, PairSource)
    assert source.description.endswith("; LR pictures of HR's own size were reduced 4 times first")
    item = prepare_source(data, options).items[0]
    assert (item.open("lr").shape, item.open("hr").shape) == ((12, 12, 3), (48, 48, 3))
    given = np.asarray(Image.open(data / lr.format("000")), np.float64)[:48, :48]
    means = given.reshape(12, 4, 12, 4, 3).mean((1, 3))
    assert np.abs(item.open("lr") - means).max() <= 0.5


def test_lr_of_its_own_size_is_not_mentioned(tmp_path: Path) -> None:
    for name in "abc":
        save(tmp_path / "LR" / f"{name}.png", 12)
        save(tmp_path / "HR" / f"{name}.png", 48)
    options = SourceOptions(scale=4, cache=tmp_path / "cache", workers=1)
    assert "reduced" not in open_source(tmp_path, options).description


def test_a_packed_mosaic_that_is_empty_costs_its_own_pair_only(tmp_path: Path) -> None:
    for name in ("0", "1", "2", "3"):
        save(tmp_path / "LR" / f"{name}.png", 12)
        save(tmp_path / "HR" / f"{name}.png", 24)
        (tmp_path / "ARW").mkdir(exist_ok=True)
        np.save(tmp_path / "ARW" / f"{name}.npy", np.ones((6, 6, 4), np.float32))
    (tmp_path / "ARW" / "0.npy").write_bytes(b"")
    (tmp_path / "ARW" / "1.npy").write_bytes(b"\x93NUMPY\x01\x00")
    whole = (tmp_path / "ARW" / "3.npy").read_bytes()
    (tmp_path / "ARW" / "3.npy").write_bytes(whole[:-64] + b"\xff" * 64)
    options = SourceOptions(scale=2, cache=tmp_path / "cache", workers=1)
    report = prepare_source(tmp_path, replace(options, pairs=replace(options.pairs, mosaic=True)))
    assert [item.name for item in report.items] == ["2"]
    assert [(p.name, p.reason.split(":")[0]) for p in report.left_out] == [
        ("0", "0.npy cannot be read"),
        ("1", "1.npy cannot be read"),
        ("3", "3.npy is damaged"),
    ]
