"""Runs are named by their ids, by how these begin, or as the latest."""

from __future__ import annotations

import pytest

from chimera.runtime import list_runs

from .conftest import Repository

TRIED = """\
apiVersion: chimera/v1
kind: Workflow
metadata: {name: tried}
spec:
  trigger: human
  stages:
    - id: try
      operation: command
      inputs: {argv: [test, -e, done]}
"""


@pytest.fixture
def failed(repository: Repository) -> tuple[Repository, str]:
    """A repository with a run that failed, and its id."""
    repository.write("specs/tried.yaml", TRIED)
    assert repository.chimera("apply").code == 0
    assert repository.chimera("run", "Workflow/tried").code == 1
    (run,) = list_runs(repository.root)
    return repository, run.uid


def test_a_run_is_found_by_its_beginning_and_as_the_latest(failed: tuple[Repository, str]) -> None:
    repository, uid = failed
    repository.chimera("runs", "cancel", uid)
    repository.chimera("run", "Workflow/tried")
    newest, oldest = (run.uid for run in list_runs(repository.root))
    assert newest in repository.chimera("runs", "show", "latest").out
    assert oldest in repository.chimera("runs", "show", oldest[:-1]).out
    refused = repository.chimera("runs", "show", uid[:2])
    assert refused.code == 4
    assert f"more than one run begins with {uid[:2]!r}: {oldest} and {newest}" in refused.err
    unknown = repository.chimera("runs", "show", "nothing")
    assert (unknown.code, "there is no run nothing" in unknown.err) == (4, True)


def test_a_signal_to_a_run_that_failed_says_what_goes_on_with_it(
    failed: tuple[Repository, str],
) -> None:
    repository, uid = failed
    told = repository.chimera("runs", "signal", uid, "go")
    assert f"it failed: `chimera runs retry {uid}` goes on with it" in told.out


def test_a_run_that_is_tried_again_is_said_to_be_that_one(failed: tuple[Repository, str]) -> None:
    repository, uid = failed
    again = repository.chimera("run", "Workflow/tried").out
    assert "it went on with that run, which had failed" in again
    assert f"`chimera runs cancel {uid}`" in again
    repository.write("done", "")
    said = repository.chimera("run", "Workflow/tried", "-o", "json").json
    assert (said["run"], said["status"], said["wentOnFrom"]) == (uid, "succeeded", "failed")
    assert repository.chimera("run", "Workflow/tried", "-o", "json").json["wentOnFrom"] is None
