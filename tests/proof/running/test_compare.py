from hypothesis import given
from hypothesis import strategies as st

from chimera.model import Finding
from chimera.proof.report import RunReport
from chimera.proof.running.compare import divergences
from chimera.proof.running.run import Ran
from chimera.proof.steps.task import StepOutcome


def ran(artifacts=None, outcomes=None, outputs=None, finding=Finding.PASS):
    step = StepOutcome(finding, outcomes or {}, 1, outputs)
    return Ran(RunReport("run", finding, (step,)), artifacts or {})


@given(st.dictionaries(st.text(), st.binary()))
def test_equal_runs_do_not_diverge(artifacts):
    assert divergences([ran(artifacts), ran(dict(artifacts)), ran(artifacts)]) == ()


@given(st.binary(max_size=400), st.binary(max_size=400))
def test_any_difference_is_found_where_it_begins(first, second):
    found = divergences([ran({"a": first}), ran({"a": second})])
    assert bool(found) == (first != second)
    for divergence in found:
        assert any(line[0] in "-+" for line in divergence.diff)
        pairs = zip(first, second, strict=False)
        short = min(len(first), len(second))
        at = next((i for i, (a, b) in enumerate(pairs) if a != b), short)
        if divergence.line is None:
            assert divergence.offset == at
        else:
            assert divergence.line == first[:at].count(b"\n") + 1


def test_absent_artifact_and_absent_outcome_are_differences():
    (artifact,) = divergences([ran({"a": b""}), ran({})])
    assert (artifact.what, artifact.diff) == ("artifact a", ("-(present)", "+(absent)"))
    (outcome,) = divergences([ran(outcomes={}), ran(outcomes={"t": "passed"})])
    assert (outcome.what, outcome.diff) == ("step 1: t", ("-(absent)", "+passed"))


def test_findings_that_differ_with_nothing_else_are_a_difference():
    (found,) = divergences([ran(), ran(finding=Finding.FAIL)])
    assert (found.what, found.diff) == ("the finding", ("-pass", "+fail"))


def test_later_runs_are_compared_too_and_told_once():
    found = divergences([ran(outputs=1), ran(outputs=1), ran(outputs=2), ran(outputs=3)])
    assert [(d.what, "+2" in d.diff) for d in found] == [("step 1: outputs", True)]
