"""Every network by its name. Explicit: a name that is not in the table below does not exist.

Errors are ``ValueError``: this room knows nothing of the program around it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any

from torch import nn

from srnet_cli.network.interpolation import Bicubic, Bilinear, InterpolationOptions, Lanczos, Nearest
from srnet_cli.network.lapsrn import LapSRN, LapSRNOptions
from srnet_cli.network.lite import SRNetLite, SRNetLiteOptions
from srnet_cli.network.rcan import RCAN, RCANOptions
from srnet_cli.network.rdn import RDN, RDNOptions
from srnet_cli.network.san import SAN, SANOptions
from srnet_cli.network.srnet import SRNet, SRNetOptions
from srnet_cli.network.srresnet import SRResNet, SRResNetOptions
from srnet_cli.network.vdsr import VDSR, VDSROptions


@dataclass(frozen=True)
class Entry:
    """How the network of one name is built: ``network(options(scale=…, **defaults, **fixed))``."""

    network: type[nn.Module]
    #: frozen dataclass with a ``scale`` and a default for everything else
    options: type[Any]
    #: options that make the name what it is; nobody may change them
    fixed: Mapping[str, Any] = field(default_factory=dict)
    #: options whose default differs from the dataclass's
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def open_options(self) -> dict[str, Field[Any]]:
        """The options that a caller may set."""
        return {f.name: f for f in fields(self.options) if f.name != "scale" and f.name not in self.fixed}

    def build(self, scale: int, given: Mapping[str, Any]) -> nn.Module:
        return self.network(self.options(scale=scale, **{**self.defaults, **self.fixed, **given}))


class Registry:
    """Names and what they build; refuses to take a name twice."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}

    def register(self, name: str, entry: Entry) -> None:
        if name in self._entries:
            raise ValueError(f"network {name!r} is registered already")
        self._entries[name] = entry

    def names(self) -> tuple[str, ...]:
        """In the order of registration."""
        return tuple(self._entries)

    def __getitem__(self, name: str) -> Entry:
        try:
            return self._entries[name]
        except KeyError:
            raise ValueError(f"no network {name!r}; there are {', '.join(self._entries)}") from None


def build_network(name: str, scale: int, **options: Any) -> nn.Module:
    """A new network, randomly initialised, on the default device.

    It has ``.scale`` and ``forward(lr, residual=False) -> NetworkOutput``, N×3×H×W in, N×3×sH×sW out, both
    RGB on the 0..255 scale.

    Raises:
        ValueError: for an unknown name, an option that this network has not or whose value is of
            the wrong kind, or a scale that it cannot do.
    """
    entry = NETWORKS[name]
    _check_option("scale", scale, 1)
    known = entry.open_options()
    for option, value in options.items():
        if option not in known:
            raise ValueError(f"network {name!r} has no option {option!r}; it has {', '.join(known)}")
        _check_option(option, value, known[option].default)
    return entry.build(scale, options)


def network_names() -> tuple[str, ...]:
    """Every network that can be trained."""
    return tuple(name for name in NETWORKS.names() if name not in INTERPOLATIONS)


def interpolation_names() -> tuple[str, ...]:
    """The methods without weights that ``build_network`` also builds."""
    return INTERPOLATIONS


def _check_option(option: str, value: object, default: object) -> None:
    kind: type = str if default is None or default is MISSING else type(default)
    accepted: tuple[type, ...] = (int, float) if kind is float else (kind,)
    if default is None and value is None:
        return
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"{option} is a {kind.__name__}, not {value!r}")
    if kind is int and isinstance(value, int) and value < 1:
        raise ValueError(f"{option} must be at least 1, not {value}")


def _family(*, defaults: Mapping[str, Any] | None = None, **fixed: Any) -> Entry:
    return Entry(SRNet, SRNetOptions, fixed, defaults or {})


def _single(attention: str) -> Entry:
    # wiring and fusion_attention say how two streams meet: with one stream they have no meaning
    return _family(attention=attention, auxiliary=False, wiring="code", fusion_attention=None)


def _double(attention: str) -> Entry:
    return _family(attention=attention, auxiliary=True, wiring="code", fusion_attention=None, in_channels=3)


#: the methods without weights
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos")

NETWORKS = Registry()
NETWORKS.register("srnet", _family())
#: as the blog's figure draws it: channel attention only in the blocks, features added at the head
NETWORKS.register(
    "srnet_figure",
    _family(wiring="figure", attention="ca", fusion_attention="ca+mpr-sa", auxiliary=True, in_channels=3),
)
NETWORKS.register("edsr", _single("none"))
NETWORKS.register(
    "edsr_p",
    Entry(SRNet, SRNetOptions, _single("none").fixed, {"n_resblocks": 32, "n_feats": 256, "res_scale": 0.1}),
)
# The ablations R_a … R_i of the published table, in its order (R_j is srnet).
NETWORKS.register("edsr_rat", _double("none"))
NETWORKS.register("edsr_sa", _single("sa"))
NETWORKS.register("edsr_msa", _single("mpr-sa"))
NETWORKS.register("edsr_rat_sa", _double("sa"))
NETWORKS.register("edsr_rat_msa", _double("mpr-sa"))
NETWORKS.register("rcan_minus", _single("ca"))
NETWORKS.register("rcan_minus_rat", _double("ca"))
NETWORKS.register("rcan_minus_sa", _single("ca+sa"))
NETWORKS.register("rcan_minus_msa", _single("ca+mpr-sa"))
NETWORKS.register("rcan_minus_rat_sa", _double("ca+sa"))
#: this project's own: light, and shift-invariant
NETWORKS.register("srnet_lite", Entry(SRNetLite, SRNetLiteOptions))
# What the published table compares SRNet with.
NETWORKS.register("srresnet", Entry(SRResNet, SRResNetOptions))
NETWORKS.register("rdn", Entry(RDN, RDNOptions))
NETWORKS.register("rcan", Entry(RCAN, RCANOptions))
NETWORKS.register("san", Entry(SAN, SANOptions))
NETWORKS.register("vdsr", Entry(VDSR, VDSROptions))
NETWORKS.register("lapsrn", Entry(LapSRN, LapSRNOptions))
NETWORKS.register("nearest", Entry(Nearest, InterpolationOptions))
NETWORKS.register("bilinear", Entry(Bilinear, InterpolationOptions))
NETWORKS.register("bicubic", Entry(Bicubic, InterpolationOptions))
NETWORKS.register("lanczos", Entry(Lanczos, InterpolationOptions))
