"""What a person sees of long work on a terminal."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from chimera.cli.progress import TerminalProgress


def _shown(progress: TerminalProgress) -> str:
    console = Console(file=StringIO(), width=80)
    console.print(*progress._progress.get_renderables(), sep="\n")  # as a frame is drawn
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def _progress() -> TerminalProgress:
    return TerminalProgress(Console(file=StringIO(), width=80, force_terminal=True))


def test_work_that_is_taken_up_step_by_step_keeps_one_line() -> None:
    progress = _progress()
    for done in (5, 10, 15):
        progress.start("Evolution/tune", 40)
        progress.advance("Evolution/tune", done)
    shown = _shown(progress)
    progress.finish("Evolution/tune")
    assert shown.count("Evolution/tune") == 1
    assert "38 %" in shown


def test_a_note_has_the_whole_width_below_the_line() -> None:
    progress = _progress()
    note = "generation 12,000, best 0.0512298, median 9.802, diversity 0.0348, 283,996/s"
    progress.start("Evolution/a-rather-long-name-for-an-evolution", 1000)
    progress.advance("Evolution/a-rather-long-name-for-an-evolution", 300, note)
    shown = _shown(progress)
    progress.finish("Evolution/a-rather-long-name-for-an-evolution")
    assert "Evolution/a-rather-long-name-for-an-evolution" in shown
    assert note in shown


def test_work_of_unknown_length_has_no_share() -> None:
    progress = _progress()
    progress.start("Proof/manifest")
    progress.advance("Proof/manifest", 3)
    shown = _shown(progress)
    progress.finish("Proof/manifest")
    assert "%" not in shown
