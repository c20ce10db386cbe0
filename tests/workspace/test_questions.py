"""Questions about proofs: what they come to, and that nothing is kept of them."""

from pathlib import Path

import pytest

from chimera.model import Outcome, Severity, UsageError
from chimera.workspace import Workspace

PROOF = """
apiVersion: chimera/v1
kind: Proof
metadata: {name: answer}
spec:
  claim: the answer is said
  covers: {paths: [src/**]}
  inputs: [src/**]
  steps: [{run: command, argv: [python, src/answer.py], expect: {stdout: {contains: ["4"]}}}]
  artifacts: [{paths: out}]
  controls: [{mutate: delete, path: src/answer.py}]
"""
SCRIPT = "import time\nprint(42)\nopen('out', 'w').write(time.tzname[0])\n"


@pytest.fixture
def team(tmp_path: Path) -> Path:
    for path, text in (("proofs/answer.yaml", PROOF), ("src/answer.py", SCRIPT)):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def test_survivors_fail_only_where_that_is_asked_for(team: Path) -> None:
    questions = Workspace.open(team).questions
    found = questions.mutate(["answer"], number=3)
    assert found.outcome is Outcome.PASSED
    assert found.value.trials[0].survivors
    assert questions.mutate(number=3, fail_on_survivors=True).outcome is Outcome.FAILED
    assert not (team / ".chimera" / "evidence").exists()


def test_a_broken_document_is_told_and_nothing_is_asked(team: Path) -> None:
    (team / "proofs/broken.yaml").write_text("kind: Proof\n")
    found = Workspace.open(team).questions.mutate(number=3)
    assert (found.outcome, found.value.trials) == (Outcome.FAILED, ())
    assert found.diagnostics


ELSEWHERE = """
apiVersion: chimera/v1
kind: Workflow
metadata: {name: elsewhere}
spec: {stages: []}
"""


def test_an_error_that_does_not_concern_the_named_proof_is_a_note(team: Path) -> None:
    (team / "specs").mkdir()
    (team / "specs/elsewhere.yaml").write_text(ELSEWHERE)
    workspace = Workspace.open(team)
    found = workspace.questions.mutate(["answer"], number=1)
    assert found.outcome is Outcome.PASSED
    assert found.value.trials
    assert {d.severity for d in found.diagnostics} == {Severity.INFO}
    assert "specs/elsewhere.yaml" in {d.span.path for d in found.diagnostics}
    assert workspace.prove(["answer"]).outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("broken", "where"),
    [
        (PROOF.replace("inputs: [src/**]", "inputs: [src/**, lost/**]"), "proofs/answer.yaml"),
        (PROOF.replace("inputs: [src/**]", "inputs: [src/**, specs/**]"), "specs/elsewhere.yaml"),
        (f"{PROOF}---\nkind: [\n", "proofs/answer.yaml"),
        (PROOF.replace("spec:", "spec:\n  clam: x"), "proofs/answer.yaml"),
        (
            PROOF.replace("steps: [", "steps: [{run: workflow, workflow: Workflow/elsewhere}, "),
            "specs/elsewhere.yaml",
        ),
    ],
)
def test_an_error_that_concerns_the_named_proof_refuses_it(
    team: Path, broken: str, where: str
) -> None:
    (team / "specs").mkdir()
    (team / "specs/elsewhere.yaml").write_text(ELSEWHERE)
    (team / "proofs/answer.yaml").write_text(broken)
    found = Workspace.open(team).questions.mutate(["answer"], number=1)
    assert (found.outcome, found.value.trials) == (Outcome.FAILED, ())
    assert where in {d.span.path for d in found.diagnostics if d.severity is Severity.ERROR}


def test_what_differs_somewhere_is_not_deterministic(team: Path) -> None:
    found = Workspace.open(team).questions.diagnose(["Proof/answer"], tries=1)
    assert found.outcome is Outcome.NOT_DETERMINISTIC
    assert found.value.diagnoses[0].conclusion == "the time zone"
    assert not (team / ".chimera" / "evidence").exists()


def test_a_proof_that_is_not_there_is_a_mistake_of_whoever_asks(team: Path) -> None:
    with pytest.raises(UsageError):
        Workspace.open(team).questions.diagnose(["other"])


def test_repetitions_vary_what_whoever_proves_names(team: Path) -> None:
    workspace = Workspace.open(team)
    assert workspace.prove().outcome is Outcome.PASSED
    assert workspace.prove(vary=["umask"]).outcome is Outcome.PASSED
    assert workspace.prove(vary=["timezone"]).outcome is Outcome.NOT_DETERMINISTIC
