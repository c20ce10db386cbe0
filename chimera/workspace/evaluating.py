"""Judging files that are named on the spot by policies that are: no tree, no snapshot, no state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from chimera.documents import MAX_BYTES, RawDocument, Tree, locate
from chimera.kinds import (
    API_VERSION,
    Document,
    EnvironmentFacts,
    Subject,
    suggestion,
    validate,
)
from chimera.model import (
    Diagnostic,
    Finding,
    Outcome,
    Result,
    UsageError,
    Verdict,
    has_errors,
)
from chimera.policy import PolicySpec
from chimera.policy.admission import (
    Found,
    Library,
    Operation,
    Request,
    Resource,
    evaluate_library,
    judge_manifests,
    read_library,
    read_objects,
    resources_of,
    unused,
)
from chimera.workspace.judging import located

if TYPE_CHECKING:
    from chimera.workspace.workspace import Workspace

_SUFFIXES = (".yaml", ".yml", ".json")
STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class Question:
    """What is judged by what; every path is a file, a folder of YAML and JSON, or `-`.

    `policies` may also be names of the repository's policies. What names no namespace stands in
    `namespace`. An operation that is left out is an update where `old` objects are given. `now` is
    the time that our own policies see, the present if it is left out.
    """

    policies: tuple[str, ...]
    resources: tuple[str, ...]
    parameters: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    old: tuple[str, ...] = ()
    operation: Operation | None = None
    namespace: str = "default"
    now: datetime | None = None
    standard_input: bytes = b""


class _Files:
    """The files that were read, by the names that they were given, and beneath them a tree's."""

    def __init__(self, standard_input: bytes, tree: Tree) -> None:
        self._read: dict[str, bytes] = {STANDARD_INPUT: standard_input}
        self._tree = tree

    def read_many(self, paths: Iterable[str], *, limit: int | None = None) -> Mapping[str, bytes]:
        """Return the content at each of `paths`."""
        chosen = list(paths)
        rest = [path for path in chosen if path not in self._read]
        known = {path: self._read[path] for path in chosen if path in self._read}
        return {**known, **self._tree.read_many(rest, limit=limit)}

    def read(self, names: Iterable[str]) -> dict[str, bytes]:
        """Read files, and those in folders; raises `UsageError` where there is nothing to read."""
        found: dict[str, bytes] = {}
        for name in names:
            paths = [name] if name == STANDARD_INPUT else list(_paths(Path(name)))
            if not paths:
                raise UsageError(
                    f"there is no YAML or JSON in {name!r}", help="name a file, or another folder"
                )
            for path in paths:
                if path not in self._read:
                    self._read[path] = _content(path)
                found[path] = self._read[path]
        return found


def evaluate(workspace: Workspace, question: Question) -> Result[tuple[Verdict, ...]]:
    """Judge resources by policies.

    Fails where any is refused. Where nothing matched, or something could not be told without a
    cluster, it has not been exercised.
    """
    files = _Files(question.standard_input, workspace.tree)
    faults: list[Diagnostic] = []

    def read(names: Iterable[str]) -> list[Found]:
        found, said = read_objects(files.read(names))
        faults.extend(said)
        return found

    library, own = _policies(workspace, question.policies, read, faults)
    if not library.policies and not has_errors(faults):
        _refuse_what_is_asked_of_a_cluster(question)
    given = read(question.parameters)
    objects = read(question.resources)
    namespaces, old = read(question.namespaces), read(question.old)
    faults += unused(given, library.policies)
    resources = resources_of(objects, question.namespace)
    before = resources_of(old, question.namespace)
    requests = _requests(resources, question, namespaces, before)
    evaluation = evaluate_library(
        library, [*library.others, *given], requests, workspace.context.processes
    )
    compared = before if question.old else None
    judged = _judged_by_own(workspace, own, resources, question.now, compared)
    verdicts = (*evaluation.verdicts, *judged)
    told = located(verdicts, files)
    shown = locate(faults, files)
    return Result(told, _outcome(told, shown, evaluation.undecided), shown)


def _refuse_what_is_asked_of_a_cluster(question: Question) -> None:
    """Raise `UsageError` for options that Chimera's own policies, if alone, would pass over."""
    options = {
        "--param": question.parameters,
        "--namespace-object": question.namespaces,
        "--operation": question.operation,
    }
    if passed_over := [option for option, given in options.items() if given]:
        raise UsageError(
            f"{' and '.join(passed_over)} would be passed over: no policy is one of Kubernetes'",
            help="leave it out; what a Policy says of a change is asked with --old",
        )


def _outcome(verdicts: Sequence[Verdict], faults: Sequence[Diagnostic], undecided: int) -> Outcome:
    if has_errors(faults) or any(v.finding is Finding.FAIL for v in verdicts):
        return Outcome.FAILED
    if undecided or not any(v.finding is Finding.PASS for v in verdicts):
        return Outcome.NOT_EXERCISED
    return Outcome.PASSED


def _paths(named: Path) -> Iterator[str]:
    """Yield a file, or the YAML and JSON in a folder; links in it are not followed."""
    if not named.is_dir():
        yield str(named)
        return
    for path in sorted(named.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(named).parts)
        if path.suffix in _SUFFIXES and not hidden and path.is_file() and not path.is_symlink():
            yield str(path)


def _content(path: str) -> bytes:
    """Read a file as far as anything is read of one that large."""
    try:
        with Path(path).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"{path!r} cannot be read: {error.strerror}", help="check the path and its permissions"
        ) from error


def _policies(
    workspace: Workspace,
    names: Iterable[str],
    read: Callable[[Iterable[str]], list[Found]],
    faults: list[Diagnostic],
) -> tuple[Library, list[Document[PolicySpec]]]:
    """Return the policies of a cluster and our own: those in files, and those that are named."""
    own: list[Document[PolicySpec]] = []
    files = []
    for name in names:
        if name == STANDARD_INPUT or Path(name).exists():
            files.append(name)
        else:
            own.append(_named(workspace, name))
    found = read(files)
    theirs = [one for one in found if one.value.get("apiVersion") != API_VERSION]
    for one in found:
        if one.value.get("apiVersion") == API_VERSION:
            raw = RawDocument(one.place.path, one.place.index, dict(one.value))
            document, said = validate(raw, workspace.registry)
            faults += said
            if document is not None and isinstance(document.spec, PolicySpec):
                own.append(cast("Document[PolicySpec]", document))
    library = read_library(theirs)
    faults += library.diagnostics
    if not library.policies and not own and not has_errors(faults):
        raise UsageError(
            f"there is no policy in {', '.join(files)}",
            help="name files with a Policy or a ValidatingAdmissionPolicy",
        )
    return library, own


def _named(workspace: Workspace, name: str) -> Document[PolicySpec]:
    known = {str(d.address): d for d in workspace.loaded.snapshot.of_model(PolicySpec)}
    address = name if "/" in name else f"Policy/{name}"
    if address not in known:
        raise UsageError(
            f"there is no file and no policy {name!r}",
            help=suggestion(
                address,
                known,
                f"name a file, or one of: {', '.join(sorted(known)) or 'no policies here'}",
            ),
        )
    return known[address]


def _requests(
    resources: Iterable[Resource],
    question: Question,
    namespaces: Iterable[Found],
    old: Iterable[Resource],
) -> list[Request]:
    """Return what a cluster would be asked to do with the resources."""
    before = {resource.key: resource.value for resource in old}
    known = {
        one.value["metadata"]["name"]: one.value
        for one in namespaces
        if one.value["kind"] == "Namespace" and _has_name(one.value)
    }
    operation = question.operation or ("UPDATE" if before else "CREATE")
    found = []
    for resource in resources:
        was = before.get(resource.key) if operation == "UPDATE" else None
        was = resource.value if operation == "DELETE" else was
        found.append(Request(resource, operation, was, known.get(resource.namespace)))
    return found


def _has_name(value: Mapping[str, Any]) -> bool:
    metadata = value.get("metadata")
    return isinstance(metadata, dict) and isinstance(metadata.get("name"), str)


def _judged_by_own(
    workspace: Workspace,
    policies: Sequence[Document[PolicySpec]],
    resources: Sequence[Resource],
    now: datetime | None,
    old: Sequence[Resource] | None,
) -> list[Verdict]:
    if not policies:
        return []
    context = workspace.context
    subject = Subject(
        workspace.loaded.snapshot,
        {},
        EnvironmentFacts("local", protected=False),
        context.actor,
        now or context.clock.now(),
        changes=None if old is None else (),
        context=context,
    )
    root = workspace.tree.root.resolve()
    return judge_manifests(
        policies, resources, subject, path_of=lambda name: _in_tree(name, root), old=old
    )


def _in_tree(name: str, root: Path) -> str:
    """Return the path that a file has in the tree at `root`; one outside is as it was named."""
    path = Path(name).resolve()
    is_inside = name != STANDARD_INPUT and path.is_relative_to(root)
    return path.relative_to(root).as_posix() if is_inside else name
