"""The operation `policy.eval`: policies judge a document or files, as `chimera policy eval` does.

Owns what a stage makes of the verdicts. Refuses to call it kept where nothing was judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from chimera.builtin.workflow.operations.tree import TreePath
from chimera.kinds import Field, Items, Model, Text
from chimera.model import Finding, Outcome, Result, UsageError, Verdict, canonical_json
from chimera.runtime import Operation, OperationCall, PermanentError
from chimera.runtime.recovery import Category

_SHOWN = 3


class PolicyInputs(Model):
    """What is judged by which policies."""

    policies: Annotated[Items[Text], Field(min_length=1)] = Field(
        description="Policies of the repository by name or address, or files of the tree that hold "
        "some: a Policy or Kubernetes' ValidatingAdmissionPolicy."
    )
    document: dict[str, Any] | None = Field(
        default=None, description="Document that is judged, with apiVersion, kind and metadata."
    )
    files: Items[TreePath] = Field(
        default=(), description="Files and folders of the tree whose documents are judged."
    )
    enforce: bool = Field(
        default=True,
        description="Whether a refusal fails the stage; else it is an output like any other.",
    )


class PolicyVerdict(Model):
    """What one rule says of one thing."""

    judge: str = Field(description="Rule or policy that judged.")
    subject: str = Field(description="What it judged.")
    finding: str = Field(description="pass, fail or not-exercised.")
    reasons: Items[str] = Field(description="Why.")


class PolicyOutputs(Model):
    """What the policies say."""

    passed: bool = Field(description="Whether something was judged and nothing refused.")
    verdicts: Items[PolicyVerdict] = Field(description="What each rule says.")
    refused: Items[str] = Field(description="What was refused, each with its reason.")


def run(call: OperationCall[PolicyInputs]) -> Mapping[str, Any]:
    """Judge, and fail where something is refused or nothing could be judged."""
    inputs = call.inputs
    if inputs.document is None and not inputs.files:
        raise PermanentError("there is nothing to judge", help="give a document, or files")
    result = _judge(call)
    refused = [_told(v) for v in result.value if v.finding is Finding.FAIL]
    faults = [f"{fault.where}: {fault.message}" for fault in result.diagnostics]
    for line in (*refused, *faults):
        call.log(line)
    if result.outcome is Outcome.NOT_EXERCISED or (
        result.outcome is not Outcome.PASSED and not refused
    ):
        raise PermanentError(
            "; ".join(faults[:_SHOWN]) or "no policy had anything to judge",
            category=Category.VALIDATION,
            help="name policies that match what is judged",
        )
    if refused and inputs.enforce:
        more = f", and {len(refused) - _SHOWN} more" if len(refused) > _SHOWN else ""
        raise PermanentError("; ".join(refused[:_SHOWN]) + more, category=Category.VALIDATION)
    return {
        "passed": not refused,
        "verdicts": [
            {
                "judge": verdict.judge,
                "subject": verdict.subject,
                "finding": verdict.finding.value,
                "reasons": _reasons(verdict),
            }
            for verdict in result.value
        ],
        "refused": refused,
    }


def _judge(call: OperationCall[PolicyInputs]) -> Result[tuple[Verdict, ...]]:
    from chimera.workspace import Workspace
    from chimera.workspace.evaluating import STANDARD_INPUT, Question, evaluate

    inputs = call.inputs
    given = () if inputs.document is None else (STANDARD_INPUT,)
    question = Question(
        policies=tuple(_policy(call, name) for name in inputs.policies),
        resources=(*given, *(str(call.root / path) for path in inputs.files)),
        now=call.now,
        standard_input=canonical_json(inputs.document) if given else b"",
    )
    try:
        return evaluate(Workspace(call.root, call.context), question)
    except UsageError as error:
        raise PermanentError(
            error.message, category=Category.VALIDATION, help=error.help
        ) from error


def _policy(call: OperationCall[PolicyInputs], name: str) -> str:
    """Return a policy's name, or the file of the tree that it is."""
    inside = (call.root / name).resolve()
    if inside.is_relative_to(call.root.resolve()) and inside.exists():
        return str(inside)
    return name if name.startswith("Policy/") else f"Policy/{name}"


def _told(verdict: Verdict) -> str:
    return f"{verdict.judge} refuses {verdict.subject}: {'; '.join(_reasons(verdict))}"


def _reasons(verdict: Verdict) -> list[str]:
    return list(verdict.reasons) or [fault.message for fault in verdict.diagnostics]


OPERATIONS = (
    Operation(
        name="policy.eval",
        summary="Have policies judge a document or files.",
        inputs=PolicyInputs,
        outputs=PolicyOutputs,
        run=run,
        effects=False,
        reach="tree",
    ),
)
