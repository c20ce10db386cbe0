"""The scan that stands between a file's bytes and the parsers.

Owns the bounds (size, indentation, depth, control characters), all cheap enough to run on every
file, and the exact pass over PyYAML's events, which runs only where a regular expression suspects
a tag, an anchor, a merge key or an ambiguous scalar. Refuses what a parser could die of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from chimera.documents.scalars import core_value, legacy_reading
from chimera.model import Diagnostic, Severity, Span

MAX_BYTES = 2 * 1024 * 1024
MAX_DEPTH = 100
MAX_INDENT = 400  # columns before a line's first value: 4 a level; bounds what yaml-rs recurses
_CONTROLS = bytes(sorted({*range(0x20), 0x7F} - {0x09, 0x0A, 0x0D}))
_NOT_PRINTABLE = re.compile("[\x80-\x84\x86-\x9f\ufffe\uffff]")
_INDENT = re.compile(f"(?:\\A|[\\r\\n])[ \\t?:-]{{{MAX_INDENT + 1}}}")
# Line breaks in YAML 1.1 only: for PyYAML they are made plain blanks of the same width.
_NEUTRAL = {0x85: 0xA0, 0x2028: 0xA0, 0x2029: 0xA0}
_BREAK = re.compile(r"\r\n|\r|\n")
_LEGACY_BREAK = re.compile("[\x85\u2028\u2029]")
# Where a node may begin: a tag, an anchor, a merge key, or a scalar that versions read apart.
# Conservative: it also hits inside quoted and block scalars, and then costs time only. (A hyphen
# begins a node before a blank alone: `note-0: a - b` has none. So does a colon, but for one after
# what is quoted or closed: 11:40:00 has none. One class for all is faster than alternatives.)
_SUSPECT = re.compile(
    r"[:?\[{,\n\r](?:[ \t]*+-++(?=[ \t]))*+[ \t]*+(?=[!&<=yYnNoO0-9+._-])(?<![^\"'\]}]:)"
    r"(?:[!&]"
    r"|(?:<<|=|[yY]es|YES|[nN]o|NO|[oO]n|ON|[oO]ff|OFF)[ \t]*(?=[\n\r,\]}:#])"
    r"|[-+.]*[0-9][0-9.]*[_:eExXoObB]|[-+.]*_[-+._]*[0-9]|[-+]?0[0-9]|[-+]?\.[0-9+-]*[nNiI]|[-+]\.)"
)
# The same, seen so coarsely that it takes a fifth of the time and errs on the side of suspicion:
# capitals are small, 1 stands for 1 to 9, a line break for whatever a node can begin or end at (but
# the colon, which gets one after it), NUL for what YAML forbids, and blanks and hyphens are gone.
_COARSE = bytes.maketrans(
    _CONTROLS + b"ABCDEFGHIJKLMNOPQRSTUVWXYZ23456789\r,?[]{}#",
    b"\0" * len(_CONTROLS) + b"abcdefghijklmnopqrstuvwxyz11111111\n\n\n\n\n\n\n\n",
)
_HINT = re.compile(
    rb"\n(?:[!&+._=]|[yno<][eonf<][sf]?[\n:]|[01][01.]*[_exob:]|0[01])"  # yes, no, on, off, <<
)
_NUMBER_LIKE = re.compile(r"[-+._]*[0-9._][0-9A-Za-z_.+-]*")


@dataclass(frozen=True, slots=True)
class Extensions:
    """What a file may use that is not of YAML's core schema: nothing, unless it is let in.

    `merges` has merge keys merge, as in YAML 1.1. `tags` are an application's own (`!Ref`): what
    they mark is read as plain data, a scalar as text. `advice` says what to do about one that is
    not let in.
    """

    merges: bool = False
    tags: frozenset[str] = frozenset()
    advice: str = "remove it: values are what they look like, and text is quoted"


CORE = Extensions()
"""What our own documents are written in."""


@dataclass(slots=True)
class Examination:
    """What the exact pass found: diagnostics, the documents they refuse, and the text to parse.

    In that text, scalars that yaml-rs would take for numbers against the core schema are quoted.
    `documents` counts what PyYAML saw; `merging` are those in which a merge key has to merge.
    """

    text: str
    diagnostics: list[Diagnostic] = field(default_factory=list)
    refused: set[int] = field(default_factory=set)
    merging: set[int] = field(default_factory=set)
    documents: int = 0


class TooDeepError(Exception):
    """Nesting passes `MAX_DEPTH`; carries the place where it does."""

    def __init__(self, mark: Any) -> None:
        super().__init__("nesting is too deep")
        self.line, self.column = mark.line + 1, mark.column + 1


class Decoded(NamedTuple):
    """The text of a file, with a newline at its end, and the file as `_HINT` looks at it."""

    text: str
    coarse: bytes

    def is_suspect(self) -> bool:
        """Tell whether the exact pass could find anything but keys that are not text."""
        is_worth_a_look = _HINT.search(self.coarse) is not None
        found = _SUSPECT.search("\n" + self.text) if is_worth_a_look else None
        return found is not None or _has_legacy_break(self.text)


def decode(path: str, data: bytes) -> Decoded | Diagnostic:
    """Return the text of a file, or why it is refused."""
    if len(data) > MAX_BYTES:
        return Diagnostic(
            "yaml-too-large",
            f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB",
            Span(path),
            "split it into smaller files",
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        return Diagnostic(
            "yaml-not-utf8",
            f"byte 0x{data[error.start]:02x} is not UTF-8",
            _span_at(path, before, len(before)),
            "save the file as UTF-8",
        )
    coarse = b"\n%b\n" % data.translate(_COARSE, b" \t-").replace(b":", b":\n")
    if b"\0" in coarse:
        return _control_character(path, text)
    if not text.endswith("\n"):
        text += "\n"
    return _refused(path, text) or Decoded(text, coarse)


def _refused(path: str, text: str) -> Diagnostic | None:
    if not text.isascii():
        mark = text.find("\ufeff")
        if mark >= 0:
            return Diagnostic(
                "yaml-byte-order-mark",
                "the file has a byte order mark",
                _span_at(path, text, mark),
                "save it as UTF-8 without one",
            )
        if _NOT_PRINTABLE.search(text):
            return _control_character(path, text)
    # A quick bound first: without a long line there is no long indentation.
    deep = _INDENT.search(text) if _has_long_line(text) else None
    return too_deep(_span_at(path, text, deep.end() - 1)) if deep else None


def _has_long_line(text: str) -> bool:
    """Tell whether a line can be longer than `MAX_INDENT`, looking at the ends of few lines."""
    start, last = 0, len(text) - MAX_INDENT
    while start < last:
        start = text.rfind("\n", start, start + MAX_INDENT + 1) + 1
        if not start:
            return True
    return False


def too_deep(span: Span) -> Diagnostic:
    """Return the diagnostic for nesting beyond `MAX_DEPTH`, or indentation that would allow it."""
    return Diagnostic(
        "yaml-too-deep",
        f"nesting is deeper than {MAX_DEPTH} levels or {MAX_INDENT} columns",
        span,
        "flatten the document",
    )


def _control_character(path: str, text: str) -> Diagnostic:
    at = next(at for at, character in enumerate(text) if _is_control(character))
    return Diagnostic(
        "yaml-control-character",
        f"character U+{ord(text[at]):04X} is not allowed in YAML",
        _span_at(path, text, at),
        'remove it, or write it as an escape in double quotes, as in "\\u0007"',
    )


def _is_control(character: str) -> bool:
    code = ord(character)
    return code in _CONTROLS if code < 0x80 else _NOT_PRINTABLE.match(character) is not None


def _span_at(path: str, text: str, at: int) -> Span:
    before = text[:at].replace("\r\n", "\n").replace("\r", "\n")
    return Span(path, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


def neutral(text: str) -> str:
    """Return `text` for PyYAML, with the same lines and columns as YAML 1.2 sees."""
    return text if text.isascii() else text.translate(_NEUTRAL)


def events(text: str) -> Iterator[Any]:
    """Yield PyYAML's events; raises `TooDeepError`, and `yaml.YAMLError` for what it cannot read.

    The stream is read as it is consumed, so that a bomb is never parsed to its end.
    """
    import yaml

    depth = 0
    for event in yaml.parse(neutral(text), Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise TooDeepError(event.start_mark)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        yield event


def _has_legacy_break(text: str) -> bool:
    return not text.isascii() and _LEGACY_BREAK.search(text) is not None


def examine(path: str, text: str, extensions: Extensions = CORE) -> Examination:
    """Look at every node of `text` for what the values no longer show."""
    examiner = _Examiner(path, text, extensions)
    for event in events(text):
        examiner.take(event)
    found = examiner.result()
    if _has_legacy_break(text):
        found.diagnostics += _legacy_breaks(path, text)
    return found


def _legacy_breaks(path: str, text: str) -> Iterator[Diagnostic]:
    """Yield the lines that YAML 1.1 ends before: what is a comment here is a field there."""
    for number, line in enumerate(_BREAK.split(text), 1):
        if found := _LEGACY_BREAK.search(line):
            code = f"{ord(found[0]):04X}"
            yield Diagnostic(
                "yaml-ambiguous-break",
                f"U+{code} is text here (YAML 1.2), and YAML 1.1 tools begin a new line",
                Span(path, number, found.start() + 1),
                f'remove it, or write "\\u{code}" in double quotes',
                Severity.WARNING,
            )


def _alike(number: Any) -> str:
    """Return `number` as both versions of YAML read it."""
    text = repr(number)
    mantissa, exponent, power = text.partition("e")
    return f"{mantissa}.0e{power}" if exponent and "." not in mantissa else text.lower()


@dataclass(slots=True)
class _Frame:
    is_mapping: bool
    anchor: str | None
    children: int = 0


class _Examiner:
    """Follows the events of one file, knowing for each node whether it is a key."""

    def __init__(self, path: str, text: str, extensions: Extensions) -> None:
        import yaml

        self._yaml = yaml
        self._path = path
        self._extensions = extensions
        self._index = -1
        self._stack: list[_Frame] = []
        self._anchored: dict[str, bool] = {}
        self._merge_anchors: set[str] = set()
        self._quote: list[tuple[int, int]] = []
        self._found = Examination(text)

    def take(self, event: Any) -> None:
        """Take the next event."""
        yaml = self._yaml
        if isinstance(event, yaml.DocumentStartEvent):
            self._index += 1
            self._anchored = {}
        elif isinstance(event, yaml.CollectionEndEvent):
            self._stack.pop()
        elif isinstance(event, yaml.NodeEvent):
            is_key = self._is_key()
            if isinstance(event, yaml.AliasEvent):
                self._alias(event, is_key)
                return
            if event.tag is not None and (is_key or event.tag not in self._extensions.tags):
                is_local = event.tag.startswith("!") and not is_key
                self._error(
                    "yaml-tag",
                    f"the tag {event.tag[:80]!r} is not allowed",
                    event,
                    self._extensions.advice if is_local else CORE.advice,
                )
            if isinstance(event, yaml.ScalarEvent):
                self._scalar(event, is_key)
            else:
                self._collection(event, is_key)

    def result(self) -> Examination:
        """Return what was found."""
        text = self._found.text
        pieces, position = [], 0
        for start, end in self._quote:
            pieces += [text[position:start], '"', text[start:end], '"']
            position = end
        self._found.text = "".join(pieces) + text[position:]
        self._found.documents = self._index + 1
        return self._found

    def _is_key(self) -> bool:
        if not self._stack:
            return False
        frame = self._stack[-1]
        frame.children += 1
        return frame.is_mapping and frame.children % 2 == 1

    def _collection(self, event: Any, is_key: bool) -> None:
        if is_key:
            self._key_error(event)
        if event.anchor is not None:
            self._anchored[event.anchor] = False
        is_mapping = isinstance(event, self._yaml.MappingStartEvent)
        self._stack.append(_Frame(is_mapping, event.anchor))

    def _alias(self, event: Any, is_key: bool) -> None:
        if any(frame.anchor == event.anchor for frame in self._stack):
            self._error(
                "yaml-recursive-alias",
                f"the alias '*{event.anchor[:80]}' contains itself",
                event,
                "write the value out",
            )
        elif is_key and event.anchor in self._merge_anchors and self._extensions.merges:
            self._merge_key(event, plain=False)
        elif is_key and not self._anchored.get(event.anchor, False):
            self._key_error(event)

    def _scalar(self, event: Any, is_key: bool) -> None:
        text = event.value
        plain = bool(event.implicit[0])
        is_text = not plain or isinstance(core_value(text), str)
        if event.anchor is not None:
            self._anchored[event.anchor] = is_text
            if text == "<<":
                self._merge_anchors.add(event.anchor)
        if is_key and text == "<<" and (plain or self._extensions.merges):
            self._merge_key(event, plain=plain)
            return
        if is_key and not is_text:
            self._key_error(event)
        if not plain:
            return
        if is_text and event.tag is None and _NUMBER_LIKE.fullmatch(text):
            end = event.end_mark.index
            self._quote.append((end - len(text), end))
        legacy = legacy_reading(text)
        if legacy is not None:
            self._ambiguous(event, text, legacy)

    def _merge_key(self, event: Any, *, plain: bool) -> None:
        if not self._extensions.merges:
            message = "the merge key '<<' is not part of YAML 1.2"
            self._error("yaml-merge-key", message, event, "write the merged fields out")
        elif not plain:
            message = "a key '<<' that is not plain does not merge, and looks as if it did"
            self._error("yaml-merge-key", message, event, "remove the quotes, or rename it")
        else:
            self._found.merging.add(self._index)
            self._found.diagnostics.append(
                Diagnostic(
                    "yaml-merge-key",
                    "'<<' merges here, as in YAML 1.1, and is a field of this name in YAML 1.2",
                    self._span(event),
                    "write the merged fields out",
                    Severity.WARNING,
                )
            )

    def _ambiguous(self, event: Any, text: str, legacy: str) -> None:
        core = core_value(text)
        now = "text" if isinstance(core, str) else "a number"
        self._found.diagnostics.append(
            Diagnostic(
                "yaml-ambiguous-scalar",
                f"{text[:40]!r} is {now} here (YAML 1.2), and YAML 1.1 tools read {legacy[:60]}",
                self._span(event),
                "quote it" if isinstance(core, str) else f"write {_alike(core)}, or quote it",
                Severity.WARNING,
            )
        )

    def _key_error(self, event: Any) -> None:
        self._error("yaml-key-not-text", "a key must be text", event, "quote the key")

    def _error(self, rule: str, message: str, event: Any, help: str) -> None:
        self._found.refused.add(self._index)
        self._found.diagnostics.append(Diagnostic(rule, message, self._span(event), help))

    def _span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        return Span(self._path, start.line + 1, start.column + 1, end.line + 1, end.column + 1)
