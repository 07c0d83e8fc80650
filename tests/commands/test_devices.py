"""``srnet devices``: the table, what ``auto`` takes, and what is measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from srnet_cli.compute import devices as table
from srnet_cli.compute import measurements, vulkan
from srnet_cli.compute.devices import Device, Kind
from srnet_cli.compute.measurements import Speed
from srnet_cli.errors import DeviceError
from srnet_cli.main import app
from srnet_cli.zooming.guarding import speeds

CPU = Device(
    "cpu",
    "A processor of a name that is much too long for a table",
    "processor",
    torch.float32,
    16 << 30,
)
INTEGRATED = Device("vulkan:0", "Graphics in the processor", "integrated", torch.float16, 4 << 30)
SOFTWARE = Device("vulkan:1", "llvmpipe", "software", torch.float32, None)


@pytest.fixture
def laptop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine with an integrated card, a software one, and an empty cache folder."""
    found = (INTEGRATED, SOFTWARE)
    kinds = (
        Kind("vulkan", "Vulkan", lambda: 2, lambda: found, "", trains=False),
        Kind("cpu", "the processor", lambda: 1, lambda: (CPU,), ""),
    )
    monkeypatch.setattr(table, "KINDS", kinds)
    monkeypatch.setattr("srnet_cli.compute.device.KINDS", kinds)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def shown(*arguments: str) -> dict[str, object]:
    result = CliRunner().invoke(app, ["devices", "--json", *arguments])
    assert result.exit_code == 0, result.output
    document: dict[str, object] = json.loads(result.stdout)
    return document


def test_the_listing_fits_a_terminal(laptop: None) -> None:
    measurements.keep({CPU: Speed(3.91, 43.5), SOFTWARE: Speed(470, 5226)})
    result = CliRunner().invoke(app, ["devices"])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines[1:4]] == ["vulkan:0", "vulkan:1", "cpu"]
    assert "3.9 s" in lines[3] and "44 s" in lines[3] and "cpu *" in lines[3]


def test_the_real_machine_is_listed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    document = shown()
    assert document["instruction_sets"]
    names = [device["name"] for device in document["devices"]]  # type: ignore[attr-defined]
    assert names[-1] == "cpu" and document["auto"] in names


def test_measuring_decides_what_auto_takes(laptop: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown()["auto"] == "cpu"
    times = {"cpu": Speed(4, 40), "vulkan:0": Speed(2, 30), "vulkan:1": Speed(0.1, 1)}
    monkeypatch.setattr(speeds, "measure_device", lambda device: times[device.name])
    document = shown("--measure")
    assert document["auto"] == "vulkan:0"
    assert shown() == document
    times["vulkan:0"] = Speed(9, 90)
    assert shown("--measure")["auto"] == "cpu"


def test_a_device_that_fails_is_named_and_the_rest_measured(
    laptop: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure(device: Device) -> Speed:
        if device is INTEGRATED:
            raise DeviceError("vulkan:0 in fp16: gave a wrong picture")
        return Speed(4, 40)

    monkeypatch.setattr(speeds, "measure_device", measure)
    result = CliRunner().invoke(app, ["devices", "--measure"])
    assert result.exit_code == 0 and "gave a wrong picture" in result.stderr
    assert "4 s" in result.stdout


@pytest.mark.parametrize("content", ["", "[]", '{"x": 3}', '{"cpu": {"light": "fast"}}', "\0"])
def test_a_damaged_file_of_measurements_counts_as_none(laptop: None, tmp_path: Path, content: str) -> None:
    (tmp_path / "srnet").mkdir()
    (tmp_path / "srnet" / measurements.FILE).write_text(content)
    assert measurements.measured(CPU) is None
    measurements.keep({CPU: Speed(1, 2)})
    assert measurements.measured(CPU) == Speed(1, 2)
    assert measurements.measured(INTEGRATED) is None


def card(name: str, place: table.Place = "card") -> Device:
    return Device(name, name, place, torch.float16, None)


@pytest.mark.parametrize(
    ("found", "seconds", "taken"),
    [
        ((CPU,), {}, "cpu"),
        ((card("cuda:0"), card("cuda:1"), CPU), {}, "cuda:0"),
        ((card("xpu:0"), card("vulkan:0"), CPU), {}, "xpu:0"),
        ((card("vulkan:0"), CPU), {}, "vulkan:0"),
        ((INTEGRATED, SOFTWARE, CPU), {}, "cpu"),
        ((INTEGRATED, card("vulkan:2"), CPU), {}, "vulkan:2"),
        ((INTEGRATED, CPU), {"cpu": 9.0, "vulkan:0": 3.0}, "vulkan:0"),
        ((INTEGRATED, CPU), {"cpu": 3.0, "vulkan:0": 3.0}, "cpu"),
        ((INTEGRATED, CPU), {"vulkan:0": 3.0}, "cpu"),
        ((SOFTWARE, CPU), {"cpu": 9.0, "vulkan:1": 3.0}, "cpu"),
        ((card("cuda:0"), CPU), {"cuda:0": 5.0, "cpu": 3.0}, "cpu"),
        # A card that came later is not held against the times of others.
        ((card("cuda:0"), CPU), {"cpu": 3.0}, "cuda:0"),
    ],
)
def test_what_auto_takes(found: tuple[Device, ...], seconds: dict[str, float], taken: str) -> None:
    choice = table.choose(found, seconds)
    assert choice.device.name == taken and choice.reason


def test_cards_are_what_the_driver_says(monkeypatch: pytest.MonkeyPatch) -> None:
    cards = (
        vulkan.Card(0, "Big", "discrete", 8 << 30),
        vulkan.Card(1, "Small", "integrated", 2 << 30),
        vulkan.Card(2, "llvmpipe", "software", 1 << 30),
    )
    monkeypatch.setattr(vulkan, "cards", lambda: cards)
    found = [device for device in table.find_devices() if device.kind == "vulkan"]
    assert [(d.name, d.place, d.dtype) for d in found] == [
        ("vulkan:0", "card", torch.float16),
        ("vulkan:1", "integrated", torch.float16),
        ("vulkan:2", "software", torch.float32),
    ]
    assert not [d for d in table.find_devices(training=True) if d.kind == "vulkan"]
