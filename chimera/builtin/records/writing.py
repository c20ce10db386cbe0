"""Records about to be written: new files, and what is added to those that are there.

All is spliced, so that no comment and no other byte changes, and written whole: a crash leaves the
old file. Refuses what would not validate, and to write over what changed since it was read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chimera.context import write_whole
from chimera.documents import add_field, dump, format_text, insert_item, is_below, parse, splice
from chimera.kinds import (
    API_VERSION,
    DEFAULT_ROOTS,
    ReferenceUse,
    references_of,
    suggestion,
    validate,
)
from chimera.model import (
    Address,
    ChimeraError,
    Diagnostic,
    Place,
    Route,
    StaleError,
    StateError,
    UsageError,
    has_errors,
)
from chimera.state import Layout
from chimera.state.lock import take

if TYPE_CHECKING:
    from chimera.kinds import Document, Model
    from chimera.workspace import Workspace

_MOST_TOLD = 3
_LOCK = "records.lock"


@dataclass
class Draft:
    """Records that would be written together, with what their files would say.

    Routes lead from the spec: `("timeline",)`. Values are JSON. What is a secret of this process is
    masked. Nothing is written before `write`.
    """

    workspace: Workspace
    changed: dict[str, str] = field(default_factory=dict)
    """What files would say, by path."""
    moved: dict[str, str] = field(default_factory=dict)
    """Where files would stand, as they are, by the path at which they stand now."""
    _former: dict[str, bytes | None] = field(default_factory=dict)
    _new: dict[Address, Place] = field(default_factory=dict)

    def create(
        self,
        address: Address,
        spec: Mapping[str, Any],
        *,
        path: str | None = None,
        remarks: Sequence[str] = (),
    ) -> str:
        """Propose a new record in a file of its own, at its home in the tree; return the path.

        `remarks` are comments at the end of its spec, such as what is to be filled in. Raises
        `UsageError` where there is one of the address, or something at the path.
        """
        path = path or self.workspace.registry.path_of(address)
        there = self.workspace.loaded.snapshot.get(address)
        if there is not None or address in self._new:
            where = f", in {there.place.path}" if there is not None else ""
            raise UsageError(f"there is a {address} already{where}", help="give another name")
        self._require_read(path)
        if self._before(path) is not None or path in self.changed:
            raise UsageError(f"there is a {path} already", help="give another name")
        value = {
            "apiVersion": API_VERSION,
            "kind": address.kind,
            "metadata": {"name": address.name},
            "spec": self._masked(dict(spec)),
        }
        up = "../" * path.count("/")
        modeline = f"# yaml-language-server: $schema={up}.chimera/schemas/{address.kind}.json"
        comments = "".join(f"  # {remark}\n" for remark in remarks)
        self.changed[path] = format_text(f"{modeline}\n{dump(value)}") + comments
        self._new[address] = Place(path)
        return path

    def append(
        self, address: Address, route: Route, value: Any, *, index: int | None = None
    ) -> None:
        """Propose `value` in the list at `route`, at `index` or last; it is made where absent."""
        place = self._place(address)
        if self.value(address, route) is None:
            self._add(place.at("spec", *route[:-1]), str(route[-1]), [self._masked(value)])
        else:
            where = place.at("spec", *route)
            text = insert_item(self.text(place.path), where, self._masked(value), index)
            self.changed[place.path] = text

    def put(self, address: Address, route: Route, value: Any) -> None:
        """Propose `value` at `route`: a scalar in place of a scalar, or a field not there yet.

        Raises `UsageError` where a list or mapping stands there: that would lose what it says.
        """
        place = self._place(address)
        there = self.value(address, route)
        if isinstance(there, dict | list) or (there is not None and isinstance(value, dict | list)):
            name = ".".join(map(str, route))
            raise UsageError(
                f"{address} says already what its {name} is",
                help=f"edit {place.path} by hand where it is wrong",
            )
        if there is None and route[-1] not in (self.value(address, route[:-1]) or ()):
            self._add(place.at("spec", *route[:-1]), str(route[-1]), self._masked(value))
        else:
            where = place.at("spec", *route)
            self.changed[place.path] = splice(self.text(place.path), where, self._masked(value))

    def move(self, path: str, to: str) -> None:
        """Propose that the file at `path` stands at `to`, as it is; done twice, nothing changes."""
        if path == to:
            return
        if self._before(to) is not None or to in self.moved.values():
            raise UsageError(f"there is a {to} already", help=f"move {path} by hand")
        self.text(path)
        self.moved[path] = to

    def value(self, address: Address, route: Route) -> Any:
        """Return what would stand at `route`; `None` where that is absent."""
        place = self._place(address)
        value: Any = self._document(place).get("spec", {})
        for segment in route:
            entries = dict(enumerate(value)) if isinstance(value, list) else value
            if not isinstance(entries, dict) or segment not in entries:
                return None
            value = entries[segment]
        return value

    def text(self, path: str) -> str:
        """Return what would stand at `path`."""
        if path in self.changed:
            return self.changed[path]
        data = self._before(path)
        if data is None:
            raise UsageError(f"there is no {path}", help="`git status` says what became of it")
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise UsageError(f"{path} is not UTF-8", help="write it as UTF-8") from error

    def require_sound(self) -> None:
        """Raise `UsageError`, naming the rule, where a record would be wrong that is not so now."""
        found = [fault for path in self.changed for fault in self._new_faults(path)]
        if found:
            told = "; ".join(f"{fault.message} ({fault.rule})" for fault in found[:_MOST_TOLD])
            more = len(found) - _MOST_TOLD
            raise UsageError(
                f"nothing was written: {found[0].address or found[0].where} would not be valid: "
                + told
                + (f"; and {more} more" if more > 0 else ""),
                help=found[0].help,
            )

    def write(self) -> tuple[str, ...]:
        """Write it, each file whole and durably, and return the paths.

        Raises `UsageError` for what would not validate, `StaleError` for a file that changed since
        it was read, `ChimeraError` for what the system refuses. All is looked at before the first
        file is written.
        """
        self.require_sound()
        with self._alone():
            for path, before in self._former.items():
                self._require_unchanged(path, before)
            for path, text in self.changed.items():
                with _told(path):
                    write_whole(self.workspace.root / path, text.encode("utf-8"))
            for path, to in self.moved.items():
                with _told(to):
                    target = self.workspace.root / to
                    target.parent.mkdir(parents=True, exist_ok=True)
                    (self.workspace.root / path).rename(target)
        return (*self.changed, *self.moved.values())

    def _require_read(self, path: str) -> None:
        """Raise `UsageError` where nobody would read a document at `path`, or none elsewhere."""
        source = self.workspace.source
        if not any(is_below(path, root.rstrip("/") or ".") for root in source.roots):
            raise UsageError(
                f"{path} is in no folder that documents are read from",
                help="add its folder to the roots of the Repository document",
            )
        is_home = path.partition("/")[0] in DEFAULT_ROOTS
        if is_home and source.roots == (".",) and self.workspace.loaded.snapshot.documents:
            raise UsageError(
                f"documents lie about in this folder, and none would be read beside {path}",
                help=f"move them into folders first: {', '.join(DEFAULT_ROOTS)}",
            )

    def _add(self, place: Place, key: str, value: Any) -> None:
        self.changed[place.path] = add_field(self.text(place.path), place, key, value)

    def _place(self, address: Address) -> Place:
        if address in self._new:
            return self._new[address]
        document = record(self.workspace, address)
        path = document.place.path
        if path not in self.changed and self._document(document.place) != document.value:
            raise _stale(path)
        return document.place

    def _document(self, place: Place) -> Any:
        documents, _ = parse(place.path, self.text(place.path).encode("utf-8"))
        return documents[place.index].value if place.index < len(documents) else None

    def _masked(self, value: Any) -> Any:
        return self.workspace.context.secrets.mask_json({"": value})[""]

    def _before(self, path: str) -> bytes | None:
        """Return what stands at `path` as it was first read; `None` where there is nothing."""
        if path not in self._former:
            self._former[path] = self._read(path)
        return self._former[path]

    def _read(self, path: str) -> bytes | None:
        root = self.workspace.root
        file = root / path
        if file.is_symlink() or not file.parent.resolve().is_relative_to(root.resolve()):
            raise UsageError(f"{path} leads through a link", help="name the file that it leads to")
        try:
            return file.read_bytes() if file.exists() else None
        except OSError as error:
            raise UsageError(
                f"{path} cannot be read: {error.strerror}", help="see to its permissions"
            ) from error

    def _require_unchanged(self, path: str, before: bytes | None) -> None:
        if self._read(path) != before:
            raise _stale(path)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let no other command write records meanwhile."""
        context = self.workspace.context
        self.workspace.prepare()
        try:
            lock = take(Layout(self.workspace.root).folder / _LOCK, context, "records")
        except StateError as error:
            raise StaleError(
                "another command is writing records", help="run the same command again"
            ) from error
        try:
            yield
        finally:
            lock.release()

    def _new_faults(self, path: str) -> Iterator[Diagnostic]:
        """Yield what would be wrong with the records in a file and is not so now."""
        former = self._former.get(path)
        known = {_what(f) for f in self._faults(path, former.decode())} if former else set()
        yield from (f for f in self._faults(path, self.changed[path]) if _what(f) not in known)

    def _faults(self, path: str, text: str) -> Iterator[Diagnostic]:
        documents, faults = parse(path, text.encode("utf-8"))
        yield from (fault for fault in faults if has_errors((fault,)))
        snapshot = self.workspace.loaded.snapshot
        for raw in documents:
            document, found = validate(raw, snapshot.registry)
            yield from (fault for fault in found if has_errors((fault,)))
            for use in references_of(document) if document is not None else ():
                is_there = use.target in self._new or snapshot.get(use.target) is not None
                if use.kinds and use.target.kind not in use.kinds:
                    told = f"{use.target} is not of the kind {' or '.join(use.kinds)}"
                    yield _astray("reference-kind", told, use)
                elif not is_there:
                    yield _astray("reference-dangling", f"there is no {use.target}", use)


def _astray(rule: str, message: str, use: ReferenceUse) -> Diagnostic:
    kind = use.kinds[0] if use.kinds else use.target.kind
    help = f"`chimera get {kind}` lists what there is"
    return Diagnostic(rule, message, use.place, help, address=str(use.source))


def _stale(path: str) -> StaleError:
    return StaleError(
        f"{path} changed while this command was at work, and nothing was written",
        help="run the same command again: it starts from what stands there now",
    )


@contextmanager
def _told(path: str) -> Iterator[None]:
    """Put into words what the system refuses about `path`."""
    try:
        yield
    except OSError as error:
        raise ChimeraError(
            f"{path} cannot be written: {error.strerror}",
            help="`git status` shows what was written; run the same command again",
        ) from error


def _what(fault: Diagnostic) -> tuple[str, str]:
    return fault.rule, fault.message


def record(workspace: Workspace, address: Address) -> Document[Model]:
    """Return a valid record of the tree; raises `UsageError` where there is none."""
    snapshot = workspace.loaded.snapshot
    found = snapshot.get(address)
    if found is None:
        known = [str(a) for a in snapshot.documents if a.kind == address.kind]
        listed = (
            f"`chimera get {address.kind}` lists what there is; `chimera check` says what is wrong"
        )
        raise UsageError(
            f"there is no valid {address} in the tree", help=suggestion(str(address), known, listed)
        )
    return found
