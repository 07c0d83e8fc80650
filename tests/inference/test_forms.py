"""The inference form computes the training form's function."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from srnet_cli.inference.forms import to_inference
from srnet_cli.inference.interior import interior_of
from srnet_cli.inference.srnet import InferenceSRNet
from srnet_cli.models.store import load_model
from srnet_cli.network.attention import ATTENTIONS
from srnet_cli.network.blocks import NetworkOutput
from srnet_cli.network.lite import SRNetLite, SRNetLiteOptions
from srnet_cli.network.srnet import SRNet, SRNetOptions, Wiring
from tests.network.fixtures import error

#: between two forms of one network, relative to the largest value of the picture
ROUNDING = 5e-6


def trained_like(network: SRNet, seed: int = 0) -> SRNet:
    """Weights that move the output by tens of levels, and BatchNorm statistics far from their start."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                assert module.running_mean is not None and module.running_var is not None
                module.running_mean.copy_(torch.randn(module.num_features, generator=generator) * 3)
                module.running_var.copy_(torch.rand(module.num_features, generator=generator) * 4 + 0.1)
                module.weight.copy_(torch.randn(module.num_features, generator=generator))
                module.bias.copy_(torch.randn(module.num_features, generator=generator))
    return network.eval()


def small(seed: int = 0, **options: object) -> SRNet:
    torch.manual_seed(seed)
    settings = {"scale": 2, "n_feats": 32, "n_resblocks": 2, **options}
    return trained_like(SRNet(SRNetOptions(**settings)), seed)  # type: ignore[arg-type]


def picture(size: int, seed: int = 1, n: int = 1) -> Tensor:
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(seed)) * 255


def run(network: nn.Module, lr: Tensor, residual: bool) -> NetworkOutput:
    with torch.inference_mode():
        output: NetworkOutput = network(lr, residual)
    return output


def assert_same(network: SRNet, lr: Tensor, residual: bool) -> None:
    expected = run(network, lr, residual)
    got = run(to_inference(network), lr, residual)
    assert got.sr.dtype == torch.float32 and got.sr.shape == expected.sr.shape
    assert error(got.sr, expected.sr) <= ROUNDING
    if expected.residual is None:
        assert got.residual is None
    else:
        assert got.residual is not None
        assert error(got.residual, expected.residual) <= ROUNDING


@pytest.mark.parametrize("auxiliary", [True, False])
@pytest.mark.parametrize("kind", ATTENTIONS)
def test_every_attention(kind: str, auxiliary: bool) -> None:
    network = small(attention=kind, auxiliary=auxiliary)
    assert_same(network, picture(12), residual=auxiliary)


@pytest.mark.parametrize("wiring", ["code", "figure"])
@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_every_scale_and_wiring(scale: int, wiring: Wiring) -> None:
    assert_same(small(scale=scale, wiring=wiring), picture(10), residual=True)


def test_a_learned_mixture_of_the_streams() -> None:
    network = small(fusion_mix="learned")
    assert network.fusion_head is not None
    with torch.no_grad():
        network.fusion_head.weight.add_(torch.randn(network.fusion_head.weight.shape) * 0.1)
    assert_same(network, picture(12), residual=True)


@pytest.mark.parametrize("size", [7, 8, 10, 33, 40])
def test_every_remainder_of_columns_and_strips(size: int) -> None:
    assert_same(small(scale=4), picture(size), residual=False)


def test_the_yardstick_of_the_benchmark_computes_the_same() -> None:
    from benchmarks.authors_form import AuthorsForm

    network = small(scale=4)
    lr = picture(12)
    expected, got = run(network, lr, True), run(AuthorsForm(network), lr, True)
    assert expected.residual is not None and got.residual is not None
    assert error(got.sr, expected.sr) <= ROUNDING
    assert error(got.residual, expected.residual) <= ROUNDING


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_raw_mosaic_in(dtype: torch.dtype) -> None:
    network = small(auxiliary=False, in_channels=4)
    lr = torch.rand(1, 4, 12, 12, generator=torch.Generator().manual_seed(2)) * 255
    expected, got = run(network, lr, False), run(to_inference(network, dtype=dtype), lr, False)
    assert error(got.sr, expected.sr) <= (ROUNDING if dtype == torch.float32 else 0.01)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("mix", ["fixed", "learned"])
def test_two_streams_of_a_mosaic(dtype: torch.dtype, mix: str) -> None:
    network = small(scale=4, in_channels=4, fusion_mix=mix)
    lr = torch.rand(2, 4, 12, 12, generator=torch.Generator().manual_seed(2)) * 255
    expected, got = run(network, lr, True), run(to_inference(network, dtype=dtype), lr, True)
    assert expected.residual is not None and got.residual is not None
    allowed = ROUNDING if dtype == torch.float32 else 0.02
    assert error(got.sr, expected.sr) <= allowed
    assert error(got.residual, expected.residual) <= (1e-4 if dtype == torch.float32 else 0.05)


def test_residual_scale_and_untrained_statistics() -> None:
    torch.manual_seed(3)
    for kind in ("none", "ca+mpr-sa"):
        network = SRNet(SRNetOptions(scale=2, n_resblocks=2, res_scale=0.1, attention=kind)).eval()
        assert_same(network, picture(12), residual=True)


def test_full_size_network() -> None:
    torch.manual_seed(4)
    assert_same(trained_like(SRNet()), picture(24), residual=True)


def test_batches_equal_single_tiles_and_repeat_exactly() -> None:
    fast = to_inference(small(scale=4))
    tiles = picture(16, n=3)
    together = run(fast, tiles, True)
    assert torch.equal(together.sr, run(fast, tiles, True).sr)
    for index in range(3):
        alone = run(fast, tiles[index : index + 1], True)
        assert torch.equal(together.sr[index : index + 1], alone.sr)
        assert together.residual is not None and alone.residual is not None
        assert torch.equal(together.residual[index : index + 1], alone.residual)


def test_network_and_input_are_left_alone() -> None:
    network = small()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    lr = picture(12)
    kept = lr.clone()
    run(to_inference(network), lr, True)
    assert torch.equal(lr, kept)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_without_fused_operators(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("srnet_cli.inference.fused.can_fuse", lambda *_: False)
    network = small(scale=4)
    lr = picture(20)
    expected, got = run(network, lr, True), run(to_inference(network, dtype=dtype), lr, True)
    assert error(got.sr, expected.sr) <= (ROUNDING if dtype == torch.float32 else 0.01)


def test_not_square() -> None:
    with pytest.raises(ValueError, match="square"):
        run(to_inference(small()), torch.zeros(1, 3, 8, 12), False)
    lr = torch.rand(1, 3, 8, 12) * 255
    assert_same(small(attention="ca"), lr, residual=True)


def test_unknown_network_still_runs() -> None:
    class Doubler(nn.Module):
        def forward(self, lr: Tensor, residual: bool = False) -> NetworkOutput:
            return NetworkOutput(lr.repeat_interleave(2, 2).repeat_interleave(2, 3))

    fast = to_inference(Doubler())
    assert not isinstance(fast, InferenceSRNet)
    lr = picture(4)
    assert torch.equal(run(fast, lr, False).sr, Doubler()(lr).sr)


def test_other_types_are_refused() -> None:
    with pytest.raises(ValueError, match="float64"):
        to_inference(small(), dtype=torch.float64)


def test_bfloat16_on_trained_weights(shared: Path) -> None:
    network = load_model("srnet-x4").network
    lr = photograph(shared, 64)
    exact = run(network, lr, False).sr
    assert error(run(to_inference(network), lr, False).sr, exact) <= ROUNDING
    rounded = run(to_inference(network, dtype=torch.bfloat16), lr, False).sr
    assert psnr(rounded, exact) >= 65


def photograph(shared: Path, size: int) -> Tensor:
    """The centre of the first validation photograph, 1×3×size×size."""
    import cv2

    path = next(path for path in sorted((shared / "data" / "valid").rglob("*")) if path.is_file())
    bgr = cv2.imread(str(path))
    assert bgr is not None
    pixels = torch.from_numpy(bgr[:, :, ::-1].copy()).permute(2, 0, 1).float()
    top, left = (pixels.shape[1] - size) // 2, (pixels.shape[2] - size) // 2
    return pixels[None, :, top : top + size, left : left + size].contiguous()


def psnr(a: Tensor, b: Tensor) -> float:
    return float(10 * torch.log10(255**2 / (a - b).square().mean()))


@pytest.mark.parametrize(("height", "width"), [(24, 33), (40, 30)])
@pytest.mark.parametrize("residual", [True, False])
def test_the_inside_of_the_light_network_is_the_whole_without_its_rim(
    height: int, width: int, residual: bool
) -> None:
    torch.manual_seed(5)
    network = SRNetLite(SRNetLiteOptions(scale=2, n_feats=16, n_resblocks=2)).eval()
    lr = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(6)) * 255
    interior = interior_of(to_inference(network))
    assert interior is not None
    expected, inside = run(network, lr, residual), interior(lr, residual)
    rim = 2 * network.receptive_radius
    for whole, part in zip(expected, inside, strict=True):
        assert (whole is None) == (part is None)
        if whole is not None and part is not None:
            assert error(part, whole[:, :, rim:-rim, rim:-rim]) <= ROUNDING


def test_a_network_without_a_fast_form_says_how_far_it_sees() -> None:
    class Own(SRNetLite):
        """Another type than the one that has a fast form."""

    network = Own(SRNetLiteOptions(scale=2, n_feats=16, n_resblocks=1))
    assert getattr(to_inference(network), "receptive_radius", None) == network.receptive_radius
    assert interior_of(to_inference(network)) is None
