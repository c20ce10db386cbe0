"""What people and programs read, whole.

Each case is a folder with `input`, a committed repository; `calls`, one command a line; and
`expected.txt`, the transcript. What is in `change` is committed on top of the input. `pytest
tests/render --update-golden` writes the transcripts anew: read the difference.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chimera.cli.main import run
from chimera.context import Context, FixedClock, SequentialIds
from chimera.model import Actor

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(case.name for case in GOLDEN.iterdir() if case.is_dir())
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

# Evidence names the interpreter and the machine's isolation, which are no part of a rendering;
# nor is the version, which only an installed Chimera knows.
VOLATILE = (
    (re.compile(r"evidence [0-9a-f]{12}"), "evidence (digest)"),
    (re.compile(r"evidence sha256:[0-9a-f]{64}"), "evidence (digest)"),
    (re.compile(r'("evidence": )"sha256:[0-9a-f]{64}"'), r'\1"(digest)"'),
    (re.compile(r'("(?:network|files|processes)": )(true|false)'), r"\1(either)"),
    (re.compile(r'("lastRuling": )"sha256:[0-9a-f]{64}"'), r'\1"(digest)"'),
    (re.compile(r"(the last ruling for \S+), [0-9a-f]{12},"), r"\1, (digest),"),
    (re.compile(r"\([0-9a-f]{7}\)"), "(commit)"),
    (re.compile(r"--to [0-9a-f]{40}"), "--to (commit)"),
    # What a diagnosis can vary depends on the kernel and on what is installed.
    (re.compile(r"\(\d+ runs, "), "(some runs, "),
    (re.compile(r'("runs": )\d+'), r"\1(some)"),
    (re.compile(r"  not varied: .*\n"), ""),
    (re.compile(r'("leftOut": )\{[^}]*\}'), r"\1(some)"),
    (re.compile(r'("name": "chimera",\s+"version": )"[^"]+"'), r'\1"(version)"'),
)


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time stands still, ids count, and Ann is at the keyboard."""
    real = Context.system
    ids = SequentialIds("id")

    def system(**options: Any) -> Context:
        made = real()
        return Context(
            FixedClock(NOW),
            ids,
            Actor("ann", "human"),
            made.processes,
            made.secrets,
            made.progress,
        )

    monkeypatch.setattr(Context, "system", staticmethod(system))


def commit() -> None:
    """Commit all that is in the present folder, made a repository where it is none yet."""
    author = ["-c", "user.name=ann", "-c", "user.email=ann@example.org"]
    for call in (["init", "-q"], ["add", "-A"], [*author, "commit", "-qm", "x", "--allow-empty"]):
        subprocess.run(["git", *call], check=True)


def transcript(calls: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    lines: list[str] = []
    for call in calls:
        arguments = shlex.split(call)
        sys.argv[1:] = arguments
        code = run(arguments)
        said = capsys.readouterr()
        lines += [f"$ chimera {call}", *said.out.splitlines()]
        lines += (f"stderr: {line}" for line in said.err.splitlines())
        lines += [f"exit: {code}", ""]
    text = "\n".join(lines)
    for volatile, stands_for in VOLATILE:
        text = volatile.sub(stands_for, text)
    return text


@pytest.mark.usefixtures("still")
@pytest.mark.parametrize("case", CASES)
def test_what_is_shown_is_what_is_expected(
    case: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    shutil.copytree(GOLDEN / case / "input", tmp_path / "team")
    monkeypatch.chdir(tmp_path / "team")
    commit()
    if (GOLDEN / case / "change").is_dir():
        shutil.copytree(GOLDEN / case / "change", tmp_path / "team", dirs_exist_ok=True)
        commit()
    monkeypatch.setattr(sys, "argv", ["chimera"])
    shown = transcript((GOLDEN / case / "calls").read_text().splitlines(), capsys)
    expected = GOLDEN / case / "expected.txt"
    if request.config.getoption("--update-golden"):
        expected.write_text(shown, "utf-8")
    assert shown == expected.read_text("utf-8")
    assert str(tmp_path) not in shown
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", shown)
