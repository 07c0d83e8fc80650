"""The command line program."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from types import FrameType
from typing import Annotated

import typer

from srnet_cli.commands import eval as eval_command
from srnet_cli.commands import residual as residual_command
from srnet_cli.commands import train as train_command
from srnet_cli.commands import zoom as zoom_command

DEBUG_FLAG = "--debug"
INTERRUPTED = 130
TERMINATED = 143

app = typer.Typer(
    name="srnet",
    help="Digital zoom with SRNet: RAW or RGB pictures in, the picture of a longer lens out.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("zoom", epilog=zoom_command.EXAMPLES)(zoom_command.zoom)
app.command("residual", epilog=residual_command.EXAMPLES)(residual_command.residual)
app.command("train", epilog=train_command.EXAMPLES)(train_command.train)
app.command("eval", epilog=eval_command.EXAMPLES)(eval_command.evaluate)


def _show_version(wanted: bool) -> None:
    if not wanted:
        return
    import torch

    from srnet_cli.device import choose_device
    from srnet_cli.version import own_version

    device = choose_device()
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    typer.echo(f"srnet {own_version()}, torch {torch.__version__}, {name}")
    raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_show_version,
            is_eager=True,
            help="Version, torch's version and the device.",
        ),
    ] = False,
    debug: Annotated[bool, typer.Option(DEBUG_FLAG, help="Show where an error came from.")] = False,
) -> None:
    """Digital zoom with SRNet: RAW or RGB pictures in, the picture of a longer lens out."""


def run() -> None:
    """Entry point of the console script: runs a command and ends the process with its exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    debug, arguments = _take_debug(sys.argv[1:])
    code = _run(arguments, debug)
    # What is left to do is the interpreter's own tidying up, which an exception would only disturb.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.exit(code)


def _run(arguments: list[str], debug: bool) -> int:
    from srnet_cli.console import show_error
    from srnet_cli.errors import SrnetError, unexpected

    # Pillow's word about damaged metadata, in the middle of the progress; what matters raises.
    warnings.filterwarnings("ignore", module="PIL")
    try:
        app(arguments, prog_name="srnet", obj=debug)
    except SystemExit as end:
        if _is_interrupt(end):
            return _interrupted()
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        return _interrupted()
    except BrokenPipeError:
        # Whoever read our output has gone; the interpreter must not try to flush it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except SrnetError as error:
        if debug:
            raise
        show_error(error)
        return error.exit_code
    except Exception as error:
        # The last resort: whatever is not expected is a bug of ours, and still ends in one line.
        if debug:
            raise
        show_error(unexpected(error))
        return 1
    return 0


def _is_interrupt(end: BaseException) -> bool:
    """Whether Ctrl-C is behind it: Typer turns that into an exit of its own, without a word."""
    cause: BaseException | None = end
    while cause is not None:
        if isinstance(cause, KeyboardInterrupt):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _interrupted() -> int:
    # Not through rich: interrupted in the middle of a line, its console keeps what comes later to itself.
    print("interrupted; what was finished stays", file=sys.stderr, flush=True)
    return INTERRUPTED


def _take_debug(arguments: list[str]) -> tuple[bool, list[str]]:
    """``--debug`` is understood anywhere before ``--``."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    kept = [a for a in arguments[:end] if a != DEBUG_FLAG]
    return len(kept) < end, kept + arguments[end:]


def _terminate(number: int, frame: FrameType | None) -> None:
    raise SystemExit(TERMINATED)
