"""Procedures by symptom, and values that become arguments and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chimera.builtin.services.runbooks.procedures import (
    check_values,
    matching,
    missing_values,
    procedure_named,
    procedures_of,
    runbook_named,
    runbooks_of,
    with_values,
)
from chimera.builtin.services.spec.runbook import ProcedureSpec, StepSpec
from chimera.model import UsageError
from chimera.workspace import Workspace
from tests.builtin.services.runbooks.conftest import procedure

LOOK = {"command": ["true"]}


def named(id: str, *symptoms: str, title: str = "something else") -> dict[str, Any]:
    return {**procedure(LOOK, symptoms=list(symptoms)), "id": id, "title": title}


def search(workspace: Workspace, text: str) -> list[str]:
    every = procedures_of(runbooks_of(workspace.loaded.snapshot))
    return [one.procedure.id for one in matching(every, text)]


def test_the_procedure_that_fits_best_comes_first(
    write: Callable[..., None], opened: Callable[..., Workspace]
) -> None:
    write(
        named("queue", "high task queue latency"),
        named("mesh", "latency between layers"),
        named("memory", "pods are killed for memory"),
        named("by-title", title="The queue is full"),
    )
    workspace = opened()
    assert search(workspace, "queue latency") == ["queue", "by-title", "mesh"]
    assert search(workspace, "Latencies in the QUEUE") == ["by-title", "queue"]
    assert search(workspace, "pod killed") == ["memory"]
    assert search(workspace, "the") == search(workspace, "xyzzy") == []


def test_names_are_found_or_suggested(
    write: Callable[..., None], opened: Callable[..., Workspace]
) -> None:
    write(named("one"), name="alone")
    write(named("first"), named("second"), name="several")
    snapshot = opened().loaded.snapshot
    alone, several = runbook_named(snapshot, "alone"), runbook_named(snapshot, "Runbook/several")
    assert procedure_named(alone, None).id == "one"
    assert procedure_named(several, "second").id == "second"
    for book, name in ((several, None), (several, "secnd")):
        with pytest.raises(UsageError) as raised:
            procedure_named(book, name)
        assert "second" in str(raised.value.help)
    with pytest.raises(UsageError) as raised:
        runbook_named(snapshot, "severel")
    assert "several" in str(raised.value.help)


PROCEDURE = ProcedureSpec.model_validate(
    procedure(
        {"command": ["restore", "--from=${backup}", "${backup}", "${run}/a"]},
        inputs={
            "backup": {"asks": "which"},
            "mode": {"asks": "how", "default": "quick"},
        },
    )
)


def test_values_fill_arguments_and_stay_one_argument() -> None:
    values = check_values(PROCEDURE, {"backup": "/b/a b; rm -rf $(x)"})
    assert values == {"mode": "quick", "backup": "/b/a b; rm -rf $(x)"}
    assert missing_values(PROCEDURE, {}) == ("backup", "mode")
    assert missing_values(PROCEDURE, values) == ()
    step: StepSpec = with_values(PROCEDURE.steps[0], {**values, "run": "folder"})
    said = "/b/a b; rm -rf $(x)"
    assert step.command == ("restore", f"--from={said}", said, "folder/a")


def test_a_value_is_not_filled_in_again() -> None:
    step = with_values(PROCEDURE.steps[0], {"backup": "${run}", "run": "folder"})
    assert step.command is not None
    assert step.command[2] == "${run}"


@pytest.mark.parametrize("value", ["", "-rf", "--help", "a\nb", " a", "a\0b", "\x1b[2J", "x" * 513])
def test_what_could_be_an_option_or_no_text_is_no_value(value: str) -> None:
    with pytest.raises(UsageError, match="is no text for an argument"):
        check_values(PROCEDURE, {"backup": value})


def test_an_unknown_input_is_refused() -> None:
    with pytest.raises(UsageError, match="has no input 'bakup'") as raised:
        check_values(PROCEDURE, {"bakup": "a"})
    assert "backup" in str(raised.value.help)


@pytest.mark.parametrize(
    ("argv", "is_script"),
    [
        (["sh", "-c", "echo ${what}"], True),
        (["/bin/bash", "-lc", "echo ${what}"], True),
        (["env", "sh", "-c", "echo ${what}"], True),
        (["kubectl", "exec", "pod", "--", "sh", "-c", "cat ${what}"], True),
        (["python3.13", "-c", "print('${what}')"], True),
        (["perl", "-e'${what}'"], True),
        (["psql", "--command=select '${what}'"], True),
        (["ssh", "host", "cat ${what}"], True),
        (["awk", "-v", "a=1", "{print ${what}}"], True),
        (["bash", "-o", "pipefail", "-c", "echo ${what}"], True),
        (["sh", "-c", 'echo "$1"', "sh", "${what}"], False),
        (["bash", "deploy.sh", "-e", "${what}"], False),
        (["python", "-m", "tool", "-c", "${what}"], False),
        (["kubectl", "exec", "pod", "--", "cat", "${what}"], False),
        (["pg_restore", "-c", "${what}"], False),
    ],
)
def test_no_value_becomes_a_part_of_a_script(argv: list[str], is_script: bool) -> None:
    step = {"id": "s", "title": "t", "command": argv, "risk": "changes"}
    inputs = {"what": {"asks": "which?"}}
    written = ProcedureSpec.model_validate(
        {"id": "p", "title": "t", "inputs": inputs, "steps": [step]}
    )
    if not is_script:
        assert check_values(written, {"what": "x; rm y"}) == {"what": "x; rm y"}
        return
    with pytest.raises(UsageError, match="'what' would be read as a part of the script of 's'"):
        check_values(written, {"what": "x; rm y"})
