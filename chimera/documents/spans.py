"""From symbolic places to lines and columns, only for what is shown.

Composes a file at most once, with PyYAML's C composer, and only after the scan has bounded its
depth: the composer recurses and dies of a deep one. Refuses to guess: a route that the file lacks
is its nearest ancestor.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol

from chimera.documents.merging import fields_of
from chimera.documents.portions import yaml_part
from chimera.documents.scan import MAX_BYTES, TooDeepError, decode, events, neutral
from chimera.model import ChimeraError, Diagnostic, Place, Related, Span, in_order


class Contents(Protocol):
    """What is asked of a tree, or of whatever else places stand in."""

    def read_many(self, paths: Iterable[str], *, limit: int | None = None) -> Mapping[str, bytes]:
        """Return the content at each of `paths`, cut to one byte more than `limit`."""


def compose(text: str) -> list[Any]:
    """Return PyYAML's node of each document; raises `yaml.YAMLError` or `TooDeepError`."""
    import yaml

    for _ in events(text):
        pass
    return list(yaml.compose_all(neutral(text), Loader=yaml.CSafeLoader))


def _nodes(path: str, data: bytes) -> list[Any]:
    """Return the nodes of a file, none where it cannot be composed."""
    from yaml import YAMLError

    decoded = decode(path, yaml_part(path, data))
    if isinstance(decoded, Diagnostic):
        return []
    try:
        return compose(decoded.text)
    except (YAMLError, TooDeepError):
        return []


def locate(diagnostics: Iterable[Diagnostic], tree: Contents) -> tuple[Diagnostic, ...]:
    """Return the diagnostics with every place as a span, in order and without repetitions."""
    return in_order(locate_each(diagnostics, tree))


def locate_each(diagnostics: Iterable[Diagnostic], tree: Contents) -> Iterator[Diagnostic]:
    """Yield each diagnostic with every place of its as a span; a file is composed once for all."""
    every = tuple(diagnostics)
    wheres = (w for d in every for w in (d.where, *(related.where for related in d.related)))
    spans = spans_of(tree, (where for where in wheres if isinstance(where, Place)))

    def located(where: Place | Span) -> Span:
        return where if isinstance(where, Span) else spans[where]

    for diagnostic in every:
        related = (Related(one.message, located(one.where)) for one in diagnostic.related)
        yield replace(diagnostic, where=located(diagnostic.where), related=tuple(related))


def spans_of(tree: Contents, places: Iterable[Place]) -> dict[Place, Span]:
    """Return where each of `places` stands, reading and composing a file once."""
    by_path: dict[str, set[Place]] = defaultdict(set)
    for place in places:
        by_path[place.path].add(place)
    spans: dict[Place, Span] = {}
    for path, wanted in by_path.items():
        nodes = _nodes(path, _content(tree, path)) if any(map(_needs_nodes, wanted)) else []
        keys: _Keys = {}
        spans.update((place, _span(nodes, place, keys)) for place in wanted)
    return spans


def span_of(tree: Contents, place: Place) -> Span:
    """Return where `place` stands in its file; the file's first line where that cannot be told."""
    return _span(_nodes(place.path, _content(tree, place.path)), place, {})


def _needs_nodes(place: Place) -> bool:
    return bool(place.route) or place.index > 0


def _content(tree: Contents, path: str) -> bytes:
    try:
        return tree.read_many([path], limit=MAX_BYTES)[path]
    except ChimeraError:
        return b""


def _span(nodes: list[Any], place: Place, keys: _Keys) -> Span:
    if place.index >= len(nodes) or nodes[place.index] is None:
        return Span(place.path)
    key, node, complete = walk(nodes[place.index], place, keys)
    if key is not None and (place.on == "key" or not complete):
        node = key
    return _span_of_node(place.path, node)


_Keys = dict[int, dict[str, tuple[Any, Any]]]
"""The keys of the mappings met so far, by the identity of their nodes."""


def walk(root: Any, place: Place, keys: _Keys) -> tuple[Any, Any, bool]:
    """Follow the route of `place`; return the last key node, the node, whether all was there.

    A merged field is found where it is written. Segments that the document lacks are skipped:
    models report some that are not in the file (the tag of a union).
    The key is `None` at the root and for a position in a sequence.
    """
    from yaml import MappingNode, SequenceNode

    key, node, complete = None, root, True
    for segment in place.route:
        found = None
        if isinstance(node, MappingNode):
            if id(node) not in keys:
                keys[id(node)] = fields_of(node)
            found = keys[id(node)].get(str(segment))
        elif isinstance(node, SequenceNode) and segment in range(len(node.value)):
            found = (None, node.value[segment])
        complete = found is not None
        if found is not None:
            key, node = found
    return key, node, complete


def _span_of_node(path: str, node: Any) -> Span:
    """Return a node's span; a block ends wherever the next thing begins, so its end is left out."""
    start, end = node.start_mark, node.end_mark
    is_block = getattr(node, "style", None) in ("|", ">") or getattr(node, "flow_style", 1) is False
    if is_block:
        return Span(path, start.line + 1, start.column + 1)
    return Span(path, start.line + 1, start.column + 1, end.line + 1, end.column + 1)


def duplicate_keys(path: str, text: str) -> list[tuple[int, Diagnostic]]:
    """Return a diagnostic for every repeated key, with the index of its document."""
    found = []
    data = text.encode("utf-8")
    for index, root in enumerate(_nodes(path, data)):
        for first, second in _repeated(root):
            found.append(
                (
                    index,
                    Diagnostic(
                        "yaml-duplicate-key",
                        f"the key {second.value[:80]!r} is already here",
                        _span_of_node(path, second),
                        "keep one of the two",
                        related=(Related("first here", _span_of_node(path, first)),),
                    ),
                )
            )
    return found


def _repeated(root: Any) -> Iterator[tuple[Any, Any]]:
    from yaml import MappingNode, ScalarNode, SequenceNode

    pending, seen = [root], {id(root)}
    for node in pending:  # grows while it is read; an aliased node is looked at once
        children: list[Any] = []
        if isinstance(node, MappingNode):
            first: dict[tuple[str, str], Any] = {}
            for key, value in node.value:
                if isinstance(key, ScalarNode):
                    known = first.setdefault((key.tag, key.value), key)
                    if known is not key:
                        yield known, key
                children += (key, value)
        elif isinstance(node, SequenceNode):
            children = node.value
        for child in children:
            if id(child) not in seen:
                seen.add(id(child))
                pending.append(child)
