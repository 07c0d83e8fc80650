"""Tables of a paper in Markdown: methods at several scales, and the ablation of the published network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from srnet_cli.errors import InputError
from srnet_cli.evaluation.metrics import metric
from srnet_cli.evaluation.outputs.exports import as_markdown
from srnet_cli.evaluation.outputs.tables import count, number
from srnet_cli.figures.evaluations import MeasuredSet, Method

#: columns of a scale, those that were measured
COLUMNS = ("psnr_y_published", "psnr_rgb", "ssim", "lpips", "sharpness")
#: network, its name in the published table, and whether it has the auxiliary stream, SA, MPR-SA and CA
ABLATION: tuple[tuple[str, str, tuple[bool, bool, bool, bool]], ...] = (
    ("edsr", "EDSR", (False, False, False, False)),
    ("edsr_rat", "R_a", (True, False, False, False)),
    ("edsr_sa", "R_b", (False, True, False, False)),
    ("edsr_msa", "R_c", (False, False, True, False)),
    ("edsr_rat_sa", "R_d", (True, True, False, False)),
    ("edsr_rat_msa", "R_e", (True, False, True, False)),
    ("rcan_minus", "RCAN⁻", (False, False, False, True)),
    ("rcan_minus_rat", "R_f", (True, False, False, True)),
    ("rcan_minus_sa", "R_g", (False, True, False, True)),
    ("rcan_minus_msa", "R_h", (False, False, True, True)),
    ("rcan_minus_rat_sa", "R_i", (True, True, False, True)),
    ("srnet", "R_j, SRNet", (True, False, True, True)),
)

Row = Sequence[str]


def comparison_table(sets: Sequence[MeasuredSet]) -> str:
    """Write a row a method and columns of every set; the best figure is bold, the second underlined.

    Methods of several sets are one where their names differ by the scale alone.
    """
    names = list(dict.fromkeys(one.named(method) for one in sets for method in one.methods))
    heads, columns = ["method", "parameters"], []
    # Those of the smallest scale: the last one stays.
    smallest = {one.named(m): m for one in sorted(sets, key=lambda s: -s.scale) for m in one.methods}
    columns.append([count(smallest[name].parameters) for name in names])
    for one in sets:
        methods = {one.named(method): method for method in one.methods}
        for key in _measured(one.methods):
            heads.append(f"{as_markdown(one.title)} {metric(key).title}")
            columns.append(_marked([_value(methods.get(name), key) for name in names], key))
    return _markdown(heads, zip(map(as_markdown, names), *columns, strict=True))


def ablation_table(measured: MeasuredSet) -> str:
    """Write the published ablation: the runs of its networks, found by the networks' names.

    Raises:
        InputError: when none of them was measured.
    """
    methods = {measured.named(method): method for method in measured.methods}
    rows = [(label, parts, methods[name]) for name, label, parts in ABLATION if name in methods]
    if not rows:
        names = ", ".join(name for name, _, _ in ABLATION)
        raise InputError(
            f"{measured.title}: no network of the ablation", remedy=f"name the runs as the networks: {names}"
        )
    keys = _measured([method for _, _, method in rows])
    heads = ["network", "RAT", "SA", "MPR-SA", "CA", "parameters", "MACs 64×64", *_titles(keys)]
    columns = [_marked([_value(method, key) for _, _, method in rows], key) for key in keys]
    facts = [
        [label, *("✓" if part else "" for part in parts), count(method.parameters), count(method.macs)]
        for label, parts, method in rows
    ]
    figures = zip(*columns, strict=True)
    return _markdown(heads, ([*known, *row] for known, row in zip(facts, figures, strict=True)))


def _measured(methods: Sequence[Method]) -> tuple[str, ...]:
    return tuple(key for key in COLUMNS if any(key in method.means for method in methods))


def _titles(keys: Sequence[str]) -> Iterator[str]:
    return (metric(key).title for key in keys)


def _value(method: Method | None, key: str) -> float | None:
    return None if method is None else method.means.get(key)


def _marked(values: Sequence[float | None], key: str) -> list[str]:
    """Write a column; equal as printed is equal."""
    digits, ideal = metric(key).digits, metric(key).ideal
    texts = [number(value, digits) for value in values]
    worth = {
        text: -abs(value - ideal) if ideal is not None else value if metric(key).higher_is_better else -value
        for text, value in zip(texts, values, strict=True)
        if value is not None
    }
    ranked = sorted(worth, key=lambda text: -worth[text])
    marks = dict(zip(ranked, ("**{}**", "<u>{}</u>"), strict=False))
    return [marks.get(text, "{}").format(text) for text in texts]


def _markdown(heads: Sequence[str], rows: Iterator[Row] | Sequence[Row]) -> str:
    rules = [":--", *["--:"] * (len(heads) - 1)]
    lines = [heads, rules, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
