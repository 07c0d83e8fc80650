"""A run that goes on, or was killed before its first weights: what in its folder is its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tomli_w

from srnet_cli.errors import OutputError
from srnet_cli.training.options import TrainOptions, plain
from srnet_cli.training.recipe import resolved
from srnet_cli.training.run.curves import draw_curves
from srnet_cli.training.run.folder import RunFolder
from tests.faults.pictures import encoded, scene
from tests.faults.program import Program, disk

OPTIONS = resolved(TrainOptions(model="srnet_lite", scale=2, data=(Path("data"),), steps=6, batch_size=2))
WRITTEN = tomli_w.dumps(plain(OPTIONS))
MINE = 'data = ["./data/"]\nmodel = "srnet_lite"\nscale = 2\nsteps = 6\nbatch_size = 2\n'
RECORD = json.dumps({"step": 1, "epoch": 0.1, "elapsed": 2.0, "sr": 40.0})

#: texts of config.toml that come to the same options
SAME = {
    "a comment": f"# mine\n{WRITTEN}",
    "another spelling": "# mine\n" + WRITTEN.replace('"data"', '"./data/"'),
    "no usual values": "# mine\n" + "".join(f"{x}\n" for x in WRITTEN.splitlines() if "seed" not in x),
    "no derived values": "# mine\n" + "".join(f"{x}\n" for x in WRITTEN.splitlines() if "lr =" not in x),
    "own keys": f"# mine\n{MINE}",
    "own keys, spelled alike": MINE.replace('["./data/"]', '"data"'),
}
#: what the end of a run may have left of its log
LEFT = {
    "empty": "",
    "whole": f"{RECORD}\n",
    "cut": '{"step": 1, "ep',
    "cut at once": "{",
    "joined": f'{{"step": 12, "ep{RECORD}\n{RECORD}\n',
    "zeros": "\0" * 300,
    "zeros behind": f"{RECORD}\n" + "\0" * 99,
    "zeros between": '{"step": 1, "epo' + "\0" * 99 + f'sed": 2.0}}\n{RECORD}\n',
}
#: lines of other programs
FOREIGN = {
    "visits": '{"visitor": 1}\n',
    "steps": '{"step": 1, "loss": 0.5}\n',
    "steps, cut": f'{RECORD}\n{{"step": 2, "lo',
    "steps and epochs": '{"step": 1, "epoch": 0.5, "loss": 0.5}\n',
    "text": f"{RECORD}\nstep 1\n",
    "a list": "[1, 2]\n",
}


def _run(folder: Path, config: str = WRITTEN, log: str | None = None) -> RunFolder:
    folder.mkdir()
    (folder / "config.toml").write_text(config)
    if log is not None:
        (folder / "log.jsonl").write_text(log)
    return RunFolder(folder, print)


@pytest.mark.parametrize("kind", SAME)
@pytest.mark.parametrize("trained", [True, False])
def test_options_that_come_to_the_same_stay(tmp_path: Path, kind: str, trained: bool) -> None:
    run = _run(tmp_path / "run", SAME[kind], f"{RECORD}\n")
    options = resolved(TrainOptions(**{**vars(OPTIONS), "output": run.path}))
    if trained:
        run.last.write_bytes(b"a checkpoint")
    with run.resumed(options) if trained else run.reserved(again=options):
        if trained:
            run.go_on(options, 1)
        else:
            run.begin(options)
    assert run.config.read_text() == SAME[kind]


@pytest.mark.parametrize("trained", [True, False])
@pytest.mark.parametrize("kind", ["a comment", "own keys"])
def test_edited_options_that_are_others_are_not_replaced(tmp_path: Path, kind: str, trained: bool) -> None:
    run = _run(tmp_path / "run", SAME[kind].replace("steps = 6", "steps = 8"), f"{RECORD}\n")
    if trained:
        run.last.write_bytes(b"a checkpoint")
    before = disk(run.path)
    with (
        pytest.raises(OutputError, match=r"config.toml: was edited"),
        run.resumed(OPTIONS) if trained else run.reserved(again=OPTIONS),
    ):
        pass
    assert disk(run.path) == before


@pytest.mark.parametrize("config", [WRITTEN, SAME["a comment"]])
@pytest.mark.parametrize("left", LEFT)
def test_whatever_is_left_of_its_log_a_run_begins_again(tmp_path: Path, config: str, left: str) -> None:
    run = _run(tmp_path / "run", config, LEFT[left])
    with run.reserved(again=OPTIONS):
        run.begin(OPTIONS)
    assert not run.log.exists() and run.config.read_text() == config


@pytest.mark.parametrize("foreign", FOREIGN)
def test_beside_its_options_a_log_of_something_else_stays(tmp_path: Path, foreign: str) -> None:
    run = _run(tmp_path / "run", log=FOREIGN[foreign])
    before = disk(run.path)
    with (
        pytest.raises(OutputError, match="exists already") as refused,
        run.reserved(again=OPTIONS),
    ):
        pass
    assert refused.value.path == run.log
    assert refused.value.remedy is not None and "--resume" not in refused.value.remedy
    assert disk(run.path) == before


@pytest.mark.parametrize("name", ["card.toml", "curves.png", "panels/step-00000002.png"])
@pytest.mark.parametrize("log", [None, f"{RECORD}\n"])
def test_what_a_run_did_not_make_is_not_replaced_by_beginning_again(
    tmp_path: Path, name: str, log: str | None
) -> None:
    run = _run(tmp_path / "run", log=log)
    mine = run.path / name
    mine.parent.mkdir(exist_ok=True)
    mine.write_bytes(b'name = "mine"' if mine.suffix == ".toml" else encoded("PNG", scene(24, 24)))
    before = disk(run.path)
    with pytest.raises(OutputError, match="exists already") as refused, run.reserved(again=OPTIONS):
        pass
    assert refused.value.path is not None and mine.is_relative_to(refused.value.path)
    assert disk(run.path) == before


@pytest.mark.parametrize("log", [None, f"{RECORD}\n"])
def test_curves_that_a_run_drew_are_its_own(tmp_path: Path, log: str | None) -> None:
    run = _run(tmp_path / "run", log=log)
    draw_curves([json.loads(RECORD)], run.path / "curves.png", "a")
    with run.reserved(again=OPTIONS):
        run.begin(OPTIONS)
    assert (run.path / "curves.png").exists()


#: where data lies in a folder, and outputs in it which the next look would take for a part of the data
PARTS_OF_DATA = [
    ("train", "HR"),
    ("train", "LR"),
    ("train", "train/LR"),
    ("train", "hr/run"),
    (".", "LR"),
    (".", "LR_x2/run"),
    ("HR", "X2"),
    ("HR", "run/LR"),
    ("HR", "LR/X2"),
    ("HR", "link"),
    ("HR", "test"),
]


@pytest.mark.parametrize(("inner", "output"), PARTS_OF_DATA)
def test_a_run_is_no_part_of_its_data_by_its_name(
    srnet: Program, tmp_path: Path, inner: str, output: str
) -> None:
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    (data / inner).mkdir(parents=True)
    for number in range(2):
        (data / inner / f"{number}.png").write_bytes(encoded("PNG", scene(24, 24)))
    if output == "link":
        elsewhere.mkdir()
        (data / "GT").symlink_to(elsewhere)
        output = str(elsewhere)
    before = disk(tmp_path)
    ended = srnet("train", "--data", data, "-o", data / output, "--model", "srnet_lite", "--scale", "2")
    # An empty LR/ is enough for this look at the data; the others have their effect with the curves.
    assert len(ended.errors) == 1 and "would be taken for a part of" in ended.err
    assert disk(tmp_path) == before


@pytest.mark.parametrize(
    ("inner", "output"),
    [(".", "train"), (".", "train/one"), (".", "x2"), (".", "X2"), ("HR", "HR/run"), ("train", "runs")],
)
def test_other_folders_in_the_data_may_hold_a_run(
    srnet: Program, tmp_path: Path, inner: str, output: str
) -> None:
    """It gets as far as the photographs, which are too small, and the next look finds them alone."""
    data = tmp_path / "data"
    (data / inner).mkdir(parents=True)
    (data / inner / "0.png").write_bytes(encoded("PNG", scene(24, 24)))
    command = ("train", "--data", data, "-o", data / output, "--model", "srnet_lite", "--scale", "2")
    for _ in range(2):
        ended = srnet(*command, "--patch-size", "16")
        assert ended.code == 1 and "no photograph of at least 32" in ended.err
        (data / output).mkdir(parents=True, exist_ok=True)
        assert ": 1 photographs" in ended.err


@pytest.mark.parametrize("output", ["X2", "LR/X2", "LR/2", "LR_x2", "more/HR"])
def test_a_run_in_the_place_of_lr_says_so(srnet: Program, tmp_path: Path, output: str) -> None:
    """Its new folder, which is empty, hides the LR that is there: what was said was that pairs have no LR."""
    data = tmp_path / "data"
    for name, side in (("LR", 24), ("HR", 48)):
        (data / name).mkdir(parents=True)
        (data / name / "0.png").write_bytes(encoded("PNG", scene(side, side)))
    command = ("train", "--data", data, "--model", "srnet_lite", "--scale", "2")
    before = disk(tmp_path)
    ended = srnet(*command, "-o", data / output)
    assert len(ended.errors) == 1
    assert f"{data / output} would be taken for a part of {data} by its name" in ended.err
    assert disk(tmp_path) == before
    for other in ("X3", "LR/X3", "run"):
        ended = srnet(*command, "-o", data / other)
        assert len(ended.errors) == 1 and "no pair is as large as a patch" in ended.err


@pytest.mark.parametrize("output", ["run", "X2", "train"])
def test_data_that_is_none_is_not_blamed_on_the_run(srnet: Program, tmp_path: Path, output: str) -> None:
    (tmp_path / "data" / "empty").mkdir(parents=True)
    ended = srnet("train", "--data", tmp_path / "data", "-o", tmp_path / "data" / output, "--scale", "2")
    assert len(ended.errors) == 1 and "no training data found" in ended.err
