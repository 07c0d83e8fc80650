"""The registry of networks."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from srnet_cli.network.registry import build_network, network_names, open_options, recognise
from tests.network.fixtures import of_shapes


def test_names() -> None:
    names = network_names()
    ablations = {"edsr_rat", "edsr_sa", "edsr_msa", "edsr_rat_sa", "edsr_rat_msa", "rcan_minus"} | {
        f"rcan_minus_{end}" for end in ("rat", "sa", "msa", "rat_sa")
    }
    others = {"srnet", "srnet_figure", "srnet_lite", "srnet_raw", "edsr", "edsr_p"}
    others |= {"srresnet", "rdn", "rcan", "san", "vdsr", "lapsrn"}
    assert set(names) == ablations | others
    assert len(names) == len(set(names))


def test_unknown_name_lists_the_known() -> None:
    with pytest.raises(ValueError, match=r"no network 'srnett'; there are srnet, "):
        build_network("srnett", 4)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("srnet", {"n_feat": 32}, "has no option 'n_feat'; it has n_feats"),
        ("srnet", {"scale_": 32}, "has no option 'scale_'"),
        ("edsr_sa", {"attention": "ca"}, "has no option 'attention'"),
        ("edsr", {"wiring": "figure"}, "has no option 'wiring'"),
        ("srnet_figure", {"wiring": "code"}, "has no option 'wiring'"),
        ("srnet", {"n_feats": "64"}, "n_feats is a int, not '64'"),
        ("srnet", {"n_feats": True}, "n_feats is a int, not True"),
        ("srnet", {"n_feats": 0}, "n_feats must be at least 1"),
        ("srnet", {"auxiliary": 1}, "auxiliary is a bool"),
        ("srnet", {"res_scale": "a"}, "res_scale is a float"),
        ("srnet", {"fusion_attention": 3}, "fusion_attention is a str"),
        ("srnet", {"attention": "pa"}, "unknown attention 'pa'"),
    ],
)
def test_wrong_options(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_network(name, 2, **options)


def test_wrong_scale() -> None:
    for scale in (0, -2, 5):
        with pytest.raises(ValueError, match="scale"), torch.device("meta"):
            build_network("srnet", scale)


def test_defaults_of_edsr_p_may_be_changed() -> None:
    with torch.device("meta"):
        published: Any = build_network("edsr_p", 4, n_resblocks=1)
        parity: Any = build_network("edsr_p", 8, n_resblocks=1, res_scale=1.0)
    assert published.options.res_scale == 0.1 and published.options.n_feats == 256
    assert parity.options.res_scale == 1.0


def test_figure_is_the_blogs() -> None:
    with torch.device("meta"):
        options: Any = build_network("srnet_figure", 4).options
    assert (options.wiring, options.attention, options.fusion_attention) == ("figure", "ca", "ca+mpr-sa")


@pytest.mark.parametrize("name", network_names())
@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_every_network_is_recognised_by_its_tensors(name: str, scale: int) -> None:
    if name in ("lapsrn", "srnet_raw") and scale == 3:
        pytest.skip("LapSRN doubles only, and a mosaic's cell is two pixels wide")
    known = open_options(name)
    sizes = {"n_feats": 48, "n_resblocks": 3, "n_resgroups": 2, "n_layers": 3, "reduction": 8}
    options = {key: value for key, value in sizes.items() if key in known}
    with torch.device("meta"):
        network = build_network(name, scale, **options)
        found = recognise(network.state_dict())
        again = build_network(found.name, found.scale, **found.options)
    # At another size EDSR-P is an EDSR.
    assert (found.name, found.scale) == ("edsr" if name == "edsr_p" else name, scale)
    theirs = {key: tensor.shape for key, tensor in network.state_dict().items()}
    assert {key: tensor.shape for key, tensor in again.state_dict().items()} == theirs


def test_unusual_mixtures_are_recognised_as_srnet_with_options() -> None:
    with torch.device("meta"):
        mixed = build_network("srnet", 2, attention="sa", fusion_attention="mpr-sa", n_resblocks=1)
    found = recognise(mixed.state_dict())
    assert found.name == "srnet"
    assert found.options["attention"] == "sa" and found.options["fusion_attention"] == "mpr-sa"


def test_forged_and_foreign_tensors_are_refused() -> None:
    with pytest.raises(ValueError, match="no network known here"):
        recognise(of_shapes({"layer.weight": (3, 3)}))
    with pytest.raises(ValueError, match="is missing"):
        recognise(of_shapes({"body.0.body.0.weight": (64, 64, 3, 3), "tail.0.0.weight": (256, 64, 3, 3)}))
    with pytest.raises(ValueError, match="shapes of no network known here"):
        recognise(of_shapes({"conv_input.weight": ()}))
    with torch.device("meta"):
        state = build_network("edsr", 2, n_resblocks=1).state_dict()
    forged = of_shapes({"body.999999999.body.0.weight": (64, 64, 3, 3)})
    assert recognise({**state, **forged}).options["n_resblocks"] == 2


def test_a_learned_mixture_begins_as_the_published_one_and_is_recognised() -> None:
    published = build_network("srnet", 2, n_feats=16, n_resblocks=1).eval()
    learned = build_network("srnet", 2, n_feats=16, n_resblocks=1, fusion_mix="learned").eval()
    learned.load_state_dict({**learned.state_dict(), **published.state_dict()})
    lr = torch.rand(1, 3, 12, 12) * 255
    with torch.no_grad():
        assert torch.allclose(learned(lr).sr, published(lr).sr, rtol=1e-4, atol=1e-2)
    assert recognise(learned.state_dict()).options["fusion_mix"] == "learned"
    assert "fusion_mix" not in recognise(published.state_dict()).options
    for wrong in ({"fusion_mix": "guessed"}, {"fusion_mix": "learned", "wiring": "figure"}):
        with pytest.raises(ValueError, match="fusion_mix"):
            build_network("srnet", 2, **wrong)


def test_every_network_that_predicts_a_residual_takes_a_share_of_it() -> None:
    small = {"n_feats": 16, "n_resblocks": 1}
    lr = torch.rand(5, 3, 16, 16) * 255
    asked = set()
    for name in network_names():
        sizes = {key: value for key, value in small.items() if key in open_options(name)}
        network = build_network(name, 4, **sizes).eval()
        if not getattr(network, "predicts_residual", False):
            continue
        with torch.no_grad():
            whole, part = network(lr, residual=True), network(lr, residual=True, share=0.3)
        assert torch.equal(part.sr, whole.sr)
        assert part.residual.shape == (2, 3, 64, 64)
        assert torch.allclose(part.residual, whole.residual[:2], atol=1e-3)
        asked.add(name)
    assert asked >= {"srnet", "srnet_figure", "srnet_lite", "edsr_rat"}
