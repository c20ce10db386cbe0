"""The operation `command`, with real processes."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from chimera.context import Context, ProcessCancelledError
from chimera.model import ChimeraError
from chimera.runtime import PermanentError
from chimera.runtime.executors.lines import DROPPED
from chimera.runtime.recovery import Category, StepError


def test_it_gives_exit_code_and_output(perform, log: list[str]) -> None:
    script = "cat; echo; echo oops >&2; exit 3"
    given = {"argv": ["sh", "-c", script], "stdin": "hällo", "exitCodes": [0, 3]}
    assert perform("command", given) == {
        "exitCode": 3,
        "stdout": "hällo\n",
        "trimmed": "hällo",
        "stderr": "oops\n",
        "truncated": False,
        "json": None,
    }
    assert log == ["hällo", "oops"]


def test_a_failure_says_what_was_written_to_stdout_where_stderr_is_empty(perform, log) -> None:
    with pytest.raises(ChimeraError, match=r"exit code 3: before\nwhy it failed$"):
        perform("command", {"argv": ["sh", "-c", "echo before; echo why it failed; exit 3"]})
    assert log == ["before", "why it failed"]


def test_the_log_keeps_the_beginning_and_the_end_of_much_output(perform, log: list[str]) -> None:
    perform(
        "command",
        {"argv": ["sh", "-c", "echo the beginning; yes a line | head -n 200000; echo the end"]},
    )
    assert (log[0], log[-1]) == ("the beginning", "the end")
    assert DROPPED in log
    assert sum(map(len, log)) < 300_000


def test_a_line_is_logged_while_the_program_still_runs(perform, root: Path) -> None:
    # It ends only once its first line has been heard.
    heard: list[str] = []
    script = "echo working; while [ ! -e seen ]; do sleep 0.01; done; echo done"

    class Log(list[str]):
        def append(self, line: str) -> None:
            super().append(line)
            (root / "seen").touch()

    heard = Log()
    perform("command", {"argv": ["sh", "-c", script]}, log=heard.append)
    assert heard == ["working", "done"]


def test_a_gigabyte_of_output_is_not_kept(perform, log: list[str]) -> None:
    outputs = perform("command", {"argv": ["sh", "-c", "yes | head -c 1000000000"]})
    assert (len(outputs["stdout"]), outputs["truncated"]) == (1 << 20, True)
    assert sum(map(len, log)) < 300_000


def test_closed_input_is_empty_input(perform) -> None:
    assert perform("command", {"argv": ["cat"]})["stdout"] == ""


@pytest.mark.parametrize(("code", "transient"), [(75, True), (1, False)])
def test_a_program_can_say_that_it_may_go_well_later(perform, code: int, transient: bool) -> None:
    with pytest.raises(StepError) as raised:
        perform("command", {"argv": ["sh", "-c", f"exit {code}"]})
    assert raised.value.transient is transient
    assert not isinstance(raised.value, PermanentError)


@pytest.mark.parametrize(
    ("limit", "script", "what"),
    [
        ({"maxMemory": 64 << 20}, "x = bytearray(1 << 28); import time; time.sleep(60)", "memory"),
        ({"maxCpu": "300ms"}, "while True: pass", "cpu"),
        (
            {"maxProcesses": 3},
            "import subprocess as s; [s.Popen(['sleep', '60']) for _ in range(5)][0].wait()",
            "processes",
        ),
    ],
)
def test_a_program_that_uses_more_than_it_may_is_ended(
    perform, limit: dict[str, object], script: str, what: str
) -> None:
    with pytest.raises(StepError, match=f"more {what} than it may") as raised:
        perform("command", {"argv": ["python", "-c", script], **limit})
    assert raised.value.category is Category.RESOURCE


def test_a_secret_is_masked_before_its_beginning_can_be_cut_off(perform, log: list[str]) -> None:
    context = Context.system()
    context.secrets.add("swordfish-and-chips")
    script = "echo swordfish-and-chips; yes | tr -d '\n' | head -c 15990; exit 1"
    with pytest.raises(ChimeraError, match="exit code 1"):
        perform("command", {"argv": ["sh", "-c", script]}, context=context)
    assert "chips" not in "".join(log)


def test_another_exit_code_is_a_failure_that_may_pass(perform) -> None:
    with pytest.raises(ChimeraError, match="exit code 1: no such luck") as raised:
        perform("command", {"argv": ["sh", "-c", "echo no such luck >&2; exit 1"]})
    assert not isinstance(raised.value, PermanentError)


def test_json_output_is_parsed(perform) -> None:
    outputs = perform("command", {"argv": ["echo", '{"a": [1, null]}'], "jsonOutput": True})
    assert outputs["json"] == {"a": [1, None]}


@pytest.mark.parametrize("said", ["nothing", "NaN", "123456789012345678901", "[" * 100_000])
def test_what_is_not_json_is_a_failure_that_stays(perform, said: str) -> None:
    given = {"argv": ["cat"], "stdin": said, "jsonOutput": True}
    with pytest.raises(PermanentError, match="stdout is not JSON"):
        perform("command", given)


def test_arguments_are_not_read_by_a_shell(perform) -> None:
    assert perform("command", {"argv": ["echo", "$HOME; ls"]})["stdout"] == "$HOME; ls\n"


def test_an_argument_may_be_empty(perform) -> None:
    assert perform("command", {"argv": ["printf", "%s|", "", "x"]})["stdout"] == "|x|"


def test_a_script_gets_its_values_as_arguments(perform) -> None:
    given = {"shell": True, "argv": ['printf "%s|" "$1" "$2"', "a; touch evil", "$(b)"]}
    assert perform("command", given)["stdout"] == "a; touch evil|$(b)|"


def test_it_sees_only_what_it_is_given(perform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LET_IN", "yes")
    monkeypatch.setenv("LEFT_OUT", "no")
    given = {"argv": ["env"], "env": {"OWN": "1"}, "allowEnv": ["LET_IN", "NOT_THERE"]}
    seen = dict(line.split("=", 1) for line in perform("command", given)["stdout"].splitlines())
    assert seen.keys() >= {"PATH", "HOME", "OWN", "LET_IN"}
    assert not seen.keys() & {"LEFT_OUT", "NOT_THERE"}
    assert seen["CHIMERA_KEY"] == "k" * 64


def test_python_is_the_one_that_runs_chimera(perform) -> None:
    given = {"argv": ["python", "-c", "import sys; print(sys.prefix)"]}
    assert perform("command", given)["stdout"].strip() == sys.prefix


def test_it_runs_in_the_tree(perform, root: Path) -> None:
    (root / "inner").mkdir()
    where = perform("command", {"argv": ["pwd", "-P"], "cwd": "inner"})["stdout"].strip()
    assert where == str((root / "inner").resolve())


def test_a_folder_behind_a_symlink_is_refused(perform, root: Path, tmp_path: Path) -> None:
    (root / "out").symlink_to(tmp_path)
    with pytest.raises(PermanentError, match="cannot enter 'out'"):
        perform("command", {"argv": ["pwd"], "cwd": "out"})


@pytest.mark.parametrize("cwd", ["..", "/tmp", "a/../../b", ".git"])
def test_a_folder_outside_the_tree_is_refused(perform, cwd: str) -> None:
    with pytest.raises(PermanentError, match=r"path|Git.s own"):
        perform("command", {"argv": ["pwd"], "cwd": cwd})


def test_output_is_bounded(perform) -> None:
    outputs = perform("command", {"argv": ["sh", "-c", "yes | head -c 100000"], "maxOutput": 10})
    assert (len(outputs["stdout"]), outputs["truncated"]) == (10, True)


def test_cancelling_ends_the_whole_group(perform, root: Path) -> None:
    script = "sleep 600 & echo $! > child; trap '' TERM; wait; sleep 600"
    child = root / "child"

    def cancelled() -> bool:
        return child.exists() and child.read_text().endswith("\n")

    with pytest.raises(ProcessCancelledError):
        perform("command", {"argv": [script], "shell": True}, cancelled=cancelled)
    pid = int(child.read_text())
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
