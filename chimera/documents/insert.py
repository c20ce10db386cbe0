"""Adding to YAML without disturbing what is there: an item to a list, a field to a mapping.

What is added stands last unless said otherwise, in the style of what it is added to, in block or in
flow. Refuses, by reading the result back, any insertion that would change more than was asked.
"""

from __future__ import annotations

from typing import Any

from chimera.documents.dump import dump
from chimera.documents.edit import read_values, rendered, same_values
from chimera.documents.format import format_text
from chimera.documents.scan import TooDeepError
from chimera.documents.spans import compose, walk
from chimera.model import ChimeraError, Place, UsageError

_STEP = 2


def insert_item(text: str, place: Place, value: Any, index: int | None = None) -> str:
    """Return `text` with `value`, which is JSON, in the list at `place`: at `index`, or last.

    Raises `UsageError` where there is no list at `place`, `ChimeraError` where the result would not
    read back as meant (a list that is shared through an anchor).
    """
    return _inserted(text, place, "sequence", index, value)


def add_field(text: str, place: Place, key: str, value: Any) -> str:
    """Return `text` with the field `key`, which is not there yet, last in the mapping at `place`.

    Raises as `insert_item` does.
    """
    return _inserted(text, place, "mapping", key, value)


def _inserted(text: str, place: Place, kind: str, key: str | int | None, value: Any) -> str:
    """Insert an item before the position `key`, or the field `key`."""
    expected = read_values(text)
    nodes = _nodes_along(text, place)
    if nodes[-1].id != kind:
        what = "list" if kind == "sequence" else "mapping"
        raise UsageError(
            f"there is no {what} at {_name(place)}", help=f"name a field with a {what}"
        )
    target: Any = expected[place.index]
    for segment in place.route:
        target = target[segment]
    if isinstance(key, str):
        if key in target:
            raise UsageError(f"{_name(place)} has a field {key} already", help="set that one")
        target[key] = value
    else:
        key = len(target) if key is None else key
        target.insert(key, value)
    result = _spliced(text, nodes, key, value)
    if not same_values(_values_or_none(result), expected):
        raise ChimeraError(
            f"nothing can be added to {_name(place)} by itself",
            help="edit the file by hand: it may be shared through an anchor",
        )
    return result


def _spliced(text: str, nodes: list[Any], key: str | int, value: Any) -> str:
    node = nodes[-1]
    if not node.value:
        return _into_empty(text, nodes, key, value)
    if not node.flow_style:
        return _into_block(text, nodes, key, value)
    at = len(node.value) if isinstance(key, str) else key
    if at == 0:
        start = node.value[0].start_mark.index
        return f"{text[:start]}{_flow_entry(key, value)}, {text[start:]}"
    last = node.value[at - 1]
    end = (last[1] if isinstance(last, tuple) else last).end_mark.index
    return f"{text[:end]}, {_flow_entry(key, value)}{text[end:]}"


def _into_empty(text: str, nodes: list[Any], key: str | int, value: Any) -> str:
    """Fill `[]` or `{}`: in flow inside of flow, and in block everywhere else."""
    start, end = nodes[-1].start_mark.index, nodes[-1].end_mark.index
    if any(parent.flow_style for parent in nodes[:-1]):
        return f"{text[: start + 1]}{_flow_entry(key, value)}{text[end - 1 :]}"
    column = _column(nodes[-2]) + _STEP if len(nodes) > 1 else 0
    kept = text[:start].rstrip(" ")
    return _after_line(kept + text[end:], len(kept), column, _block(key, value, column))


def _into_block(text: str, nodes: list[Any], key: str | int, value: Any) -> str:
    node = nodes[-1]
    column = _column(node)
    lines = _block(key, value, column)
    if key == 0:
        start = text.rfind("\n", 0, node.start_mark.index) + 1
        newline = "\r\n" if "\r\n" in text else "\n"
        return text[:start] + "".join(line + newline for line in lines) + text[start:]
    is_last = isinstance(key, str) or key >= len(node.value)
    entry = node.value[-1 if is_last or isinstance(key, str) else key - 1]
    parent = _column(nodes[-2]) if len(nodes) > 1 else -1
    # A comment above the next item is about that one.
    owned = (parent if is_last else column) + 1
    return _after_line(text, _end(text, entry, node.end_mark.index), owned, lines)


def _nodes_along(text: str, place: Place) -> list[Any]:
    """Return the nodes from the root to `place`."""
    import yaml

    try:
        composed = compose(text)
    except (yaml.YAMLError, TooDeepError) as error:
        raise ChimeraError("the text cannot be edited in place", help="edit it by hand") from error
    root = composed[place.index] if place.index < len(composed) else None
    nodes = [root]
    for length in range(1, len(place.route) + 1):
        _, node, complete = walk(root, Place(place.path, place.index, place.route[:length]), {})
        if not complete:
            raise UsageError(
                f"there is nothing at {_name(place)}", help="name a field that is there"
            )
        nodes.append(node)
    return nodes


def _end(text: str, entry: Any, last: int) -> int:
    """Return where an item or a pair of key and value of a block ends, which `last` bounds.

    A block's own end mark is wherever the next thing begins.
    """
    while True:
        key, node = entry if isinstance(entry, tuple) else (None, entry)
        if key is not None and node.end_mark.index < key.start_mark.index:
            node = key  # an alias, whose node stands elsewhere
        if not node.value or getattr(node, "flow_style", True):
            end = min(node.end_mark.index, last)
            header = text[node.start_mark.index : end].partition("\n")[0]
            is_kept = getattr(node, "style", None) in {"|", ">"} and "+" in header
            # A block scalar takes the line ends after it: they are a part of it where it says so.
            return end - 1 if is_kept else len(text[:end].rstrip())
        entry = node.value[-1]


def _after_line(text: str, at: int, owned: int, lines: list[str]) -> str:
    """Return `text` with `lines` after the one with `at`, and the comments that belong to it."""
    newline = "\r\n" if "\r\n" in text else "\n"
    end = look = text.find("\n", at)
    while look != -1:
        following = text[look + 1 :].partition("\n")[0].rstrip()
        bare = following.lstrip(" ")
        is_owned = bare.startswith("#") and len(following) - len(bare) >= owned
        if bare and not is_owned:
            break
        look = text.find("\n", look + 1)
        end = look if is_owned else end
    if end == -1:
        return text + newline + newline.join(lines) + newline
    return text[: end + 1] + "".join(line + newline for line in lines) + text[end + 1 :]


def _column(node: Any) -> int:
    column: int = node.start_mark.column
    return column


def _block(key: str | int, value: Any, column: int) -> list[str]:
    """Return the lines of a list item, or of a field, at `column`."""
    # Followed by another field, so that the line ends of a text that keeps them end where they do.
    name, content = ("items", [value]) if isinstance(key, int) else (key, value)
    text = format_text(dump({name: content, f"{name} end": 0}))
    lines = text.removesuffix("...\n").split("\n")[:-2]
    if isinstance(key, int):
        lines = [line[_STEP:] for line in lines[1:]]
    return [" " * column + line if line.strip() else line for line in lines]


def _flow_entry(key: str | int, value: Any) -> str:
    return _flow(value) if isinstance(key, int) else f"{rendered(key)}: {_flow(value)}"


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(_flow_entry(key, item) for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return rendered(value)


def _values_or_none(text: str) -> Any:
    try:
        return read_values(text)
    except ChimeraError:
        return None


def _name(place: Place) -> str:
    return ".".join(map(str, place.route)) or "the root"
