"""Kinds of devices that are not here, by stand-ins that answer what torch or a driver would."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from srnet_cli.compute import mps, processor, vulkan, xpu
from srnet_cli.compute.device import (
    check_precision,
    choose_device,
    choose_precision,
    device_title,
    precision_name,
)
from srnet_cli.compute.devices import find_devices
from srnet_cli.errors import DeviceError, MissingExtraError, UsageError
from srnet_cli.version import extra_command


class IntelCards:
    """``torch.xpu`` of a machine with a large card and one that has no float16."""

    def is_available(self) -> bool:
        return True

    def device_count(self) -> int:
        return 2

    def get_device_name(self, device: torch.device) -> str:
        return f"Arc {device.index}"

    def get_device_properties(self, device: torch.device) -> SimpleNamespace:
        return SimpleNamespace(total_memory=(16 - device.index) << 30, has_fp16=device.index == 0)


def test_intel_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xpu, "xpu", IntelCards())
    found = {d.name: d for d in find_devices(training=True)}
    assert found["xpu:0"].title == device_title(torch.device("xpu", 0)) == "Arc 0"
    assert (found["xpu:0"].dtype, found["xpu:1"].dtype) == (torch.float16, torch.float32)
    assert found["xpu:1"].memory == 15 << 30
    assert choose_device("xpu") == choose_device("xpu:0") == torch.device("xpu", 0)
    assert choose_precision("auto", choose_device("xpu:1")) == torch.float32
    with pytest.raises(DeviceError, match="there are 2 XPU devices, so no xpu:2"):
        choose_device("xpu:2")


@pytest.mark.parametrize("there", [None, SimpleNamespace(is_available=lambda: False)])
def test_without_an_intel_card(monkeypatch: pytest.MonkeyPatch, there: object) -> None:
    monkeypatch.setattr(xpu, "xpu", there)
    with pytest.raises(DeviceError, match="XPU was asked for, but there is none"):
        choose_device("xpu")


@pytest.mark.parametrize("memory", [12 << 30, None])
def test_apple(monkeypatch: pytest.MonkeyPatch, memory: int | None) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    asked = SimpleNamespace() if memory is None else SimpleNamespace(recommended_max_memory=lambda: memory)
    monkeypatch.setattr(mps, "mps", asked)
    (found,) = [d for d in find_devices() if d.kind == "mps"]
    assert (found.name, found.memory, found.dtype) == ("mps", memory, torch.float32)
    assert choose_device("mps") == torch.device("mps") and device_title(torch.device("mps")) == "mps"


def test_vulkan_without_the_extra_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vulkan, "installed", lambda: False)
    with pytest.raises(MissingExtraError, match=re.escape(extra_command("vulkan"))):
        choose_device("vulkan", training=False)


def test_vulkan_does_not_train(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="does not train"):
        choose_device("vulkan")


def test_vulkan_cards_have_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vulkan, "installed", lambda: True)
    monkeypatch.setattr(vulkan, "cards", lambda: (vulkan.Card(0, "A card", "discrete", 4 << 30),))
    assert choose_device("vulkan", training=False) == torch.device("vulkan", 0)
    assert choose_precision("auto", torch.device("vulkan", 0)) == torch.float16
    with pytest.raises(DeviceError, match="there are 1 Vulkan devices, so no vulkan:1"):
        choose_device("vulkan:1", training=False)
    with pytest.raises(UsageError, match="fp32 or fp16"):
        choose_precision("bf16", torch.device("vulkan", 0))
    monkeypatch.setattr(vulkan, "cards", lambda: ())
    with pytest.raises(DeviceError, match="Vulkan was asked for, but there is none"):
        choose_device("vulkan", training=False)


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "crashed"),
        ("import time; time.sleep(60)", "did not answer within"),
        ("raise SystemExit('vkCreateInstance failed -9')", "vkCreateInstance failed -9"),
    ],
)
def test_a_driver_takes_down_only_a_child(
    script: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = tmp_path / "child.py"
    child.write_text(script)
    monkeypatch.setattr("srnet_cli.compute.vulkan.ncnn_process.__file__", str(child))
    monkeypatch.setattr(vulkan, "PATIENCE", 3.0)
    monkeypatch.setattr(vulkan, "TRIAL_PATIENCE", 3.0)
    monkeypatch.setattr(vulkan, "installed", lambda: True)
    program = vulkan.Program("", b"", ("x", "y"))
    with pytest.raises(DeviceError, match=complaint):
        vulkan.try_in_child(program, torch.zeros(3, 4, 4).numpy(), 0, False)
    vulkan.cards.cache_clear()
    try:
        assert vulkan.cards() == ()
    finally:
        vulkan.cards.cache_clear()


def test_emulated_bf16_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cpu = torch.device("cpu")
    monkeypatch.setattr(processor, "has_bf16", lambda: False)
    assert check_precision("bf16", cpu) == torch.bfloat16
    assert check_precision("auto", cpu) == torch.float32
    assert capsys.readouterr().err.count("emulated") == 1
    monkeypatch.setattr(processor, "has_bf16", lambda: True)
    assert precision_name(check_precision("bf16", cpu)) == "bf16"
    assert "emulated" not in capsys.readouterr().err


def test_the_processor_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    assert processor.title() and processor.instruction_sets()
    for name in ("_is_avx2_supported", "_is_avx512_supported", "_is_avx512_bf16_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda: False, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False, raising=False)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "SVE256")
    assert processor.instruction_sets() == ("SVE256",)
    assert not processor.has_bf16() and not processor.is_without_avx512()


def test_bf16_does_not_count_where_torch_stays_within_avx2(monkeypatch: pytest.MonkeyPatch) -> None:
    """As ``ATEN_CPU_CAPABILITY=avx2`` has it on a processor with more: bf16 would be emulated there."""
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True, raising=False)
    for capability, native in (("AVX512", True), ("AVX2", False)):
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda found=capability: found)
        assert processor.has_bf16() is native
        assert choose_precision("auto", torch.device("cpu")) == (torch.bfloat16 if native else torch.float32)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not say")
def test_the_memory_is_known() -> None:
    assert (processor.memory() or 0) > 1 << 28
