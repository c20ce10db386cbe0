"""Registers `Policy`, `Waiver` and `Schema`, and judges by them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from chimera.kinds import Kind, Subject
from chimera.model import Touch, Verdict
from chimera.plugin import hookimpl
from chimera.policy.kinds import PolicySpec, WaiverSpec

if TYPE_CHECKING:
    from chimera.gate import Weighing


@hookimpl
def chimera_register_kinds() -> list[Kind]:
    """Register `Policy`, `Waiver` and `Schema`."""
    return [
        Kind(
            "Policy",
            PolicySpec,
            "Rules that documents and changes must keep, with their cases.",
            breaks=_breaks,
            ends=_ends,
            home="policies",
        ),
        Kind(
            "Schema",
            "chimera.policy.schemas.kinds:SchemaSpec",
            "A JSON Schema that files of other systems must keep.",
        ),
        Kind(
            "Waiver",
            WaiverSpec,
            "One policy rule silenced for one document, for a time.",
            home="policies/waivers",
        ),
    ]


def _breaks(before: PolicySpec, after: PolicySpec) -> Iterable[str]:
    """Yield the rules that are gone: waivers and contracts name them."""
    kept = {rule.id for rule in after.rules}
    return (f"the rule {rule.id} is gone" for rule in before.rules if rule.id not in kept)


def _ends(before: PolicySpec) -> Iterable[str]:
    """Yield the rules that nothing asks for any longer."""
    return (f"nothing asks any longer that {rule.id} holds" for rule in before.rules)


@hookimpl
def chimera_check_snapshot(subject: Subject) -> Iterable[Verdict]:
    """Judge every document and change by the policies, foreign files by the Schemas."""
    from chimera.policy.judge import judge

    verdicts = judge(subject)
    if "Schema" in subject.snapshot.kinds or subject.former is not None:
        from chimera.policy.schemas.judge import judge_schemas

        verdicts += judge_schemas(subject)
    return verdicts


@hookimpl
def chimera_touch(subject: Subject) -> Iterable[Touch]:
    """Return the policies and Schemas that are about the subject's changes."""
    from chimera.policy.schemas.touching import touch_schemas
    from chimera.policy.touching import touch

    return (*touch(subject), *touch_schemas(subject))


@hookimpl
def chimera_review_plan(stage: str, weighing: Weighing) -> Iterable[Verdict]:
    """Return what policies and Schemas deny, and what waivers let pass."""
    from chimera.policy.reviewing import review

    return tuple(review(weighing)) if stage == "policy" else ()
