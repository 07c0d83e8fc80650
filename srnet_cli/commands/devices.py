"""``srnet devices``: what can compute here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from srnet_cli.compute.devices import Choice, Device
    from srnet_cli.compute.measurements import Speed
    from srnet_cli.errors import SrnetError

EXAMPLES = """
  srnet devices                                   what there is, and which one auto takes
  srnet devices --measure                         how fast each one is; auto then takes the fastest
  srnet zoom photo.jpg --device vulkan            on a card by name
"""
WIDTH = 80


def devices(
    measure: Annotated[
        bool,
        typer.Option(
            "--measure", help="Time a tile of the light and the full model on each, and keep the result."
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """List what can compute: the processor and graphics cards, their precision, memory and speed."""
    from srnet_cli.compute.device import automatic
    from srnet_cli.compute.devices import find_devices
    from srnet_cli.compute.measurements import keep, measured
    from srnet_cli.console import emit_json

    found = find_devices()
    if measure:
        from srnet_cli.zooming.guarding.speeds import measure_devices

        keep(measure_devices(found, _tell))
    speeds = {device.name: speed for device in found if (speed := measured(device)) is not None}
    choice = automatic()
    if json:
        emit_json(document(found, speeds, choice))
    else:
        typer.echo("\n".join(listing(found, speeds, choice)))


def document(found: Sequence[Device], speeds: Mapping[str, Speed], choice: Choice) -> dict[str, Any]:
    """Put the table as JSON has it; speeds are seconds per LR megapixel."""
    from dataclasses import asdict

    from srnet_cli.compute import processor
    from srnet_cli.compute.device import precision_name

    entries = [
        {
            "name": device.name,
            "title": device.title,
            "place": device.place,
            "precision": precision_name(device.dtype),
            "memory": device.memory,
            "seconds_per_megapixel": asdict(speeds[device.name]) if device.name in speeds else None,
        }
        for device in found
    ]
    return {
        "devices": entries,
        "instruction_sets": list(processor.instruction_sets()),
        "auto": choice.device.name,
        "reason": choice.reason,
    }


def listing(found: Sequence[Device], speeds: Mapping[str, Speed], choice: Choice) -> list[str]:
    """Write a line for each device that fits 80 columns, with a heading, and notes below."""
    from srnet_cli.compute import processor
    from srnet_cli.compute.device import precision_name
    from srnet_cli.compute.devices import KINDS

    rows = [("device", "precision", "memory", "light", "full", "what it is")]
    for device in found:
        speed = speeds.get(device.name)
        rows.append(
            (
                f"{device.name}{' *' if device == choice.device else ''}",
                precision_name(device.dtype),
                "–" if device.memory is None else f"{device.memory / 2**30:.1f} GiB",
                "–" if speed is None else _seconds(speed.light),
                "–" if speed is None else _seconds(speed.full),
                ("" if device.place in ("card", "processor") else f"{device.place}: ") + device.title,
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    cut = [line.rstrip() if len(line.rstrip()) <= WIDTH else line[: WIDTH - 1] + "…" for line in lines]
    there = {device.kind for device in found}
    missing = [f"no {kind.title}: needs {kind.remedy}" for kind in KINDS if kind.name not in there]
    return [
        *cut,
        "",
        f"* auto: {choice.reason}",
        "light, full: seconds for a megapixel of the input, ×4"
        + ("" if speeds else "; --measure times them"),
        f"processor: {', '.join(processor.instruction_sets())}",
        *missing,
    ]


def _seconds(value: float) -> str:
    return f"{value:.2g} s" if value < 100 else f"{value:.0f} s"


def _tell(device: Device, outcome: Speed | SrnetError) -> None:
    from srnet_cli.console import show_error, warn
    from srnet_cli.errors import SrnetError

    if isinstance(outcome, SrnetError):
        show_error(outcome)
    else:
        warn(f"{device.name}: {_seconds(outcome.light)} light, {_seconds(outcome.full)} full")
