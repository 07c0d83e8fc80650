"""What ``srnet zoom`` says before and after a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from srnet_cli.zooming.forecast.plan import Forecast
    from srnet_cli.zooming.request import ZoomResult

#: longer tables are not read; of these only what failed is listed
_MOST_ROWS = 40


def say_forecast(found: Sequence[Forecast]) -> None:
    """Print what a batch would make and take, on stdout."""
    import typer

    from srnet_cli.zooming.forecast.plan import free_space

    typer.echo("\n".join(forecast_lines(found, free_space(found))))


def forecast_document(found: Sequence[Forecast]) -> dict[str, Any]:
    """Put the same as JSON has it."""
    from srnet_cli.zooming.forecast.plan import free_space

    return {
        "planned": [each.document() for each in found],
        "seconds": round(sum(each.seconds for each in found), 1),
        "bytes": sum(each.bytes for each in found),
        "bytes_range": list(_bytes_range(found)),
        "free_bytes": free_space(found),
    }


def forecast_lines(found: Sequence[Forecast], free: int | None) -> list[str]:
    """Write two lines for each picture that fit 80 columns where names do, and what all of it takes."""
    from srnet_cli.console import printable
    from srnet_cli.zooming.progress import duration

    lines = []
    for each in found:
        name = printable(str(each.source))
        if each.error is not None:
            remedy = "" if each.error.remedy is None else f" ({printable(each.error.remedy)})"
            lines += [name, f"  cannot be done: {printable(each.error.reason)}{remedy}"]
        elif each.frame is None:
            lines += [name, f"  left out: {printable(str(each.target))} exists"]
        else:
            frame = each.frame
            models = " + ".join(each.models) or "no model"
            lines += [
                f"{name} → {printable(str(each.target))}",
                f"  {each.width}×{each.height} → {frame.width}×{frame.height} (×{frame.scale:.4g})  {models}"
                f"  {duration(each.seconds)}  {size(each.bytes)}",
            ]
    made = [each for each in found if each.frame is not None]
    pixels = sum(each.frame.height * each.frame.width for each in made if each.frame is not None)
    least, most = _bytes_range(made)
    lines.append(
        f"{_pictures(len(made))}, {pixels / 1e6:,.1f} megapixels: about "
        f"{duration(sum(each.seconds for each in made))} and {size(sum(each.bytes for each in made))}"
    )
    if made:
        room = "" if free is None else f"; {size(free)} are free"
        lines.append(f"{size(least)} to {size(most)}, by what is in the pictures{room}")
    if free is not None and most > free:
        short = "is too small" if least > free else "may be too small"
        lines.append(f"the disk {short} for that")
    return lines


def _bytes_range(found: Sequence[Forecast]) -> tuple[int, int]:
    return sum(each.bytes_range[0] for each in found), sum(each.bytes_range[1] for each in found)


def say_results(results: Sequence[ZoomResult]) -> None:
    """Print a table of a batch, and how it ended."""
    from srnet_cli.console import people, say
    from srnet_cli.zooming.progress import duration

    if len(results) < 2:
        _say_skipped(results)
        return
    listed = results if len(results) <= _MOST_ROWS else [r for r in results if r.status == "failed"]
    if listed:
        people().print(_table(listed), soft_wrap=False)
    _say_skipped(results)
    done, failed = ([r for r in results if r.status == status] for status in ("written", "failed"))
    parts = [f"{_pictures(len(done))} written"] + ([f"{len(failed)} failed"] if failed else [])
    say(f"{', '.join(parts)} in {duration(sum(result.seconds for result in done))}")


def _table(results: Sequence[ZoomResult]) -> object:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from srnet_cli.console import people, printable
    from srnet_cli.zooming.progress import duration

    table = Table(box=box.SIMPLE_HEAD if people().is_terminal else None, pad_edge=False)
    table.add_column("picture", overflow="fold")
    table.add_column("result", overflow="fold")
    for head in ("pixels", "time"):
        table.add_column(head, justify="right", no_wrap=True)
    for result in results:
        name = Text(printable(result.source.name))
        if result.status != "written" or result.target is None:
            table.add_row(name, Text(result.status if result.status == "failed" else "left out"), "–", "–")
            continue
        target = Text(printable(result.target.name))
        table.add_row(name, target, f"{result.width}×{result.height}", duration(result.seconds))
    return table


def _say_skipped(results: Sequence[ZoomResult]) -> None:
    from srnet_cli.console import say

    skipped, total = sum(result.status == "skipped" for result in results), len(results)
    if skipped:
        all_of_them = "nothing to do: " if skipped == total else ""
        say(f"{all_of_them}{skipped} of {total} left out, the results exist")


def size(count: float) -> str:
    """Write a number of bytes.

    Example:
        >>> size(1_234_567), size(5e9)
        ('1.2 MB', '5.0 GB')
    """
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count / 1e3:.0f} kB"


def _pictures(count: int) -> str:
    return "1 picture" if count == 1 else f"{count} pictures"
