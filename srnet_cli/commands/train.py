"""``srnet train``: its flags, made from the options of a training run; parse, call, report."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import typer

from srnet_cli.config_file import Number, base_type, parse_number
from srnet_cli.errors import UsageError
from srnet_cli.training.fields import DATA, KEEPING, Key, flag
from srnet_cli.training.options import CONFIG_FILE, TrainOptions, option_table
from srnet_cli.training.recipe import options_from, read_layer, resolved

EXAMPLES = """
  srnet train --data SR-RAW/                      SRNet ×4 by the published recipe
  srnet train --data photos/ --scale 2 --hours 8 --schedule cosine --ema 0.999
  srnet train --data photos/ --data SR-RAW/ --shares 0.8,0.2     both in each batch
  srnet train --data SR-RAW/ --scale 8 --init srnet-x4 -o x8
  srnet train --config recipe.toml -o again       phases of growing patches are a table of the file
  srnet train -o again --resume                   go on after Ctrl-C, SIGTERM or a power cut
  torchrun --nproc-per-node 8 -m srnet_cli train --data SR-RAW/ --resume

A run keeps config.toml, log.jsonl, curves.png, panels/, last.pt and best.pt in its folder, and the model
itself: srnet zoom photo.jpg --model run/. Checkpoints are written every few minutes, at Ctrl-C and
at SIGTERM, and when the terminal is closed.
"""


#: what the command takes besides the options, by the option that it comes after
_CONFIG = typer.Option(help="TOML file with any of these options; flags go before it.", rich_help_panel=DATA)
_PREPARE_ONLY = typer.Option("--prepare-only", help="Prepare the data and stop.", rich_help_panel=DATA)
_RESUME = typer.Option(
    "--resume",
    help="Go on from the run's last checkpoint, with its options; start where there is none.",
    rich_help_panel=KEEPING,
)
_BESIDES: dict[str, tuple[str, Any, Any]] = {
    "data": ("config", Annotated[Path | None, _CONFIG], None),
    "cache": ("prepare_only", Annotated[bool, _PREPARE_ONLY], False),
    "output": ("resume", Annotated[bool, _RESUME], False),
}


def train(config: Path | None, resume: bool, prepare_only: bool, **flags: Any) -> None:
    """Train SRNet, or a network that it is compared with, on real or simulated zoom."""
    flags["data"] = tuple(flags["data"]) if flags["data"] else None
    flags["network_option"] = tuple(flags["network_option"] or ()) or None
    flags["milestones"] = _numbers(flags["milestones"], "--milestones", int)
    flags["shares"] = _numbers(flags["shares"], "--shares", float)
    options = _options(flags, config, resume)

    from srnet_cli.training.session import prepare_data, run_training

    if prepare_only:
        prepare_data(options)
        return
    end = run_training(options, resume)
    if end.stopped_by:
        from srnet_cli.console import printable, say
        from srnet_cli.interrupts import exit_code_of

        say(
            ("interrupted", "yellow"),
            f" after step {end.step}; the checkpoint is written, "
            f"srnet train --output {printable(str(options.output))} --resume goes on",
        )
        raise typer.Exit(exit_code_of(end.stopped_by))


def signature() -> inspect.Signature:
    """Make the command's parameters, one for each option that has a flag."""
    return inspect.Signature(list(_parameters()))


def _parameters() -> Iterator[inspect.Parameter]:
    for name, key in option_table().items():
        if key.option is not None:
            yield _parameter(name, Annotated[_parsed_type(key.type), _typer_option(name, key)], None)
        if name in _BESIDES:
            yield _parameter(*_BESIDES[name])


def _parameter(name: str, kind: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


def _parsed_type(kind: Any) -> Any:
    """Return the type that the parser makes; None is "not given"."""
    kind = base_type(kind)
    if kind == tuple[Path, ...]:
        return list[Path] | None
    if kind == tuple[str, ...]:
        return list[str] | None
    return (kind if kind in (int, float, bool, Path) else str) | None


def _typer_option(name: str, key: Key) -> Any:
    option, kind = key.option, base_type(key.type)
    assert option is not None
    flags = option.flags or ((f"{flag(name)}/--no-{flag(name)[2:]}",) if kind is bool else (flag(name),))
    choices = " | ".join(get_args(kind)) if get_origin(kind) is Literal else None
    return typer.Option(
        *flags,
        help=option.help,
        metavar=option.metavar or choices,
        show_default=option.shown or _shown(key.default, bool(option.flags)),
        rich_help_panel=option.panel,
    )


def _shown(default: Any, bare: bool) -> str | bool:
    """Return a default as the help shows it; a flag that only switches on shows none."""
    match default:
        case None | ():
            return True
        case bool():
            return True if bare else "yes" if default else "no"
        case float():
            return f"{default:g}"
    return str(default)


train.__signature__ = signature()  # type: ignore[attr-defined]


def _options(flags: dict[str, Any], config: Path | None, resume: bool) -> TrainOptions:
    """Put flags over the file over, when a run goes on, what it began with."""
    layers = [read_layer(config)] if config is not None else []
    folder = options_from(*({"output": layer.get("output")} for layer in [*layers, flags])).output
    kept = folder / CONFIG_FILE
    if resume and kept.is_file():
        layers.insert(0, {**read_layer(kept), "output": folder})
    return resolved(options_from(*layers, flags))


def _numbers(text: str | None, name: str, kind: type[Number]) -> tuple[Number, ...] | None:
    """Read numbers separated by commas.

    Raises:
        UsageError: when they are not.
    """
    if text is None:
        return None
    try:
        return tuple(parse_number(part, kind) for part in text.split(",") if part.strip())
    except ValueError:
        numbers = "whole numbers" if kind is int else "numbers"
        raise UsageError(f"{name} takes {numbers} separated by commas, not {text!r}") from None
