"""Lines for people on a terminal of some width: broken between words, and never into a progress bar."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.progress import Progress

from srnet_cli import console
from srnet_cli.errors import InputError
from srnet_cli.training.run.progress import ProgressLines, progress_display
from srnet_cli.zooming.progress import BatchProgress, _TimeLeft


def speaking(monkeypatch: pytest.MonkeyPatch, terminal: bool) -> io.StringIO:
    heard = io.StringIO()
    made = Console(file=heard, width=40, force_terminal=terminal, soft_wrap=True, color_system=None)
    monkeypatch.setattr(console, "_voice", lambda: console._Voice(made, made))
    return heard


def test_a_terminal_gets_lines_broken_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "0.01 → 0.23 megapixels, 1 tile, about 2 s, about 24 MB besides the model"
    heard = speaking(monkeypatch, terminal=True)
    console.say(text)
    lines = heard.getvalue().splitlines()
    assert len(lines) == 2 and all(len(line) <= 40 for line in lines)
    assert [word for line in lines for word in line.split()] == text.split()


def test_elsewhere_a_line_stays_one(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = speaking(monkeypatch, terminal=False)
    console.show_error(InputError("is damaged in a way that takes more than a line to tell", path="a.jpg"))
    assert len(heard.getvalue().splitlines()) == 1


def test_a_long_path_stays_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    path = "/photos/" + "a" * 60 + "/b.jpg"
    heard = speaking(monkeypatch, terminal=True)
    console.show_error(InputError("is damaged", path=path))
    assert any(path in line for line in heard.getvalue().splitlines())


def test_an_error_is_not_written_into_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = speaking(monkeypatch, terminal=True)
    with BatchProgress([1.0, 2.0]):
        console.show_error(InputError("is damaged", path="a.jpg"))
    assert "lefterror" not in heard.getvalue() and "error a.jpg" in heard.getvalue()


def test_no_time_is_left_below_zero() -> None:
    progress = Progress(disable=True)
    progress.add_task("a", total=0.3)
    (task,) = progress._tasks.values()
    task.completed = 0.1 + 0.2 + 1e-12
    assert str(_TimeLeft().render(task)) == "0.0 s left"


def test_a_run_that_takes_no_step_leaves_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    for steps in (0, 1):
        speaking(monkeypatch, terminal=True)
        with progress_display() as display:
            lines = ProgressLines(display)
            lines.say("this run is finished")
            for step in range(steps):
                lines.stepped(step + 1, 1.0)
            lines.close()
        assert len(display.tasks) == steps
