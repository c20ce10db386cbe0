"""A picture that is drawn again and again on a terminal, and leaves the terminal as it was."""

from __future__ import annotations

from collections.abc import Callable
from time import sleep

from rich.console import Console
from rich.live import Live
from rich.text import Text


def watch(frame: Callable[[], str], every: float) -> None:
    """Draw what `frame` returns every so many seconds, until the user interrupts it."""
    console = Console(highlight=False, force_terminal=True)

    def drawn() -> Text:  # a line that is too long is cut, so that the lines stay where they are
        return Text.from_ansi(frame(), no_wrap=True, overflow="ellipsis")

    with Live(drawn(), console=console, screen=True, auto_refresh=False) as live:
        try:
            while True:
                live.refresh()
                sleep(every)
                live.update(drawn())
        except KeyboardInterrupt:
            return
