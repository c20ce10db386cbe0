"""Changing YAML without disturbing what is not changed.

`splice` replaces one scalar and nothing else, by its marks; `edit` makes structural changes with
ruamel.yaml. Refuses, by reading the result back, any edit that would change more than was asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from io import StringIO
from typing import Any

from chimera.documents.parse import parse
from chimera.documents.scalars import Scalar, core_value, legacy_reading
from chimera.documents.scan import TooDeepError, neutral
from chimera.documents.spans import compose, walk
from chimera.model import ChimeraError, Place, UsageError, has_errors

_PLAIN = re.compile(
    r"[A-Za-z0-9_/.](?:[A-Za-z0-9_/.@+-]|:(?=[A-Za-z0-9]))*(?: [A-Za-z0-9_/.@+-]+)*"
)
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_SEQUENCE = re.compile(r"^( *)[^\s#-][^\n]*:[ \t]*\n( *)- ", re.M)
_NESTED = re.compile(r"^[^\s#-][^\n]*:[ \t]*\n( +)[^\s#-]", re.M)


def read_values(text: str) -> list[dict[str, Any]]:
    """Return the values of `text`; raises `ChimeraError` where it has an error."""
    documents, diagnostics = parse("text", text.encode("utf-8"))
    if has_errors(diagnostics):
        first = diagnostics[0]
        raise ChimeraError(
            f"the text does not parse: {first.message} (line {first.span.line})", help=first.help
        )
    return [document.value for document in documents]


def splice(text: str, place: Place, value: Scalar) -> str:
    """Return `text` with the one scalar at `place` replaced; every other byte stays.

    Raises `UsageError` where there is no scalar at `place`, `ChimeraError` where the result would
    not read back as meant (an anchored scalar that is used elsewhere).
    """
    expected = read_values(text)
    start, end, old = _scalar_at(text, place)
    new = rendered(value, old)
    if old == "" and text[start - 1 : start] not in (" ", "\t", "\n"):
        new = " " + new
    if old[:1] in ("|", ">"):
        new += old[len(old.rstrip()) :]  # a block takes the line ends after it
    result = text[:start] + new + text[end:]
    _put(expected, place, value)
    if not same_values(read_values(result), expected):
        raise ChimeraError(
            f"the value at {'.'.join(map(str, place.route))} cannot be replaced by itself",
            help="edit the file by hand: it may be shared through an anchor",
        )
    return result


def same_values(left: Any, right: Any) -> bool:
    """Tell whether two values are equal in type, order of keys and content."""
    return repr(left) == repr(right)


def _scalar_at(text: str, place: Place) -> tuple[int, int, str]:
    """Return start, end and source of the scalar at `place`, without its anchor."""
    import yaml

    try:
        nodes = compose(text)
    except (yaml.YAMLError, TooDeepError) as error:
        raise ChimeraError("the text cannot be edited in place", help="edit it by hand") from error
    root = nodes[place.index] if place.index < len(nodes) else None
    _, node, complete = walk(root, place, {})
    if not complete or not isinstance(node, yaml.ScalarNode):
        raise UsageError(
            f"there is no scalar at {'.'.join(map(str, place.route)) or 'the root'}",
            help="name a field that holds text, a number, true, false or null",
        )
    start, end = node.start_mark.index, node.end_mark.index
    for token in yaml.scan(neutral(text), Loader=yaml.CSafeLoader):
        if isinstance(token, yaml.ScalarToken) and token.end_mark.index == end:
            start = token.start_mark.index  # past an anchor
            return start, end, text[start:end]
    return end, end, ""


def _put(documents: list[dict[str, Any]], place: Place, value: Scalar) -> None:
    target: Any = documents[place.index]
    for segment in place.route[:-1]:
        target = target[segment]
    target[place.route[-1]] = value


def rendered(value: Scalar, old: str = "") -> str:
    """Return `value` as YAML, in the quotes that `old` had."""
    if not isinstance(value, str):
        text = json.dumps(value)  # YAML 1.1 reads 1e-07 as text, and 1.0e-07 as the number it is
        return text.replace("e", ".0e") if isinstance(value, float) and "." not in text else text
    if old.startswith("'") and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    is_plain = _PLAIN.fullmatch(value) and isinstance(core_value(value), str)
    if is_plain and not old.startswith('"') and legacy_reading(value) is None:
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)


def edit(text: str, change: Callable[[Any], None], *, index: int = 0) -> str:
    """Return `text` after `change` has been made to one of its documents, comments and quotes kept.

    `change` gets ruamel's mapping and alters it in place. Raises `ChimeraError` where the text, or
    what would come of it, does not parse, or where another document would change.
    """
    from ruamel.yaml.error import YAMLError

    before = read_values(text)
    if index >= len(before):
        raise UsageError(f"there is no document {index}", help="count the documents from zero")
    plain = text.replace("\r\n", "\n")
    yaml = _round_trip(plain)
    stream = StringIO()
    try:
        documents = list(yaml.load_all(plain))
        change(documents[index])
        yaml.dump_all(documents, stream)
    except YAMLError as error:
        raise ChimeraError("this text cannot be edited", help="edit it by hand") from error
    after = read_values(stream.getvalue())
    after[index : index + 1] = before[index : index + 1]
    if not same_values(before, after):
        raise ChimeraError("the edit would change another document", help="edit it by hand")
    return stream.getvalue().replace("\n", "\r\n") if plain != text else stream.getvalue()


def _round_trip(text: str) -> Any:
    """Return ruamel, set to write as `text` is written."""
    from ruamel.yaml import YAML

    sequence = _SEQUENCE.search(text)
    nested = _NESTED.search(text)
    offset = max(len(sequence[2]) - len(sequence[1]), 0) if sequence else 2
    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.width = 1_000_000
    yaml.indent(mapping=len(nested[1]) if nested else 2, sequence=offset + 2, offset=offset)
    yaml.explicit_start = text.startswith("---")
    return yaml
