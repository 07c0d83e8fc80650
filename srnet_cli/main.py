"""The command line program."""

from __future__ import annotations

import errno
import os
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from srnet_cli import interrupts
from srnet_cli.commands import devices as devices_command
from srnet_cli.commands import eval as eval_command
from srnet_cli.commands import export as export_command
from srnet_cli.commands import figure as figure_command
from srnet_cli.commands import info as info_command
from srnet_cli.commands import models as models_command
from srnet_cli.commands import residual as residual_command
from srnet_cli.commands import train as train_command
from srnet_cli.commands import ui as ui_command
from srnet_cli.commands import zoom as zoom_command
from srnet_cli.commands.shell.examples import Command
from srnet_cli.lenient import drop_what_stderr_refuses

if TYPE_CHECKING:
    from srnet_cli.errors import SrnetError

DEBUG_FLAG, QUIET_FLAG, VERBOSE_FLAG = "--debug", "--quiet", "--verbose"
#: the ways of the system to refuse what is written
OF_WRITING = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)

#: what the parser raises: click's own class, or, in later releases, Typer's copy of it
ParserError: Any = typer.BadParameter.__mro__[2]


class Program(TyperGroup):
    """All commands. What the parser refuses is an error like any other of ours: one line."""

    def get_params(self, ctx: Any) -> list[Any]:
        # Typer would write the shell's start-up file in place, which a full disk cuts short.
        return [each for each in super().get_params(ctx) if each.name != "install_completion"]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing:  # which completes a line that is still being typed
            _refuse_empty(args)
        with _as_usage_error():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        with _as_usage_error():
            return super().invoke(ctx)


def _refuse_empty(arguments: list[str]) -> None:
    """Refuse an empty argument: as a path it would mean the current folder."""
    from srnet_cli.errors import UsageError

    for place, argument in enumerate(arguments):
        name = argument.removesuffix("=")
        if argument == "":
            where = f" after {arguments[place - 1]}" if place else ""
            raise UsageError(f"the argument{where} is empty", remedy="is a variable of the shell unset?")
        if name.startswith("--") and name != argument and "=" not in name:
            raise UsageError(f"the value of {name} is empty", remedy="is a variable of the shell unset?")


@contextmanager
def _as_usage_error() -> Iterator[None]:
    try:
        yield
    except ParserError as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            raise  # the help itself
        from srnet_cli.errors import UsageError

        context = getattr(error, "ctx", None)
        path = "srnet" if context is None else context.command_path
        text = " ".join(error.format_message().replace("Value error, ", "").split()).removesuffix(".")
        raise UsageError(text[:1].lower() + text[1:], remedy=f"{path} --help lists what there is") from error


app = typer.Typer(
    name="srnet",
    cls=Program,
    help="Digital zoom with SRNet: RAW or RGB pictures in, the picture of a longer lens out.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("zoom", cls=Command, epilog=zoom_command.EXAMPLES)(zoom_command.zoom)
app.command("residual", cls=Command, epilog=residual_command.EXAMPLES)(residual_command.residual)
app.command("train", cls=Command, epilog=train_command.EXAMPLES)(train_command.train)
app.command("eval", cls=Command, epilog=eval_command.EXAMPLES)(eval_command.evaluate)
app.command("ui", cls=Command, epilog=ui_command.EXAMPLES)(ui_command.serve)
app.command("info", cls=Command, epilog=info_command.EXAMPLES)(info_command.info)
app.command("figure", cls=Command, epilog=figure_command.EXAMPLES)(figure_command.figure)
app.command("export", cls=Command, epilog=export_command.EXAMPLES)(export_command.export)
app.command("models", cls=Command, epilog=models_command.EXAMPLES)(models_command.models)
app.command("devices", cls=Command, epilog=devices_command.EXAMPLES)(devices_command.devices)


def _show_version(wanted: bool) -> None:
    if not wanted:
        return
    import torch

    from srnet_cli.compute.device import choose_device, device_title
    from srnet_cli.version import own_version

    typer.echo(f"srnet {own_version()}, torch {torch.__version__}, {device_title(choose_device())}")
    raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            "-V",
            callback=_show_version,
            is_eager=True,
            help="Version, torch's version and the device.",
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option(QUIET_FLAG, help="Say nothing but errors.")] = False,
    verbose: Annotated[
        bool, typer.Option(VERBOSE_FLAG, help="Say what is done, on no terminal too.")
    ] = False,
    debug: Annotated[bool, typer.Option(DEBUG_FLAG, help="Show where an error came from.")] = False,
) -> None:
    """Digital zoom with SRNet: RAW or RGB pictures in, the picture of a longer lens out."""


def run() -> None:
    """Run a command and end the process with its exit code: the console script's entry point."""
    interrupts.end_at_once()
    _open_closed_streams()
    drop_what_stderr_refuses()
    _silence_libraries()
    _prepare_computing()
    for number in interrupts.requests_to_end():
        signal.signal(number, _terminate)
    debug, arguments = _take(DEBUG_FLAG, sys.argv[1:])
    code = _run(arguments, debug)
    # What is left to do is the interpreter's own tidying up, which an exception would only disturb.
    for number in interrupts.requests_to_end():
        signal.signal(number, signal.SIG_DFL)
    interrupts.end_as_the_system_does()
    sys.exit(code)


def _silence_libraries() -> None:
    """Keep what libraries warn of and log to themselves: whatever matters is an error or a note of ours."""
    import logging

    logging.getLogger().addHandler(logging.NullHandler())
    if not sys.warnoptions:
        warnings.simplefilter("ignore")


def _open_closed_streams() -> None:
    """Keep files that are opened later from taking the place of a standard stream that was closed."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest that is free


def _prepare_computing() -> None:
    """Settings that only take effect before torch is imported."""
    from srnet_cli.compute.allocator import keep_large_blocks
    from srnet_cli.compute.imports import keep_out_current_folder
    from srnet_cli.compute.threads import limit_threads

    limit_threads()
    keep_large_blocks()
    keep_out_current_folder()


def _run(arguments: list[str], debug: bool) -> int:
    from srnet_cli.console import speak

    quiet, arguments = _take(QUIET_FLAG, arguments)
    verbose, arguments = _take(VERBOSE_FLAG, arguments)
    speak(quiet=quiet, verbose=verbose)
    try:
        return _ended(arguments, debug)
    finally:
        speak()


def _ended(arguments: list[str], debug: bool) -> int:
    from srnet_cli.console import show_error
    from srnet_cli.errors import SrnetError, unexpected

    # Pillow's word about damaged metadata, in the middle of the progress; what matters raises.
    warnings.filterwarnings("ignore", module="PIL")
    try:
        interrupts.raise_and_remember()
        app(_with_dashes(_as_help(arguments)), prog_name="srnet", obj=debug)
    except SystemExit as end:
        if _is_interrupt(end):
            return _interrupted()
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        return _interrupted()
    except BrokenPipeError:
        _give_up_output()  # whoever read it has gone
        return 1
    except SrnetError as error:
        if debug:
            raise
        show_error(error)
        return error.exit_code
    except Exception as error:
        if interrupts.heard():
            return _interrupted()
        # The last resort: whatever is not expected is a bug of ours, and still ends in one line.
        if debug:
            raise
        show_error(_output_refused(error) or unexpected(error))
        return 1
    return 0


def _output_refused(error: Exception) -> SrnetError | None:
    """Find the error to report when it is standard output that cannot be written."""
    from srnet_cli.errors import OutputError

    # Of files of its own the program always says which it was.
    if not isinstance(error, OSError) or error.errno not in OF_WRITING or error.filename is not None:
        return None
    _give_up_output()
    return OutputError(f"standard output cannot be written: {(error.strerror or 'unknown').lower()}")


def _give_up_output() -> None:
    """Keep the interpreter from flushing standard output again when it ends."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _is_interrupt(end: BaseException) -> bool:
    """Tell whether Ctrl-C is behind it: Typer turns that into an exit of its own, without a word."""
    cause: BaseException | None = end
    while cause is not None:
        if isinstance(cause, KeyboardInterrupt):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _interrupted() -> int:
    # Not through rich: interrupted in the middle of a line, its console keeps what comes later to itself.
    print("interrupted; what was finished stays", file=sys.stderr, flush=True)
    return interrupts.INTERRUPTED


def _with_dashes(arguments: list[str]) -> list[str]:
    """Tell names of pictures that begin with a dash from options: ``-dash.png`` is a file if there is one."""
    from srnet_cli.imaging.formats import format_of

    return [
        f".{os.sep}{each}"
        if each.startswith("-") and format_of(each) is not None and Path(each).is_file()
        else each
        for each in arguments
    ]


def _take(flag: str, arguments: list[str]) -> tuple[bool, list[str]]:
    """Take a flag of the whole program out, which is understood anywhere before ``--``."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    kept = [a for a in arguments[:end] if a != flag]
    return len(kept) < end, kept + arguments[end:]


def _as_help(arguments: list[str]) -> list[str]:
    """Turn ``help`` and ``help zoom`` into the option that shows it."""
    return [*arguments[1:2], "--help"] if arguments[:1] == ["help"] else arguments


def _terminate(number: int, frame: FrameType | None) -> None:
    if not interrupts.put_off(number, frame):
        raise SystemExit(interrupts.exit_code_of(number))
