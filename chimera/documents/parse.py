"""YAML files to values: what is read, what is refused, and why.

Values come from yaml-rs, behind `_load` alone. Refuses, as diagnostics and never as exceptions,
whatever YAML can say and JSON cannot, and every construct that two readers could take differently.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from chimera.documents.merging import MAX_REPLAYED, merge
from chimera.documents.scan import (
    CORE,
    MAX_BYTES,
    Examination,
    Extensions,
    TooDeepError,
    decode,
    events,
    examine,
    too_deep,
)
from chimera.documents.spans import duplicate_keys
from chimera.documents.trees import SUBMODULE, SYMLINK, Entry, Tree, leaves_tree
from chimera.documents.values import clamped, empty, judge_mapping, judge_value, key_not_text
from chimera.model import ChimeraError, Diagnostic, Place, Severity, Span, has_errors

_POSITION = re.compile(r"at line (\d+), column (\d+)")
_SENTINEL = "--- 0\n"
_COLLECTION_KEY = "a key is a collection"


@dataclass(frozen=True, slots=True)
class RawDocument:
    """One YAML document of a file, as its author wrote it; `index` counts from zero.

    One that is not `sound` has an error in its values and stands in for what was meant: it is there
    so that whatever else is wrong with it is found, too, and nothing may be done with it.
    """

    path: str
    index: int
    value: dict[str, Any]
    sound: bool = True


@cache
def _reader(*, keep_first: bool) -> Callable[[str], Any]:
    """Return the parser with what it may and must do, which is looked up once."""
    from yaml_rs import AliasLimits, DuplicateKeyPolicy, loads

    policy = DuplicateKeyPolicy.FirstWins if keep_first else DuplicateKeyPolicy.Error
    limits = AliasLimits(max_total_replayed_events=MAX_REPLAYED)
    return partial(loads, parse_datetime=False, alias_limits=limits, duplicate_key_policy=policy)


def _load(text: str, *, keep_first: bool = False) -> list[Any]:
    """Return the values of all documents; raises `ValueError` with the parser's own words.

    yaml-rs returns a list both for a sequence and for several documents. One more document at the
    end tells them apart.
    """
    read = _reader(keep_first=keep_first)
    try:
        if "\n---" not in text:
            value = read(text)
            if isinstance(value, dict):
                return [value]
        values = read(text + _SENTINEL)
    except TypeError as error:  # a mapping cannot be a key in Python
        raise ValueError(_COLLECTION_KEY) from error
    return values[:-1] if isinstance(values, list) else []


def parse(path: str, data: bytes) -> tuple[list[RawDocument], list[Diagnostic]]:
    """Read the documents of one file; a document that cannot be read is reported and left out.

    One with a key twice has the first, and one with numbers that JSON lacks the nearest that it
    has: both are reported, and the document is not sound.
    """
    values, diagnostics = parse_values(path, data, only_mappings=True)
    return [RawDocument(path, *value) for value in values], diagnostics


def parse_values(
    path: str, data: bytes, *, only_mappings: bool = False, extensions: Extensions = CORE
) -> tuple[list[tuple[int, Any, bool]], list[Diagnostic]]:
    """Read the values of one file with their indexes, and whether they are sound, as in `parse`."""
    decoded = decode(path, data)
    if isinstance(decoded, Diagnostic):
        return [], [decoded]
    text = decoded.text
    diagnostics: list[Diagnostic] = []
    doubtful: set[int] = set()
    examined = Examination(text)
    try:
        try:
            values = _load(text)
        except ValueError as error:
            repeated = duplicate_keys(path, text) if "duplicate" in str(error) else []
            if not repeated:
                raise
            diagnostics += (diagnostic for _, diagnostic in repeated)
            doubtful.update(index for index, _ in repeated)
            values = _load(text, keep_first=True)
        judge = judge_mapping if only_mappings else judge_value
        judged = [judge(path, index, value) for index, value in enumerate(values)]
        if decoded.is_suspect() or None in judged:
            examined = _examine(path, text, len(values), extensions)
            diagnostics += examined.diagnostics
            if examined.text != text:
                values = _load(examined.text, keep_first=True)
                judged = [judge(path, index, value) for index, value in enumerate(values)]
    except ValueError as error:
        return [], [*diagnostics, *_failure(path, text, str(error), extensions)]
    found: list[tuple[int, Any, bool]] = []
    for index, (value, judgement) in enumerate(zip(values, judged, strict=True)):
        if judgement is None and index not in examined.refused:
            diagnostics.append(key_not_text(Place(path, index)))
        diagnostics += judgement or ()
        usable = type(value) is dict or not (only_mappings or value is None)
        if judgement is not None and usable and index not in examined.refused:
            merged, faults = _merged(examined, path, index, value)
            diagnostics += faults
            sound = not (judgement or faults or index in doubtful)
            found.append((index, clamped(merged) if judgement else merged, sound))
    return found, diagnostics if values else [empty(Place(path))]


def _merged(
    examined: Examination, path: str, index: int, value: Any
) -> tuple[Any, list[Diagnostic]]:
    return merge(Place(path, index), value) if index in examined.merging else (value, [])


def _examine(path: str, text: str, count: int, extensions: Extensions = CORE) -> Examination:
    """Run the exact pass; what it cannot read through refuses all `count` documents."""
    from yaml import YAMLError

    everything = set(range(count))
    try:
        examined = examine(path, text, extensions)
        if (examined.refused or examined.merging) and examined.documents != count:
            examined.refused = everything  # the parsers count documents differently
        return examined
    except TooDeepError as deep:
        span = Span(path, deep.line, deep.column)
        return Examination(text, [too_deep(span)], everything)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        span = Span(path, mark.line + 1, mark.column + 1) if mark else Span(path)
        reason = str(getattr(error, "problem", None) or "it cannot be read")
        return Examination(
            text,
            [
                Diagnostic(
                    "yaml-not-portable",
                    f"YAML 1.1 tools cannot read this ({reason}), so that its tags and scalars "
                    "cannot be checked",
                    span,
                    "write it more plainly",
                )
            ],
            everything,
        )


def _failure(path: str, text: str, message: str, extensions: Extensions) -> list[Diagnostic]:
    """Return why there are no values at all."""
    if message == _COLLECTION_KEY:
        found = _examine(path, text, 0, extensions).diagnostics
        return found if has_errors(found) else [*found, key_not_text(Place(path))]
    return [_syntax_error(path, text, message)]


def _syntax_error(path: str, text: str, message: str) -> Diagnostic:
    """Return the parser's own error, at its own place."""
    position = _POSITION.search(message)
    lines = text.splitlines() or [""]
    span = Span(path)
    if position is not None:
        line = min(int(position[1]), max(1, text.count("\n") or 1))
        column = int(position[2]) if line == int(position[1]) else len(lines[-1]) + 1
        span = Span(path, line, max(1, column))
    reason = message.strip().splitlines()[-1]
    if "recursion limit" in reason:
        return too_deep(span)
    if "alias" in reason and "limit" in reason:
        return Diagnostic(
            "yaml-too-many-aliases",
            f"aliases stand for more than {MAX_REPLAYED} values",
            _first_alias(path, text),
            "write the values out",
        )
    if reason.startswith("duplicate mapping key"):
        return Diagnostic("yaml-duplicate-key", reason[:120], span, "keep one of the two")
    return Diagnostic("yaml-syntax", reason[:200], span, "correct the YAML at this place")


def _first_alias(path: str, text: str) -> Span:
    from yaml import AliasEvent, YAMLError

    try:
        for event in events(text):
            if isinstance(event, AliasEvent):
                mark: Any = event.start_mark
                return Span(path, mark.line + 1, mark.column + 1)
    except (TooDeepError, YAMLError):
        pass
    return Span(path)


@contextmanager
def without_collector() -> Iterator[None]:
    """Switch the cyclic collector off: parsing makes many values and no cycles (1.9 times).

    It freezes nothing: whatever else is alive in this process would never be collected, and its
    files never closed.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def load_documents(tree: Tree, roots: Iterable[str]) -> tuple[list[RawDocument], list[Diagnostic]]:
    """Read every document under `roots`, in the order of path and index."""
    entries = tree.under(roots)
    documents: list[RawDocument] = []
    diagnostics: list[Diagnostic] = []
    files = []
    for entry in entries:
        if entry.mode in (SYMLINK, SUBMODULE):
            diagnostics.append(not_read(tree, entry))
        else:
            files.append(entry.path)
    with without_collector():
        for path, data in contents(tree, files, diagnostics):
            found, wrong = parse(path, data)
            documents += found
            diagnostics += wrong
    return documents, diagnostics


def contents(
    tree: Tree, paths: list[str], diagnostics: list[Diagnostic]
) -> Iterator[tuple[str, bytes]]:
    """Yield the files; where the bulk fails, each by itself, so that one cannot hide the others."""
    try:
        yield from tree.read_many(paths, limit=MAX_BYTES).items()
        return
    except ChimeraError:
        pass
    for path in paths:
        try:
            data = tree.read_many([path], limit=MAX_BYTES)[path]
        except ChimeraError as error:
            diagnostics.append(
                Diagnostic("document-unreadable", error.message, Span(path), error.help or "")
            )
        else:
            yield path, data


def not_read(tree: Tree, entry: Entry) -> Diagnostic:
    """Return why a symlink or a submodule is not looked into."""
    if entry.mode == SUBMODULE:
        return Diagnostic(
            "document-submodule",
            "documents inside a submodule are not read",
            Span(entry.path),
            "check that repository by itself",
            Severity.WARNING,
        )
    target = tree.read(entry.path).decode("utf-8", "replace")
    if leaves_tree(entry.path, target):
        return Diagnostic(
            "document-symlink-leaves-tree",
            "this symlink points out of the repository",
            Span(entry.path),
            "replace it by what it points at",
        )
    return Diagnostic(
        "document-symlink",
        "symlinks are not followed: documents are read where they lie",
        Span(entry.path),
        "make sure that its target lies under a document root, or replace the link by it",
        Severity.WARNING,
    )
