"""Secrets of workflows: where they come from, and that they stay where they belong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chimera.builtin.workflow.plugin import chimera_reconcile
from chimera.context import Context
from chimera.model import ChimeraError
from chimera.runtime import PermanentError, RunError
from chimera.runtime.secrets import SecretSpec, read_secret

VALUE = "hunter2-and-a-half"


def read(tmp_path: Path, context: Context, **source: object) -> str:
    spec = SecretSpec.model_validate(source)
    return read_secret("token", spec, context, tmp_path, lambda: False)


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, object]]:
    monkeypatch.setenv("DEMO_TOKEN_OF_TEST", VALUE)
    (tmp_path / "token").write_text(f"{VALUE}\n")
    return {
        "env": {"env": "DEMO_TOKEN_OF_TEST"},
        "file": {"file": "token"},
        "absolute": {"file": str(tmp_path / "token")},
        "command": {"command": ["printf", "%s\\n", VALUE]},
    }


@pytest.mark.parametrize("name", ["env", "file", "absolute", "command"])
def test_a_secret_is_read_and_masked_from_then_on(
    tmp_path: Path, sources: dict[str, dict[str, object]], name: str
) -> None:
    context = Context.system()
    assert read(tmp_path, context, **sources[name]) == VALUE
    assert context.secrets.mask(f"it is {VALUE}") == "it is ***"


@pytest.mark.parametrize(
    "source",
    [
        {"env": "NOT_SET_ANYWHERE"},
        {"file": "missing"},
        {"file": "."},
        {"file": "empty"},
        {"file": "large"},
        {"file": "binary"},
        {"file": "pipe"},
        {"command": ["true"]},
    ],
)
def test_a_secret_that_is_not_there_is_a_failure_that_stays(
    tmp_path: Path, source: dict[str, object]
) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "large").write_text("x" * 100_000)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PermanentError, match="the secret 'token' is not there"):
        read(tmp_path, Context.system(), **source)


def test_what_a_failing_command_says_is_shown_to_nobody(tmp_path: Path) -> None:
    script = f"echo {VALUE}; echo {VALUE} >&2; exit 4"
    with pytest.raises(ChimeraError, match="exit code 4") as raised:
        read(tmp_path, Context.system(), command=["sh", "-c", script])
    assert VALUE not in f"{raised.value} {raised.value.help}"
    assert not isinstance(raised.value, PermanentError)


@pytest.mark.parametrize("source", ["{}", "{env: A, file: b}", "{file: a, command: [b]}"])
def test_a_secret_comes_from_exactly_one_place(check, source: str) -> None:
    faults = check(f"""
        trigger: human
        secrets:
          token: {source}
        stages:
          - {{id: a, operation: command, inputs: {{argv: [echo, "${{secret.token}}"]}}}}
    """)
    assert [fault.rule for fault in faults] == ["secret-source-invalid"]


def test_the_name_of_a_remote_is_no_address(check) -> None:
    faults = check("""
        trigger: human
        stages:
          - {id: a, operation: git.push, inputs: {remote: origin, revision: main,
             to: refs/heads/x}}
    """)
    assert [fault.rule for fault in faults] == ["git-remote-invalid"]


@pytest.mark.parametrize("executor", ["thread", "process"])
def test_no_secret_reaches_output_log_error_or_state(
    task, tmp_path: Path, sources: dict[str, dict[str, object]], executor: str
) -> None:
    given = task(f"""
        trigger: apply
        secrets: {{token: {{file: token}}}}
        stages:
          - id: say
            operation: command
            executor: {executor}
            inputs:
              argv: [sh, -c, "echo $TOKEN; cat token"]
              env: {{TOKEN: "${{secret.token}}"}}
          - id: fail
            operation: command
            executor: {executor}
            inputs:
              argv: [sh, -c, "echo $TOKEN >&2; exit 1"]
              env: {{TOKEN: "${{secret.token}}"}}
    """)
    with pytest.raises(RunError) as raised:
        chimera_reconcile(given)
    assert VALUE not in str(raised.value)
    assert "***" in str(raised.value)
    kept = b"".join(p.read_bytes() for p in (tmp_path / ".chimera").rglob("*") if p.is_file())
    assert VALUE.encode() not in kept
    assert b"***" in kept


def test_a_stage_in_another_process_gets_its_references_and_gives_its_outputs(
    outputs, tmp_path: Path
) -> None:
    assert outputs("""
        trigger: apply
        inputs: {who: {default: world}}
        stages:
          - id: hello
            operation: command
            executor: process
            inputs: {argv: [echo, "hello ${input.who}"]}
          - id: again
            operation: command
            executor: process
            inputs: {argv: [echo, "${hello.trimmed} again"]}
        outputs: {said: "${again.trimmed}"}
    """) == {"said": "hello world again"}


def test_a_stage_in_another_process_that_ignores_its_timeout_is_killed(
    task, tmp_path: Path
) -> None:
    given = task("""
        trigger: apply
        stages:
          - id: stuck
            operation: command
            executor: process
            timeout: 3s
            inputs:
              shell: true
              argv: ["trap '' TERM; echo $$ > pid; sleep 600"]
    """)
    with pytest.raises(RunError, match="longer than 3 s"):
        chimera_reconcile(given)
    pid = int((tmp_path / "pid").read_text())
    assert not Path(f"/proc/{pid}").exists()
