from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from srnet_cli.training.losses import Sample, Setting
from srnet_cli.training.perceptual.adversary import Adversary, Discriminator
from tests.training.runs import CPU, tiny


def make(dtype: torch.dtype = torch.float32, **options: float) -> Adversary:
    chosen = tiny(adversarial_weight=1.0, **{"discriminator_width": 4, **options})
    return Adversary(Setting(chosen, 2, True, CPU, dtype))


def sample(count: int = 2, side: int = 24) -> Sample:
    generator = torch.Generator().manual_seed(0)
    hr = 120 + 20 * torch.randn(count, 3, side, side, generator=generator)
    sr = 120 + 5 * torch.randn(count, 3, side, side, generator=generator)
    return Sample(hr[..., ::2, ::2], hr, sr.requires_grad_(True), None, None)


def gradients(adversary: Adversary) -> list[Tensor]:
    return [p.grad.clone() for p in adversary.network.parameters() if p.grad is not None]


class Mean(nn.Module):
    """Judges a pixel by its red channel."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(1.0))

    def forward(self, picture: Tensor) -> Tensor:
        return self.gain * picture[:, :1]


def test_the_loss_is_minus_the_judgement_and_the_discriminator_learns_by_hinge(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    adversary, judge = make(), Mean()
    monkeypatch.setattr("srnet_cli.training.perceptual.adversary.high_band", lambda picture, scale: picture)
    adversary.network = judge
    adversary._parameters = list(judge.parameters())
    flat = torch.ones(1, 3, 8, 8)
    # The discriminator sees 0.5 where HR is 16 and 2 where SR is 64.
    one = Sample(flat, 16 * flat, (64 * flat).requires_grad_(True), None, None)
    loss = adversary(one)
    assert loss.item() == pytest.approx(-2)
    loss.backward()  # type: ignore[no-untyped-call]
    assert one.sr.grad is not None and one.sr.grad.sum().item() == pytest.approx(-1 / 32)
    assert judge.gain.grad is None
    # d/dg of max(0, 1 − 0.5 g) + max(0, 1 + 2 g) is −0.5 + 2.
    adversary.study(one, weight=0.25)
    assert judge.gain.grad is not None and judge.gain.grad.item() == pytest.approx(0.25 * 1.5)


def test_only_the_high_band_is_judged() -> None:
    adversary, given = make(), sample()
    brighter = replace(given, sr=given.sr.detach() + 60)
    assert adversary(given).item() == pytest.approx(adversary(brighter).item(), abs=1e-5)
    finer = replace(given, sr=given.sr.detach() + 60 * torch.randn_like(given.sr))
    assert abs(adversary(given).item() - adversary(finer).item()) > 1e-3


def test_each_pixel_is_judged_and_nothing_is_normalised_over_the_batch() -> None:
    network = Discriminator(4)
    assert network(torch.rand(2, 3, 24, 20)).shape == (2, 1, 24, 20)
    assert network(torch.rand(1, 3, 17, 23)).shape == (1, 1, 17, 23)
    assert not any("Norm2d" in type(module).__name__ for module in network.modules())
    pictures = torch.rand(3, 3, 16, 16)
    assert torch.allclose(network(pictures)[1], network(pictures[1:2])[0], atol=1e-6)
    # A single pixel is seen.
    other = pictures.clone()
    other[0, :, 8, 8] += 1
    assert (network(other)[0] - network(pictures)[0]).abs().max() > 1e-3


def test_kernels_keep_a_norm_of_about_one() -> None:
    network = Discriminator(8)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("original"):
                parameter.mul_(7)
    for _ in range(20):
        network.settle()
    assert not network.training
    for layer in (network.first, *network.down, *network.up):
        weight = layer.weight
        assert isinstance(weight, Tensor)
        assert torch.linalg.matrix_norm(weight.flatten(1), 2).item() == pytest.approx(1, rel=0.05)


def test_it_learns_to_tell_sr_from_hr() -> None:
    adversary, given = make(), sample()
    before = adversary(given).item()
    for _ in range(60):
        adversary.study(given, 1.0)
        adversary.step()
    assert adversary(given).item() > before + 0.3  # SR is judged lower
    assert gradients(adversary) == []


def test_parts_of_a_batch_add_up_to_the_whole() -> None:
    whole, parts, given = make(), make(), sample(4)
    whole.study(given, 1.0)
    for start, stop in ((0, 1), (1, 4)):
        part = Sample(given.lr, given.hr[start:stop], given.sr[start:stop], None, None)
        parts.study(part, (stop - start) / 4)
    largest = max(float(one.abs().max()) for one in gradients(whole))
    for one, other in zip(gradients(whole), gradients(parts), strict=True):
        # Relative to the largest: sums over another number of patches and threads round elsewhere. The last
        # bias's gradient is a difference of two equal sums, of which nothing but rounding is left.
        assert (one - other).abs().max() <= 1e-4 * one.abs().max() + 1e-7 * largest


def test_it_is_the_same_in_every_process_and_leaves_random_numbers_alone() -> None:
    torch.manual_seed(5)
    first = make().network.state_dict()
    follows = torch.rand(1)
    torch.manual_seed(6)
    second = make().network.state_dict()
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())
    torch.manual_seed(5)
    assert torch.equal(torch.rand(1), follows)
    other = make(seed=9).network.state_dict()
    assert not torch.equal(first["last.weight"], other["last.weight"])


def test_half_precision_judges_alike() -> None:
    given = sample()
    exact = make()(given).item()
    assert make(torch.bfloat16)(given).item() == pytest.approx(exact, abs=0.01)
    assert make(torch.float16)(given).item() == exact
