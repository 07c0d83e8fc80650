"""A run's checkpoint whose optimiser, scaler or network is not what a run writes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from srnet_cli.training.run.kept import check_scaler, fitting
from srnet_cli.training.step.muon import Muon
from tests.faults.pictures import encoded, scene
from tests.faults.program import Ended, Program, disk

Document = dict[str, Any]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for number in range(2):
        (folder / f"{number}.png").write_bytes(encoded("PNG", scene(64, 64)))
    return folder


@pytest.fixture(scope="module", params=["adam", "muon"])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    from srnet_cli import main

    run = tmp_path_factory.mktemp("runs") / request.param
    assert main._run([str(a) for a in _command(data, run, request.param, 1)], debug=False) == 0
    return run


def _command(data: Path, run: Path, optimizer: str, steps: int) -> tuple[str | Path, ...]:
    options = ("--model", "srnet_lite", "--scale", "2", "--patch-size", "16", "--batch-size", "2")
    ways = ("--optimizer", optimizer, "--steps", str(steps), "--device", "cpu")
    return "train", "--data", data, "-o", run, *options, *ways


def _resumed(
    srnet: Program, data: Path, trained: Path, run: Path, change: Callable[[Document], None]
) -> Ended:
    shutil.copytree(trained, run)
    document = torch.load(run / "last.pt", weights_only=True)
    change(document)
    torch.save(document, run / "last.pt")
    before = disk(run)
    ended = srnet(*_command(data, run, trained.name, 2), "--resume")
    assert ended.code == 0 or disk(run) == before
    return ended


def _first(document: Document) -> tuple[dict[str, Any], str]:
    """The first state of the optimiser, and the name of a mean in it."""
    state = next(iter(document["optimizer"]["state"].values()))
    return state, next(name for name in state if name != "step")


def _huge(document: Document) -> None:
    state, name = _first(document)
    state[name] = torch.zeros(1).expand(10**12)


def _strided(document: Document) -> None:
    state, name = _first(document)
    state[name] = torch.zeros(1).expand(state[name].shape)


def _sparse(document: Document) -> None:
    state, name = _first(document)
    state[name] = torch.zeros(state[name].shape).to_sparse()


def _named(document: Document) -> None:
    document["optimizer"]["state"]["a"] = {}


def _set(name: str, value: object) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        document["optimizer"]["param_groups"][0][name] = value

    return change


def _step(value: object) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        _first(document)[0]["step"] = value

    return change


def _progress(name: str, value: object) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        document["progress"][name] = value

    return change


def _without_mean(document: Document) -> None:
    state, name = _first(document)
    del state[name]


HARMS: dict[str, tuple[Callable[[Document], None], str]] = {
    "larger than the parameter": (_huge, "of its optimiser is 1000000000000 for a parameter of "),
    "one value for all": (_strided, "of its optimiser claims more values than the file holds"),
    "sparse": (_sparse, "of its optimiser is no plain tensor of numbers"),
    "missing mean": (_without_mean, "its optimiser keeps ['step'"),
    "no parameter": (_named, "its optimiser has a parameter 'a'"),
    "step": (_step("a"), "its optimiser keeps a step that is no number"),
    "steps": (_step(torch.zeros(1).expand(10**12)), "its optimiser keeps a step that is no number"),
    "three betas": (_set("betas", (0.9, 0.9, 0.9)), "betas of its optimiser is (0.9, 0.9, 0.9)"),
    "beta of 1": (_set("betas", (1, 0.9)), "betas of its optimiser is (1, 0.9)"),
    "text": (_set("amsgrad", "yes"), "amsgrad of its optimiser is 'yes'"),
    "another algorithm": (_set("amsgrad", True), "amsgrad of its optimiser is True"),
    "tensor": (_set("weight_decay", torch.zeros(3)), "weight_decay of its optimiser is a tensor"),
    "beyond all numbers": (_set("eps", 10**400), "eps of its optimiser is 1000"),
    "endless": (_progress("elapsed", 10**400), "int too large to convert to float"),
    "no number": (_set("eps", float("nan")), "eps of its optimiser is nan"),
}


@pytest.mark.parametrize("kind", list(HARMS))
def test_an_optimiser_that_none_wrote_is_refused(
    srnet: Program, data: Path, trained: Path, tmp_path: Path, kind: str
) -> None:
    change, said = HARMS[kind]
    ended = _resumed(srnet, data, trained, tmp_path / trained.name, change)
    (line,) = ended.errors
    assert ended.code == 1
    assert "last.pt: is not a checkpoint of a training run: " in line and said in line
    assert "copy best.pt over last.pt" in ended.err


def test_settings_of_other_releases_of_torch_are_passed_over(
    srnet: Program, data: Path, trained: Path, tmp_path: Path
) -> None:
    def change(document: Document) -> None:
        for group in document["optimizer"]["param_groups"]:
            del group["maximize"]
            group.update(added="later", weight_decay=0.0, betas=[0.9, 0.99])

    assert _resumed(srnet, data, trained, tmp_path / trained.name, change).code == 0


@pytest.mark.parametrize("kind", ["NaN", "number"])
def test_the_reason_is_not_that_it_is_of_the_same_network(
    srnet: Program, data: Path, trained: Path, tmp_path: Path, kind: str
) -> None:
    def change(document: Document) -> None:
        for kept in (document["network"], document.get("trained", {})):
            if kind == "number":
                kept[5] = torch.zeros(3)
            else:
                name = next(name for name in kept if name.endswith("weight")) if kept else "none"
                kept[name] = kept.get(name, torch.zeros(1)) * float("nan")

    ended = _resumed(srnet, data, trained, tmp_path / trained.name, change)
    said = "5 is unknown to the network" if kind == "number" else "weight holds NaN or infinity"
    (line,) = ended.errors
    assert ended.code == 1 and "last.pt: has other tensors than its network: " in line and said in line


def test_a_state_is_taken_from_another_device() -> None:
    """Its rate and how it computed are not."""
    parameters = [torch.nn.Parameter(torch.ones(32, 32, 3, 3)), torch.nn.Parameter(torch.ones(2))]
    optimizer = Muon(parameters, 1e-3, (0.9, 0.99))
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    kept = optimizer.state_dict()
    kept["param_groups"] = [{**group, "lr": 5.0, "fused": True} for group in kept["param_groups"]]
    fits = fitting(Muon(parameters, 1e-3, (0.5, 0.5)), kept)
    assert [(g["lr"], g["fused"], g["betas"], g["params"]) for g in fits["param_groups"]] == [
        (1e-3, None, (0.9, 0.99), [0]),
        (1e-3, None, (0.9, 0.99), [1]),
    ]
    assert fits["state"] is kept["state"]


def test_a_scaler_keeps_numbers() -> None:
    scaler = torch.GradScaler("cpu")
    check_scaler(scaler.state_dict())
    check_scaler({})
    with pytest.raises(ValueError, match="'scale' of its scaler is 'a'"):
        check_scaler(scaler.state_dict() | {"scale": "a"})
