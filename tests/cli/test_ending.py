"""How commands end: one exit code for each outcome, errors that help, and no traceback."""

from __future__ import annotations

import errno
import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest

from chimera.cli.exit_codes import DETAILED_CHANGED, EXIT_CODES
from chimera.cli.index import COMMANDS
from chimera.cli.main import root
from chimera.cli.options import output_option
from chimera.cli.session import Session, pass_session
from chimera.model import (
    ChimeraError,
    GateError,
    Outcome,
    StaleError,
    StateError,
    UsageError,
)

ROOT = Path(__file__).parents[2]

# DESIGN §9, highest precedence first.
CODES = [130, 3, 4, 7, 6, 1, 5, 2, 0]


def test_exit_codes_are_those_of_the_design_in_their_order() -> None:
    codes = [EXIT_CODES[o] if o is not Outcome.CHANGED else DETAILED_CHANGED for o in Outcome]
    assert codes == CODES
    assert EXIT_CODES[Outcome.CHANGED] == 0, "2 is for --detailed-exitcode alone"
    assert set(EXIT_CODES) == set(Outcome)


@pytest.fixture
def ending(chimera: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command that does what a test says."""

    def end(do: Any, *arguments: str, before: tuple[str, ...] = ()) -> Any:
        @click.command()
        @output_option
        @pass_session
        def acts(session: Session, outputs: tuple[str, ...]) -> None:
            """Act."""
            do(session, outputs)

        module = ModuleType("acting")
        module.acts = acts  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "acting", module)
        entry = next(iter(COMMANDS.values()))._replace(target="acting:acts")
        monkeypatch.setitem(COMMANDS, "acts", entry)
        return chimera(*before, "acts", *arguments)

    return end


@pytest.mark.parametrize("outcome", Outcome)
def test_a_result_ends_with_the_code_of_its_outcome(ending: Any, outcome: Outcome) -> None:
    def do(session: Session, outputs: tuple[str, ...]) -> None:
        session.emit(outputs, lambda paint: paint("done", "good"), dict, outcome)

    answer = ending(do)
    assert (answer.code, answer.out, answer.err) == (EXIT_CODES[outcome], "done\n", "")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ChimeraError("it broke", help="mend it"), 1),
        (UsageError("it broke", help="mend it"), 4),
        (StaleError("it broke", help="mend it"), 7),
        (GateError("it broke", help="mend it"), 1),
        (StateError("it broke", help="mend it"), 1),
        (KeyboardInterrupt(), 130),
        (click.UsageError("it broke"), 4),
        (click.BadParameter("it broke"), 4),
        (click.FileError("it", "broke"), 4),
        (OSError(errno.ENOSPC, "No space left on device", "it broke"), 1),
        (OSError(errno.EACCES, "Permission denied", "it broke"), 1),
        (OSError(errno.ENOTDIR, "it broke"), 3),
        (RuntimeError("it broke"), 3),
        (RecursionError("it broke"), 3),
        (AssertionError("it broke"), 3),
    ],
)
def test_an_error_ends_with_its_code_on_standard_error(
    ending: Any, error: BaseException, code: int
) -> None:
    def do(session: Session, outputs: tuple[str, ...]) -> None:
        raise error

    answer = ending(do)
    assert (answer.code, answer.out) == (code, "")
    assert "Traceback" not in answer.err
    assert "broke" in answer.err or code == 130
    if isinstance(error, ChimeraError):
        assert answer.err == "error: it broke\n help: mend it\n"


def test_a_bug_leaves_a_report_that_says_where(ending: Any) -> None:
    def do(session: Session, outputs: tuple[str, ...]) -> None:
        raise ZeroDivisionError("nobody thought of this")

    answer = ending(do)
    assert answer.code == 3
    assert "this is a bug in Chimera: ZeroDivisionError: nobody thought of this" in answer.err
    report = Path(answer.err.partition("the report ")[2].partition(" says")[0])
    text = report.read_text()
    assert "arguments: ['acts']" in text
    assert "test_ending.py" in text
    assert text.rstrip().endswith("ZeroDivisionError: nobody thought of this")


def test_a_bug_is_shown_where_no_report_can_be_left(
    ending: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any, **kwargs: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    def do(session: Session, outputs: tuple[str, ...]) -> None:
        monkeypatch.setattr("tempfile.NamedTemporaryFile", full)
        raise ZeroDivisionError("nobody thought of this")

    answer = ending(do)
    assert answer.code == 3
    assert "test_ending.py" in answer.err


def test_messages_of_errors_do_not_command_the_terminal(ending: Any) -> None:
    def do(session: Session, outputs: tuple[str, ...]) -> None:
        raise ChimeraError("no \x1b[2J", help="see \x9b31m")

    assert ending(do).err == "error: no \\u001b[2J\n help: see \\u009b31m\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("chekc",),
        ("--nonsense",),
        ("check", "--nonsense"),
        ("check", "missing-folder"),
        ("-C", "missing-folder", "check"),
        ("check", "a", "b"),
        ("check", "--env"),
        ("check", "-o", "yaml"),
        ("check", "-o", "json", "-o", "text"),
        ("check", "-o", "json=missing/folder/out.json"),
        ("check", "--env", "nowhere"),
        ("apply", "--wait", "soon"),
        ("apply", "--wait", "-1"),
        ("run",),
        ("run", "Workflow"),
        ("run", "Workflow/x", "-i", "novalue"),
        ("runs",),
        ("runs", "list", "--limit", "0"),
        ("runs", "nonsense"),
        ("explain", "Nothing"),
        ("describe", "nonsense"),
        ("get", "Nothing/x"),
        ("show",),
        ("show", "missing.json"),
        ("policy", "test", "nonsense"),
        ("prove", "nonsense"),
        ("record", "Genome/none"),
        ("new",),
        ("new", "Nothing"),
        ("fmt", "missing.yaml"),
        ("schema", "nonsense"),
    ],
    ids=" ".join,
)
def test_wrong_use_exits_with_four_and_says_what_to_do(
    chimera: Any, arguments: tuple[str, ...]
) -> None:
    answer = chimera(*arguments)
    assert (answer.code, answer.out) == (4, "")
    assert len(answer.err.splitlines()) >= 2
    assert "bug in Chimera" not in answer.err


@pytest.mark.parametrize(
    ("wrong", "near"), [("chekc", "check"), ("aply", "apply"), ("sho", "show")]
)
def test_a_misspelt_command_gets_a_suggestion(chimera: Any, wrong: str, near: str) -> None:
    assert f"Did you mean {near!r}?" in chimera(wrong).err


def test_a_command_like_no_other_gets_none(chimera: Any) -> None:
    answer = chimera("xyzzy")
    assert answer.code == 4
    assert "Did you mean" not in answer.err


def test_no_command_shows_the_help(chimera: Any) -> None:
    answer = chimera()
    assert answer.code in (0, 4)
    assert "Get going" in answer.out + answer.err


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"format": "x"}', "[" * 100_000, "\xff"])
def test_a_file_that_is_no_plan_is_wrong_use(chimera: Any, tmp_path: Path, content: str) -> None:
    (tmp_path / "plan.json").write_text(content, "latin-1")
    for arguments in (("show", "plan.json"), ("apply", "plan.json")):
        answer = chimera(*arguments)
        assert (answer.code, answer.out) == (4, ""), answer
        assert "chimera plan" in answer.err or "make the plan again" in answer.err


def test_changes_are_told_by_two_only_where_it_is_asked_for(chimera: Any, broken: Path) -> None:
    assert chimera("plan").code == 1, "a fault takes precedence over changes"
    broken.write_text(broken.read_text().replace("protectd", "protected"))
    assert chimera("plan").code == 0
    assert chimera("plan", "--detailed-exitcode").code == 2
    assert chimera("apply").code == 0
    assert chimera("plan", "--detailed-exitcode").code == 0


def test_a_fault_fails_and_no_fault_passes(chimera: Any, broken: Path) -> None:
    assert chimera("check").code == 1
    broken.write_text(broken.read_text().replace("protectd", "protected"))
    assert chimera("check").code == 0


def test_nothing_to_exercise_is_no_pass(chimera: Any) -> None:
    assert chimera("policy", "test").code == 5
    assert chimera("prove").code == 5


def test_every_format_goes_where_it_was_sent(chimera: Any, broken: Path, tmp_path: Path) -> None:
    answer = chimera("check", "-o", "json=a.json", "-o", "json=b.json", "-o", "text")
    assert answer.code == 1
    assert answer.out.startswith("specs/e.yaml:4:8: error[field-unknown]")
    found = json.loads((tmp_path / "a.json").read_text())
    assert (tmp_path / "b.json").read_text() == (tmp_path / "a.json").read_text()
    assert found["diagnostics"][0]["rule"] == "field-unknown"
    quiet = chimera("check", "-o", "json=a.json")
    assert (quiet.code, quiet.out) == (1, "")
    assert json.loads(chimera("check", "-o", "json").out) == found


def test_a_folder_is_named_by_an_option_for_every_command(
    chimera: Any, broken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert "specs/e.yaml:4:8" in chimera("-C", "..", "check").out
    assert chimera("-C", "..", "schema", "export").code == 0
    assert (tmp_path / ".chimera" / "schemas" / "Gate.json").exists()
    assert (tmp_path / ".chimera" / ".gitignore").read_text() == "*\n"


PLUGIN = """
import click
from chimera.plugin import hookimpl

@hookimpl
def chimera_register_commands():
    return {"hello": "acme_greeting:hello"}

@click.command()
def hello():
    '''Greet.'''
    click.echo("hello from acme")
"""


def test_a_command_of_an_installed_plugin_is_found_from_anywhere(
    chimera: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    info = site / "acme-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[chimera]\nacme = acme_greeting\n")
    (site / "acme_greeting.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(site))
    team = tmp_path / "team"
    (team / "specs").mkdir(parents=True)
    (team / "specs" / "r.yaml").write_text(
        "apiVersion: chimera/v1\nkind: Repository\nmetadata: {name: r}\n"
        "spec: {plugins: {require: [acme]}}\n"
    )
    (tmp_path / "empty").mkdir()
    assert chimera("-C", "empty", "hello").code == 4
    assert chimera("-C", "team", "hello").out == "hello from acme\n"


class TestAsAProcess:
    """What only a real process shows: terminals, pipes and signals."""

    @staticmethod
    def start(folder: Path, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
        environment |= options.pop("env", {})
        return subprocess.Popen(
            [sys.executable, "-m", "chimera", *arguments], cwd=folder, env=environment, **options
        )

    def on_a_terminal(self, folder: Path, *arguments: str, **env: str) -> tuple[int, bytes]:
        ours, theirs = pty.openpty()
        env = {"TERM": "xterm", **env}
        with self.start(folder, *arguments, stdout=theirs, stderr=theirs, env=env) as process:
            os.close(theirs)
            said = b""
            try:
                while piece := os.read(ours, 65536):
                    said += piece
            except OSError:  # Linux: the other end was closed
                pass
        os.close(ours)
        return process.returncode, said

    def test_a_terminal_gets_colour_and_a_person_can_refuse_it(
        self, broken: Path, tmp_path: Path
    ) -> None:
        code, coloured = self.on_a_terminal(tmp_path, "check")
        assert code == 1
        assert b"\x1b[31m" in coloured
        for arguments, env in [
            (("--no-color", "check"), {}),
            (("check",), {"NO_COLOR": "1"}),
            (("--no-color", "check", "--env", "nowhere"), {}),
            (("check", "--env", "nowhere"), {"NO_COLOR": "1"}),
        ]:
            _, said = self.on_a_terminal(tmp_path, *arguments, **env)
            assert said
            assert b"\x1b[3" not in said
        _, empty = self.on_a_terminal(tmp_path, "check", NO_COLOR="")
        assert b"\x1b[31m" in empty, "an empty NO_COLOR is none"

    def test_a_pipe_is_plain_unless_colour_is_asked_for(self, broken: Path, tmp_path: Path) -> None:
        said = []
        for flags in ((), ("--color",)):
            with self.start(tmp_path, *flags, "check", stdout=subprocess.PIPE) as process:
                assert process.stdout is not None
                said.append(process.stdout.read())
        assert b"\x1b" not in said[0]
        assert b"\x1b[31m" in said[1]

    @pytest.mark.parametrize(("is_broken", "code"), [(True, 1), (False, 0)])
    def test_a_reader_that_goes_away_changes_no_exit_code(
        self, broken: Path, tmp_path: Path, is_broken: bool, code: int
    ) -> None:
        if not is_broken:
            broken.unlink()
        there, here = os.pipe()
        os.close(there)
        process = self.start(tmp_path, "check", stdout=here, stderr=subprocess.PIPE)
        os.close(here)
        _, said = process.communicate(timeout=60)
        assert (process.returncode, said) == (code, b"")

    def test_an_interrupt_ends_with_130(self, tmp_path: Path) -> None:
        code = (
            "import os, signal, sys, chimera.cli.main as m\n"
            "m.Session.workspace = lambda *a: os.kill(os.getpid(), signal.SIGINT)\n"
            "sys.exit(m.run(['check']))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 128 + signal.SIGINT
        assert "interrupted" in done.stderr
        assert "Traceback" not in done.stderr


def test_the_root_is_the_only_group_that_imports_lazily() -> None:
    assert root.list_commands(click.Context(root)) == list(COMMANDS)
