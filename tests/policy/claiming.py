"""A repository with files of other systems, and what its Schemas make of them."""

from __future__ import annotations

from typing import Any

from chimera.documents import locate, open_work_tree
from chimera.kinds import Snapshot
from chimera.model import Diagnostic, Verdict
from chimera.policy import Bounds
from chimera.policy.foreign import ForeignDocument, claims_of, read_files
from chimera.policy.schemas.judge import judge_schemas

from .conftest import Bench, document


def foreign_documents(snapshot: Snapshot) -> list[ForeignDocument]:
    """Return every foreign document that can be read, by path and position."""
    return [d for file in read_files(snapshot, claims_of(snapshot).schemas) for d in file.documents]


class Claimed:
    """Files of other systems beside documents of ours."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def file(self, path: str, text: str | bytes) -> None:
        target = self.bench.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())

    def schema(self, *paths: str, name: str = "s", **spec: Any) -> None:
        self.bench.write(document("Schema", name, {"paths": list(paths), **spec}))

    @property
    def snapshot(self) -> Snapshot:
        loaded = self.bench.load()
        assert not loaded.diagnostics
        return loaded.snapshot

    def values(self) -> list[tuple[str, int, Any]]:
        return [(d.path, d.index, d.value) for d in foreign_documents(self.snapshot)]

    def faults(self) -> list[Diagnostic]:
        """What cannot be read, located."""
        snapshot = self.snapshot
        files = read_files(snapshot, claims_of(snapshot).schemas)
        found = [fault for file in files for fault in file.faults]
        return list(locate(found, open_work_tree(self.bench.root)))

    def judge(self, seconds: float = 30.0, losses: int = 3) -> list[Verdict]:
        """What the Schemas say; the bound is one that only a hang meets."""
        return judge_schemas(self.bench.subject(), Bounds(seconds=seconds, losses=losses))

    def located(self, verdicts: list[Verdict] | None = None) -> list[Diagnostic]:
        """What is wrong, located."""
        return self.bench.located(self.judge() if verdicts is None else verdicts)

    def said(self) -> list[tuple[str, str, str]]:
        """Rule, place and message of all that is wrong, in order."""
        return [(d.rule, str(d.span), d.message) for d in self.located()]
