"""Moving a run that waits to what is applied now, as a user does it."""

from __future__ import annotations

import pytest

from chimera.runtime import list_runs

from .conftest import Repository

RELEASE = """\
apiVersion: chimera/v1
kind: Workflow
metadata: {name: release}
spec:
  trigger: human
  stages:
    - id: build
      operation: command
      inputs: {argv: [sh, -c, "echo built >>built; echo 1"]}
    - id: go
      wait: {signal: go}
      dependencies: [build]
    - id: tell
      operation: command
      inputs: {argv: [echo, "wrong ${build.stdout}"]}
      dependencies: [go]
  outputs: {told: "${tell.stdout}"}
"""
MENDED = RELEASE.replace("wrong", "right")


@pytest.fixture
def waiting(repository: Repository) -> tuple[Repository, str]:
    """A run that has done its first stage and waits, by its id."""
    define(repository, RELEASE)
    parked = repository.chimera("run", "Workflow/release")
    assert (parked.code, parked.out.split()[0]) == (0, "waiting")
    (run,) = list_runs(repository.root)
    return repository, run.uid


def define(repository: Repository, text: str) -> None:
    repository.write("specs/release.yaml", text)
    applied = repository.chimera("apply")
    assert applied.code == 0, applied.out + applied.err


def end(repository: Repository, uid: str) -> str:
    """Let the run end; return what came of it."""
    assert repository.chimera("runs", "signal", uid, "go").code == 0
    assert repository.chimera("run", "--due").code == 0
    shown = repository.chimera("runs", "show", uid, "-o", "json").json
    assert shown["status"] == "succeeded"
    return str(shown["steps"]["tell"]["output"]["stdout"])


def test_a_run_goes_on_as_it_began_unless_it_is_moved(waiting: tuple[Repository, str]) -> None:
    repository, uid = waiting
    define(repository, MENDED)
    assert end(repository, uid) == "wrong 1\n\n"


def test_a_run_that_is_moved_goes_on_as_is_applied_now(waiting: tuple[Repository, str]) -> None:
    repository, uid = waiting
    define(repository, MENDED)
    moved = repository.chimera("runs", "migrate", uid, "--reason", "a mistake in tell")
    assert moved.code == 0, moved.err
    assert f"`chimera runs resume {uid}`" in moved.out
    assert end(repository, uid) == "right 1\n\n"
    assert (repository.root / "built").read_text() == "built\n"
    shown = repository.chimera("runs", "show", uid).out
    assert "migrate" in shown
    assert "a mistake in tell" in shown
    over = repository.chimera("runs", "migrate", uid)
    assert (over.code, "is over" in over.err) == (4, True)


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        (MENDED.replace("echo 1", "echo 2"), "build has finished and does something else now"),
        (MENDED.replace("build", "make"), "build has finished and is not there any more"),
    ],
)
def test_a_run_is_not_moved_where_what_it_did_is_another(
    waiting: tuple[Repository, str], after: str, reason: str
) -> None:
    repository, uid = waiting
    define(repository, after)
    refused = repository.chimera("runs", "migrate", uid)
    assert refused.code == 1
    assert f"run {uid} cannot move: {reason}" in refused.err
    assert "cancel it" in refused.err
    assert end(repository, uid) == "wrong 1\n\n"


def test_a_run_of_what_is_not_applied_any_more_is_not_moved(
    waiting: tuple[Repository, str],
) -> None:
    repository, uid = waiting
    (repository.root / "specs/release.yaml").unlink()
    assert repository.chimera("apply").code == 0
    refused = repository.chimera("runs", "migrate", uid)
    assert refused.code == 4
    assert "Workflow/release is not applied to local" in refused.err
    assert repository.chimera("runs", "migrate", "nobody").code == 4
