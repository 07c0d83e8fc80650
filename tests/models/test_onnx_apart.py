"""Exports that would end the process: networks that join their weights in forward, and exporters that die."""

from __future__ import annotations

import getpass
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from srnet_cli.errors import ProcessDiedError, UsageError, WeightsError
from srnet_cli.models import onnx_export
from srnet_cli.models.apart import run_apart
from srnet_cli.models.card import Card
from srnet_cli.models.compiled import CODE_FOLDER
from srnet_cli.models.fused import fused
from srnet_cli.models.store import LoadedModel, save_model
from srnet_cli.network.blocks import NetworkOutput
from srnet_cli.network.registry import build_network
from tests.faults.program import PATIENCE, environment


class Joining(nn.Module):
    """Two convolutions whose sum is computed as one in every forward, as SPAN does, in inference mode."""

    scale = 2

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.first, self.second, self.joined = (nn.Conv2d(3, 12, 3, padding=1) for _ in range(3))
        self.kept: Tensor | None = None

    def forward(self, lr: Tensor, residual: bool = False) -> NetworkOutput:
        with torch.inference_mode():
            self.kept = self.first.weight.data.clone().detach() + self.second.weight.data
            self.joined.weight.data = self.kept.contiguous()
            self.joined.bias.data = self.first.bias.data + self.second.bias.data  # type: ignore[union-attr]
            return NetworkOutput(nn.functional.pixel_shuffle(self.joined(lr), 2))


def test_weights_are_joined_before_tracing_and_left_alone_in_it() -> None:
    network = Joining().eval()
    weight = network.first.weight + network.second.weight
    with fused(network, torch.zeros(1, 3, 16, 16)):
        assert torch.equal(network.joined.weight, weight)
        assert not network.joined.weight.is_inference()
        network.first.weight.data = torch.zeros_like(weight)
        assert network.first.weight.abs().min() > 0
    network.first.weight.data = torch.zeros_like(weight)
    assert network.first.weight.abs().max() == 0


def test_a_network_that_joins_its_weights_in_forward_is_exported(tmp_path: Path) -> None:
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package, reason="the extra 'onnx' and onnxruntime are not installed")
    import onnxruntime

    model = LoadedModel(
        Joining().eval(), Card("j", "peer:joining", 2, tile=32, overlap=4), tmp_path / "j.pth"
    )
    # In a process of its own: what goes wrong in tracing ends it.
    target = tmp_path / "net.onnx"
    assert run_apart(onnx_export.export_onnx, model, target) is None
    lr = torch.rand(1, 3, 20, 31) * 255
    (found,) = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"]).run(
        ["sr"], {"lr": lr.numpy()}
    )
    expected = Joining().eval()(lr).sr
    assert (torch.from_numpy(found) - expected).abs().max() < 1e-4 * expected.abs().max()


def double(number: int) -> int:
    return 2 * number


def refuse(path: Path) -> None:
    raise UsageError("too small", path=path, remedy="8 or more")


def fail() -> None:
    raise RuntimeError("of a library")


def die(name_or_path: str | Path, crisp: float | None, target: Path, tile: int | None) -> int | None:
    target.write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGSEGV)
    return None


def test_what_a_call_in_another_process_gives_and_raises(tmp_path: Path) -> None:
    assert run_apart(double, 21) == 42
    with pytest.raises(UsageError) as caught:
        run_apart(refuse, tmp_path)
    assert (caught.value.path, caught.value.reason, caught.value.remedy) == (
        tmp_path,
        "too small",
        "8 or more",
    )
    assert "in refuse" in str(caught.value.__cause__)
    with pytest.raises(Exception, match="unexpected RuntimeError: of a library"):
        run_apart(fail)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_an_exporter_that_dies_is_a_line_and_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProcessDiedError, match="SIGSEGV"):
        run_apart(die, "", None, tmp_path / "half", None)
    (tmp_path / "half").unlink()
    folder = tmp_path / "net"
    network = build_network("srnet_lite", 2, n_feats=16, n_resblocks=1)
    save_model(folder, network, Card("net", "srnet_lite", 2, {"n_feats": 16, "n_resblocks": 1}), half=False)
    monkeypatch.setattr(onnx_export, "_load_and_write", die)
    (tmp_path / "results").mkdir()
    with pytest.raises(WeightsError, match=r"the process died \(SIGSEGV\).*as it is"):
        onnx_export.export_apart(folder, None, tmp_path / "results" / "net.onnx")
    assert list((tmp_path / "results").iterdir()) == []


def test_the_exporter_obeys_no_folder_that_others_can_make(tmp_path: Path) -> None:
    """torch asks ``/tmp/torchinductor_NAME``, whoever made it, what to leave out, and writes counts there."""
    for package in ("onnx", "onnxscript"):
        pytest.importorskip(package, reason="the extra 'onnx' is not installed")
    torch.manual_seed(3)
    sizes = {"n_feats": 16, "n_resblocks": 1}
    network = build_network("srnet", 2, **sizes)
    save_model(tmp_path / "net", network, Card("net", "srnet", 2, dict(sizes), tile=24, overlap=4))
    everybodys, photo = tmp_path / "tmp", tmp_path / "photo.jpg"
    photo.write_bytes(b"a picture")
    planted = everybodys / f"torchinductor_{getpass.getuser()}" / "bisect"
    subsystem = planted / "aot_eager_decomp_partition"
    subsystem.mkdir(parents=True)
    (planted / "bisect_status.txt").write_text(
        "backend=aot_eager_decomp_partition\nsubsystem=decomposition\n"
    )
    (subsystem / "decomposition_run_state.txt").write_text("find_max_bounds")
    (subsystem / "decomposition_bisect_range.txt").symlink_to(photo)
    given = environment({"TMPDIR": str(everybodys)})
    given.pop(CODE_FOLDER, None)
    command = [
        sys.executable,
        "-m",
        "srnet_cli",
        "--quiet",
        "export",
        str(tmp_path / "net"),
        "-o",
        "net.onnx",
    ]
    ended = subprocess.run(
        command, env=given, cwd=tmp_path, check=True, timeout=PATIENCE, capture_output=True, text=True
    )
    assert ended.stderr == ""
    assert (tmp_path / "net.onnx").stat().st_size > 1000
    assert photo.read_bytes() == b"a picture"
    assert [path.name for path in everybodys.iterdir()] == [planted.parent.name]
