"""What counts as failing under a control, and what does not."""

import pytest

from chimera.model import ChimeraError, Finding
from chimera.proof import StepOutcome, prove

TEST = "from answer import ANSWER\ndef test_answer():\n    assert ANSWER == 42\n"


def under(bench, faulty):
    """Prove with a step that `faulty` answers under the control, and the plugins otherwise."""
    bench.proof()
    loaded = bench.load()

    def run_step(task):
        if task.repetition == 0:
            return faulty(task)
        return bench.plugins.hook.chimera_run_proof_step(task=task)

    (report,) = prove(
        loaded.snapshot, [bench.get(loaded=loaded)], bench.context, run_step, bench.store
    )
    return report


def pytest_proof(bench, control):
    bench.write("src/answer.py", "ANSWER = 42\n")
    bench.write("src/test_it.py", TEST)
    return bench.prove_one(steps=[{"run": "pytest", "paths": ["src"]}], controls=[control])


def test_an_assertion_that_fails_is_what_a_control_is_for(bench):
    control = {"mutate": "replace", "path": "src/answer.py", "old": "42", "new": "41"}
    report = pytest_proof(bench, control)
    assert (report.finding, report.notes) == (Finding.PASS, ())


def test_a_control_that_only_breaks_the_code_counts_and_is_noted(bench):
    control = {"mutate": "replace", "path": "src/answer.py", "old": "=", "new": "("}
    report = pytest_proof(bench, control)
    assert report.finding is Finding.PASS
    assert report.notes == (
        "under replacing '=' in src/answer.py it failed by an error, and no assertion did",
    )


def test_a_step_that_says_it_failed_counts(bench):
    report = under(bench, lambda task: StepOutcome(Finding.FAIL, {"a": "fail"}, 1))
    assert (report.finding, report.notes) == (Finding.PASS, ())


def test_code_under_test_that_cannot_answer_counts_and_is_noted(bench):
    def faulty(task):
        raise ChimeraError("the run has failed")

    report = under(bench, faulty)
    assert report.finding is Finding.PASS
    assert len(report.notes) == 1


@pytest.mark.parametrize("answer", ["raises", "nobody"])
def test_machinery_that_breaks_under_a_control_is_no_failing(bench, answer):
    def faulty(task):
        if answer == "raises":
            raise RuntimeError("the plugin is broken")

    report = under(bench, faulty)
    assert report.finding is Finding.FAIL
    (reason,) = report.reasons
    assert reason.startswith("the proof cannot fail: it does not under replacing '42'")
    assert "where nothing was exercised: step 1: " in reason


def test_machinery_that_breaks_without_a_control_fails_the_proof(bench):
    bench.proof()
    loaded = bench.load()

    def broken(task):
        raise RuntimeError("the plugin is broken")

    (report,) = prove(
        loaded.snapshot, [bench.get(loaded=loaded)], bench.context, broken, bench.store
    )
    assert report.finding is Finding.FAIL
