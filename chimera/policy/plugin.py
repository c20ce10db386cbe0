"""Registers `Policy`, `Waiver` and `Schema`, and judges by them."""

from __future__ import annotations

from collections.abc import Iterable

from chimera.kinds import Kind, Subject
from chimera.model import Verdict
from chimera.plugin import hookimpl
from chimera.policy.kinds import PolicySpec, WaiverSpec
from chimera.policy.schemas.kinds import SchemaSpec


@hookimpl
def chimera_register_kinds() -> list[Kind]:
    """Register `Policy`, `Waiver` and `Schema`."""
    return [
        Kind("Policy", PolicySpec, "Rules that documents and changes must keep, with their cases."),
        Kind("Schema", SchemaSpec, "A JSON Schema that files of other systems must keep."),
        Kind("Waiver", WaiverSpec, "One policy rule silenced for one document, for a time."),
    ]


@hookimpl
def chimera_check_snapshot(subject: Subject) -> Iterable[Verdict]:
    """Judge every document and change by the policies of the snapshot."""
    from chimera.policy.judge import judge

    return judge(subject)
