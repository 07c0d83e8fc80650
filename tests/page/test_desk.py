"""The work of one browser, without one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

pytest.importorskip("nicegui", reason="needs the extra 'ui'")

from srnet_cli.errors import InputError
from srnet_cli.page.desk import Desk, Desks, Done, Failed
from srnet_cli.page.work import Made, Wish


class _Zooms:
    """Stands for what zooms: a picture with "bad" in its name is none, one with "bug" finds one of ours."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.order: list[str] = []
        self.running = 0

    def zoom(self, source: Path, wish: Wish) -> Made:
        self.running += 1
        assert self.running == 1
        self.order.append(f"{source.name} x{wish.scale:g}")
        try:
            if "bad" in source.name:
                raise InputError("is not a picture", path=source)
            if "bug" in source.name:
                raise ZeroDivisionError("division by zero")
            page = self._folder / f"{source.stem}.html"
            page.write_text("compared")
            return Made(source, page, 1, 1, wish)
        finally:
            self.running -= 1


def test_errands_of_two_pages_are_done_one_after_the_other(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    zooms = _Zooms(tmp_path)
    desk.work = zooms  # type: ignore[assignment]

    async def ask() -> None:
        first = desk.ask([Path("a.png"), Path("bad.png"), Path("bug.png"), Path("b.png")], Wish(2.0))
        second = desk.ask([Path("a.png")], Wish(4.0))
        while not second.finished:
            await asyncio.sleep(0.01)
        assert first.finished and desk.now is None
        # It has ended, and begins again.
        third = desk.ask([Path("c.png")], Wish(2.0))
        while not third.finished:
            await asyncio.sleep(0.01)

    asyncio.run(ask())
    assert zooms.order == ["a.png x2", "bad.png x2", "bug.png x2", "b.png x2", "a.png x4", "c.png x2"]
    said = [str(each) if isinstance(each, Failed) else each.made.result.name for each in desk.outcomes]
    assert said == [
        "a.png",
        "bad.png: is not a picture",
        "bug.png: unexpected ZeroDivisionError: division by zero",
        "b.png",
        "a.png",
        "c.png",
    ]
    addresses = [each.address for each in desk.outcomes if isinstance(each, Done)]
    assert all(address.endswith(".html") for address in addresses)


def test_each_browser_has_a_desk(tmp_path: Path) -> None:
    desks = Desks(tmp_path)
    assert desks.of("a") is desks.of("a")
    assert desks.of("a").folder != desks.of("b").folder
