"""An edit of the work tree before it is one: what files would say, and whether that would do.

A proposal that makes a check fail where it passed, or that would act for a dormant layer, is
refused before a byte is written. Refuses automation: only a person's command edits the tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chimera.context import write_whole
from chimera.contract import contracts_of, place
from chimera.documents import YAML_SUFFIXES, Entry, Tree, is_below, span_of
from chimera.documents.trees import FILE, digest_contents
from chimera.model import (
    Address,
    ChimeraError,
    Diagnostic,
    Digest,
    Severity,
    UsageError,
    digest_bytes,
)
from chimera.workspace import Workspace

_MOST_TOLD = 3


@dataclass(frozen=True)
class ProposedTree:
    """A tree as it would be if some of its files said something else; itself a `Tree`."""

    whole: Tree
    changed: Mapping[str, bytes]

    @property
    def root(self) -> Path:
        """The folder that every path is relative to."""
        return self.whole.root

    @property
    def revision(self) -> str | None:
        """None: what is proposed is in no commit."""
        return None

    def entries(self) -> Sequence[Entry]:
        """Return every path there would be, sorted."""
        return self._with(self.whole.entries(), self.changed)

    def under(
        self, roots: Iterable[str], suffixes: tuple[str, ...] = YAML_SUFFIXES
    ) -> Sequence[Entry]:
        """Return the files that there would be under `roots`."""
        roots = tuple(roots)
        below = [p for p in self.changed if p.endswith(suffixes) and _is_under(p, roots)]
        return self._with(self.whole.under(roots, suffixes), below)

    def read(self, path: str) -> bytes:
        """Return what would stand at `path`."""
        return self.changed[path] if path in self.changed else self.whole.read(path)

    def read_many(self, paths: Iterable[str], *, limit: int | None = None) -> Mapping[str, bytes]:
        """Return what would stand at each of `paths`."""
        paths = tuple(paths)
        cut = None if limit is None else limit + 1
        others = self.whole.read_many([p for p in paths if p not in self.changed], limit=limit)
        return {p: self.changed[p][:cut] if p in self.changed else others[p] for p in paths}

    def digest(self, paths: Iterable[str]) -> Digest:
        """Return the digest of a path set; raises `ChimeraError` for a path that is absent."""
        chosen = sorted(set(paths))
        modes = {entry.path: entry.mode for entry in self.entries()}
        return digest_contents(modes, [(path, digest_bytes(self.read(path))) for path in chosen])

    def _with(self, there: Sequence[Entry], more: Iterable[str]) -> Sequence[Entry]:
        found = {entry.path: entry for entry in there}
        found |= {path: Entry(path, found[path].mode if path in found else FILE) for path in more}
        return tuple(entry for _, entry in sorted(found.items()))


def _is_under(path: str, roots: Sequence[str]) -> bool:
    return any(is_below(path, root.rstrip("/") or ".") for root in roots)


@dataclass
class Proposal:
    """Files that would be written, with what they would say, and what stands there now."""

    workspace: Workspace
    changed: dict[str, bytes] = field(default_factory=dict)
    former: dict[str, bytes | None] = field(default_factory=dict)
    """What stood at those paths before anything was written."""

    def read(self, path: str) -> bytes | None:
        """Return what would stand at `path`; `None` where there would be nothing."""
        if path in self.changed:
            return self.changed[path]
        return self.before(path)

    def before(self, path: str) -> bytes | None:
        """Return what stands at `path` now; raises `UsageError` where nobody can tell."""
        file = self.workspace.root / path
        inside = self.workspace.root.resolve()
        try:
            is_link = file.is_symlink() or not file.parent.resolve().is_relative_to(inside)
            before = None if is_link or not file.is_file() else file.read_bytes()
        except OSError as error:
            raise UsageError(
                f"{path:.100} cannot be read: {error.strerror}", help="name another file"
            ) from error
        if is_link:
            raise UsageError(f"{path} leads through a link", help="name the file that it leads to")
        return before

    def text(self, path: str) -> str:
        """Return what would stand at `path`, as text."""
        try:
            return (self.read(path) or b"").decode("utf-8")
        except UnicodeDecodeError as error:
            raise UsageError(f"{path} is not UTF-8", help="write it as UTF-8") from error

    def put(self, path: str, data: bytes | str) -> None:
        """Propose that `path` says `data`."""
        data = data.encode("utf-8") if isinstance(data, str) else data
        self.changed.pop(path, None)
        before = self.former.setdefault(path, self.before(path))
        if before != data:
            self.changed[path] = data

    def require_sound(self, addresses: Iterable[Address]) -> None:
        """Raise `UsageError` where the proposal would not do.

        That is where one of `addresses` would stand in a dormant layer, or where a check would
        report an error that it does not report now.
        """
        tree = ProposedTree(self.workspace.tree, dict(self.changed))
        proposed = Workspace(self.workspace.root, self.workspace.context, tree)
        _require_awake(proposed, addresses)
        known = {_what(fault) for fault in self.workspace.check().diagnostics}
        faults = [
            fault
            for fault in proposed.check().diagnostics
            if fault.severity is Severity.ERROR and _what(fault) not in known
        ]
        if faults:
            told = [f"{fault.span}: {fault.message}" for fault in faults[:_MOST_TOLD]]
            more = len(faults) - len(told)
            raise UsageError(
                "nothing was written, since `chimera check` would then report: "
                + "; ".join(told)
                + (f"; and {more} more" if more else ""),
                help=faults[0].help,
            )

    def write(self) -> tuple[str, ...]:
        """Write it, each file whole, and return the paths."""
        for path, data in self.changed.items():
            try:
                write_whole(self.workspace.root / path, data)
            except OSError as error:
                raise ChimeraError(
                    f"{path} cannot be written: {error.strerror}",
                    help="`git status` shows what was; run the same command again",
                ) from error
        return tuple(self.changed)


def require_person(workspace: Workspace, what: str) -> None:
    """Raise `UsageError` unless a person runs the command."""
    actor = workspace.context.actor
    if actor.kind == "automation":
        raise UsageError(
            f"{what} is a person's: {actor.name} is automation, and no genome promotes itself",
            help="run it yourself, and let a pull request carry what it writes",
        )


def _require_awake(workspace: Workspace, addresses: Iterable[Address]) -> None:
    """Raise `UsageError` where something stands in a dormant layer; it cites the contract."""
    snapshot = workspace.loaded.snapshot
    placements = place(snapshot).placements
    for address in addresses:
        for placement in placements.get(address, ()) if address in snapshot.documents else ():
            if placement.dormant:
                raise UsageError(
                    f"{address} stands in {placement.layer}, which is dormant: nothing is put to "
                    f"use for it ({_line_of(workspace, placement.layer)})",
                    help="a Decision wakes a layer; until then promote where layers are active",
                )


def _line_of(workspace: Workspace, layer: str) -> str:
    """Return where a contract says that a layer is dormant, as file and line."""
    name, _, identity = layer.partition("/")
    contract = next(c for c in contracts_of(workspace.loaded.snapshot) if c.address.name == name)
    index = next(i for i, one in enumerate(contract.spec.layers) if one.id == identity)
    where = contract.at("spec", "layers", index, "status")
    span = span_of(workspace.tree, where)
    return f"{span.path}:{span.line}"


def _what(fault: Diagnostic) -> tuple[str, str, str, str | None]:
    """Return what a fault is, wherever an edit above it moved its line."""
    return (fault.rule, fault.message, fault.span.path, fault.address)
