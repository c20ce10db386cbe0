"""YAML files to values: what is read, what is refused, and why.

Values come from yaml-rs, behind `_load` alone. Refuses, as diagnostics and never as exceptions,
whatever YAML can say and JSON cannot, and every construct that two readers could take differently.
"""

from __future__ import annotations

import gc
import math
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from chimera.documents.scan import (
    MAX_BYTES,
    MAX_DEPTH,
    Examination,
    TooDeepError,
    decode,
    events,
    examine,
    is_suspect,
    too_deep,
)
from chimera.documents.spans import duplicate_keys
from chimera.documents.trees import SUBMODULE, SYMLINK, Entry, Tree, leaves_tree
from chimera.model import ChimeraError, Diagnostic, Place, Route, Severity, Span

_MAX_REPLAYED = 20_000  # nodes that aliases may stand for in one file
_LARGEST = 2**53
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
def _limits() -> Any:
    from yaml_rs import AliasLimits

    return AliasLimits(max_total_replayed_events=_MAX_REPLAYED)


def _load(text: str, *, keep_first: bool = False) -> list[Any]:
    """Return the values of all documents; raises `ValueError` with the parser's own words.

    yaml-rs returns a list both for a sequence and for several documents. One more document at the
    end tells them apart.
    """
    import yaml_rs

    policy = (
        yaml_rs.DuplicateKeyPolicy.FirstWins if keep_first else yaml_rs.DuplicateKeyPolicy.Error
    )
    arguments: dict[str, Any] = {
        "parse_datetime": False,
        "alias_limits": _limits(),
        "duplicate_key_policy": policy,
    }
    try:
        if "\n---" not in text:
            value = yaml_rs.loads(text, **arguments)
            if isinstance(value, dict):
                return [value]
        values = yaml_rs.loads(text + _SENTINEL, **arguments)
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
    path: str, data: bytes, *, only_mappings: bool = False
) -> tuple[list[tuple[int, Any, bool]], list[Diagnostic]]:
    """Read the values of one file with their indexes, and whether they are sound, as in `parse`."""
    text = decode(path, data)
    if isinstance(text, Diagnostic):
        return [], [text]
    diagnostics: list[Diagnostic] = []
    refused: set[int] = set()
    doubtful: set[int] = set()
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
        judge = _judge_mapping if only_mappings else judge_value
        judged = [judge(path, index, value) for index, value in enumerate(values)]
        if is_suspect(text) or None in judged:
            examined = _examine(path, text, len(values))
            diagnostics += examined.diagnostics
            refused |= examined.refused
            if examined.text != text:
                values = _load(examined.text, keep_first=True)
                judged = [judge(path, index, value) for index, value in enumerate(values)]
    except ValueError as error:
        return [], [*diagnostics, *_failure(path, text, str(error))]
    found = []
    for index, (value, judgement) in enumerate(zip(values, judged, strict=True)):
        if judgement is None and index not in refused:
            diagnostics.append(_key_not_text(Place(path, index)))
        diagnostics += judgement or ()
        usable = type(value) is dict or not (only_mappings or value is None)
        if judgement is not None and usable and index not in refused:
            sound = not judgement and index not in doubtful
            found.append((index, clamped(value) if judgement else value, sound))
    return found, diagnostics if values else [_empty(Place(path))]


def _empty(place: Place) -> Diagnostic:
    return Diagnostic(
        "document-empty",
        "there is no document here",
        place,
        "write one, or remove the file or the '---'",
        Severity.WARNING,
    )


def _judge_mapping(path: str, index: int, value: Any) -> list[Diagnostic] | None:
    """Return what is wrong with the value of a document, as `judge_value` does."""
    if value is not None and type(value) is not dict:
        return [
            Diagnostic(
                "document-not-mapping",
                f"a document is a mapping, and this is {_kind_of(value)}",
                Place(path, index),
                "begin with apiVersion, kind, metadata and spec",
            )
        ]
    return judge_value(path, index, value)


def judge_value(path: str, index: int, value: Any) -> list[Diagnostic] | None:
    """Return what is wrong with a value; `None` where JSON cannot hold it at all.

    `None` means a key that is not text or nesting that is too deep: the exact pass says where.
    """
    place = Place(path, index)
    if value is None:
        return [_empty(place)]
    if type(value) is not dict and type(value) is not list:
        return [_number(place.at(*route)) for route in _bad_numbers(value)]
    return _judge_numbers(place, value)


def _key_not_text(place: Place) -> Diagnostic:
    return Diagnostic(
        "yaml-key-not-text", "a key of this document is not text", place, "quote the key"
    )


def _kind_of(value: Any) -> str:
    return {list: "a sequence", str: "text", bool: "true or false"}.get(type(value), "a number")


def _judge_numbers(place: Place, value: dict[Any, Any] | list[Any]) -> list[Diagnostic] | None:
    has_bad = False
    pending: list[tuple[Any, int]] = [(value, 1)]
    for node, depth in pending:  # grows while it is read
        if depth > MAX_DEPTH:
            return None
        if type(node) is dict:
            for key in node:
                if type(key) is not str:
                    return None
            children: Iterable[Any] = node.values()
        else:
            children = node
        for child in children:
            kind = type(child)
            if kind is dict or kind is list:
                pending.append((child, depth + 1))
            elif (kind is int and not -_LARGEST <= child <= _LARGEST) or (
                kind is float and not math.isfinite(child)
            ):
                has_bad = True
    return [_number(place.at(*route)) for route in _bad_numbers(value)] if has_bad else []


def _bad_numbers(value: Any, route: Route = ()) -> Iterator[Route]:
    """Yield the routes of numbers that canonical JSON cannot hold."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _bad_numbers(child, (*route, key))
    elif isinstance(value, list):
        for position, child in enumerate(value):
            yield from _bad_numbers(child, (*route, position))
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield route
    elif isinstance(value, int) and not -_LARGEST <= value <= _LARGEST:
        yield route


def clamped(value: Any) -> Any:
    """Return a copy of `value` with, for each bad number, the nearest that JSON has."""
    if isinstance(value, dict):
        return {key: clamped(child) for key, child in value.items()}
    if isinstance(value, list):
        return [clamped(child) for child in value]
    if isinstance(value, float):
        return max(-sys.float_info.max, min(value, sys.float_info.max))
    return max(-_LARGEST, min(value, _LARGEST)) if type(value) is int else value


def _number(place: Place) -> Diagnostic:
    return Diagnostic(
        "yaml-number-not-json",
        "this number is infinite, not a number, or an integer beyond 2**53",
        place,
        "write it as quoted text, a seed as hexadecimal digits; JSON readers would lose it",
    )


def _examine(path: str, text: str, count: int) -> Examination:
    """Run the exact pass; what it cannot read through refuses all `count` documents."""
    from yaml import YAMLError

    everything = set(range(count))
    try:
        examined = examine(path, text)
        if examined.refused and examined.documents != count:
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


def _failure(path: str, text: str, message: str) -> list[Diagnostic]:
    """Return why there are no values at all."""
    if message == _COLLECTION_KEY:
        return _examine(path, text, 0).diagnostics or [_key_not_text(Place(path))]
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
            f"aliases stand for more than {_MAX_REPLAYED} values",
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

    What was made lives long: it is not looked through for cycles afterwards either.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.freeze()
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
