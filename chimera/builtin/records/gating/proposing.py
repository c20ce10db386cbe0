"""The entry that changes of production owe, drafted from their plan for a person to complete."""

from __future__ import annotations

from collections.abc import Iterator

from chimera.builtin.records.drafting import KIND, draft
from chimera.builtin.records.kinds import ChangelogEntrySpec
from chimera.documents import dump
from chimera.kinds import API_VERSION, Subject, answers
from chimera.model import Address, Change
from chimera.plan import Plan, PlanItem, RecordDraft
from chimera.workspace.recording import home_of


def draft_entries(plan: Plan, subject: Subject, held: str | None) -> Iterator[RecordDraft]:
    """Yield the entry of all changes that owe one and have none; `held` is what undoes them."""
    owing = tuple(item for item in plan.changing if _owes(item) and not _has(item.change, subject))
    if not owing:
        return
    drafted = draft(plan, owing, now=subject.now, undone_by=held)
    name = f"{subject.now:%Y-%m-%d}-{plan.environment}-{plan.digest[7:15]}"
    address = Address(KIND, name)
    value = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name},
        "spec": drafted.spec(),
    }
    asked = "".join(f"  # {field}: {_told(field)}\n" for field in drafted.missing)
    yield RecordDraft(address, home_of(address), dump(value) + asked, drafted.missing)


def _owes(item: PlanItem) -> bool:
    return any(one.kind == "record" and one.subject == KIND for one in item.obligations)


def _has(change: Change, subject: Subject) -> bool:
    name = subject.environment.name
    entries = subject.snapshot.of_model(ChangelogEntrySpec)
    return any(entry.spec.environment == name and answers(entry, change) for entry in entries)


def _told(field: str) -> str:
    description = ChangelogEntrySpec.model_fields[field].description or ""
    return f"{description[:1].lower()}{description[1:]}"
