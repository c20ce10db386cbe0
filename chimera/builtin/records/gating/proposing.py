"""The entry that changes owe, drafted from their plan for a person to complete.

Refuses the day and the moment: a plan says the same whenever it is made, and `chimera changelog
add` writes both.
"""

from __future__ import annotations

from collections.abc import Iterator

from chimera.builtin.records.drafting import KIND, draft, owes
from chimera.builtin.records.kinds import ChangelogEntrySpec
from chimera.documents import dump
from chimera.kinds import API_VERSION, Subject, answers
from chimera.model import Address, Change
from chimera.plan import Plan, RecordDraft

_OF_THE_DAY = ("date", "recorded")


def draft_entries(plan: Plan, subject: Subject, held: str | None) -> Iterator[RecordDraft]:
    """Yield the entry of all changes that owe one and have none; `held` is what undoes them."""
    owing = tuple(item for item in plan.changing if owes(item) and not _has(item.change, subject))
    if not owing:
        return
    drafted = draft(plan, owing, now=subject.now, undone_by=held)
    name = f"{plan.environment}-{plan.digest[7:15]}"
    address = Address(KIND, name)
    value = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name},
        "spec": {k: v for k, v in drafted.spec().items() if k not in _OF_THE_DAY},
    }
    missing = (*drafted.missing, *_OF_THE_DAY)
    asked = "".join(f"  # {field}: {_told(field)}\n" for field in missing)
    path = subject.snapshot.registry.path_of(address)
    yield RecordDraft(address, path, dump(value) + asked, missing)


def _has(change: Change, subject: Subject) -> bool:
    name = subject.environment.name
    entries = subject.snapshot.of_model(ChangelogEntrySpec)
    return any(entry.spec.environment == name and answers(entry, change) for entry in entries)


def _told(field: str) -> str:
    description = ChangelogEntrySpec.model_fields[field].description or ""
    return f"{description[:1].lower()}{description[1:]}"
