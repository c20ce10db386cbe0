"""Git's `:(glob)` pathspecs, translated once into one regular expression over bytes.

Follows `wildmatch.c` and `dir.c` of Git, including that a pattern names everything below a folder
and that `?` is one byte. Atomic groups keep matching linear in the path for any pattern.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence

from chimera.model import UsageError

_SPECIAL = re.compile(rb"[*?\[\\]")
_WILD = re.compile(r"[*?\[\\]")
_CLASSES = {
    b"alnum": rb"[0-9A-Za-z]",
    b"alpha": rb"[A-Za-z]",
    b"blank": rb"[ \t]",
    b"cntrl": rb"[\x00-\x1f\x7f]",
    b"digit": rb"[0-9]",
    b"graph": rb"[!-~]",
    b"lower": rb"[a-z]",
    b"print": rb"[ -~]",
    b"punct": rb"[!-/:-@\[-`{-~]",
    b"space": rb"[ \t\n\v\f\r]",
    b"upper": rb"[A-Z]",
    b"xdigit": rb"[0-9A-Fa-f]",
}
_NEVER = rb"(?!)"
_STAR, _DEEP, _DEEPER, _SLASH = b"*", b"**/", b"**", b"/"


class Globs:
    """A set of `:(glob)` patterns; a path matches when any of them does."""

    __slots__ = ("_beginnings", "_folders", "_pattern", "patterns")

    def __init__(self, patterns: Iterable[str]) -> None:
        self.patterns = tuple(patterns)
        normal = [_normal(pattern) for pattern in self.patterns]
        self._beginnings = {_WILD.split(pattern, maxsplit=1)[0] for pattern in normal}
        choices = [_expression(os.fsencode(pattern)) for pattern in normal]
        self._pattern = re.compile(b"|".join(choices) or _NEVER, re.S)
        folders = {folder for pattern in normal for folder in _folders(os.fsencode(pattern))}
        self._folders = b"|".join(map(_whole, sorted(folders)))

    def matches(self, path: str) -> bool:
        """Tell whether `path`, relative to the root, is matched."""
        return self._pattern.fullmatch(os.fsencode(path)) is not None

    def leads_to(self, path: str) -> bool:
        """Tell whether `path` stands where a pattern goes through a folder: `src` for `src/**`.

        Git matches no such path. If it is a symlink or a submodule, it brings what is matched.
        """
        return bool(self._folders) and re.fullmatch(self._folders, os.fsencode(path)) is not None

    def filter(self, paths: Iterable[str]) -> list[str]:
        """Return those of `paths` that are matched, in their order."""
        return [path for path in paths if self.matches(path)]

    def select(self, paths: Sequence[str]) -> list[str]:
        """Return what `filter` does, of paths that are sorted: many need not be looked at.

        Whatever a pattern matches begins as the pattern does, up to its first wildcard.
        """
        found: list[str] = []
        end = 0
        for beginning in sorted(self._beginnings):
            length = len(beginning)
            first = max(end, bisect_left(paths, beginning))
            end = max(end, bisect_right(paths, beginning, key=lambda path: path[:length]))
            found += self.filter(paths[first:end])
        return found


def _normal(pattern: str) -> str:
    """Return `pattern` as Git normalizes a path; raises `UsageError` where it leaves the tree."""
    parts = pattern.split("/")
    if not pattern or pattern.startswith("/") or ".." in parts or "\0" in pattern:
        raise UsageError(
            f"{pattern!r} is not a glob of paths in the tree",
            help="write it relative to the repository's root, as in src/**/*.py",
        )
    kept = [part for part in parts if part not in ("", ".")]
    tail = "/" if kept and parts[-1] in ("", ".") else ""
    return "/".join(kept) + tail


def _expression(pattern: bytes) -> bytes:
    """Return the expression for one pattern: the path itself, what lies below it, or a match."""
    if not pattern:
        return b".*"
    literal = re.escape(pattern) + (b".*" if pattern.endswith(b"/") else b"(?:/.*)?")
    special = _SPECIAL.search(pattern)
    if special is None:
        return literal
    # Git compares the plain beginning as text and starts matching after it.
    plain, rest = pattern[: special.start()], pattern[special.start() :]
    return literal + b"|" + re.escape(plain) + _wild(list(_tokens(rest)))


def _folders(pattern: bytes) -> Iterator[bytes]:
    """Yield the folders that a pattern goes through, as patterns, up to where it goes anywhere."""
    parts = pattern.split(b"/")
    for number, part in enumerate(parts[:-1], 1):
        if part.startswith(b"**"):
            return
        yield b"/".join(parts[:number])


def _whole(pattern: bytes) -> bytes:
    """Return the expression for what a pattern names, without what lies below."""
    special = _SPECIAL.search(pattern)
    plain = pattern[: special.start()] if special else pattern
    rest = pattern[special.start() :] if special else b""
    return re.escape(plain) + _wild(list(_tokens(rest)))


def _wild(tokens: list[bytes]) -> bytes:
    """Return the expression for the part of a pattern that has wildcards.

    Between two `**/` stands a fixed number of path components, so the leftmost match is as good
    as any other and need not be tried again: only the last run is anchored by the path's end.
    """
    if tokens and tokens[-1] == _DEEPER:
        tokens, end = tokens[:-1], b".*"
    else:
        end = b""
    runs: list[list[bytes]] = [[]]
    depths: list[bytes] = []
    for token in tokens:
        if token in (_DEEP, b"**\\/"):
            runs.append([])
            depths.append(b"*?" if token == _DEEP else b"+?")
        else:
            runs[-1].append(token)
    result = _components(runs[0])
    for number, (depth, run) in enumerate(zip(depths, runs[1:], strict=True), 1):
        step = b"(?:[^/]*/)" + depth + _components(run)
        last = number == len(depths) and not end
        result += step if last else b"(?>" + step + b")"
    return result + end


def _components(tokens: list[bytes]) -> bytes:
    """Return the expression for path components without `**`."""
    result, component = b"", list[bytes]()
    for token in tokens:
        if token == _SLASH:
            result += _component(component) + b"/"
            component = []
        else:
            component.append(token)
    return result + (_component(component) if component else b"")


def _component(tokens: list[bytes]) -> bytes:
    """Return the expression for one component; all stars but the last match as early as can be."""
    parts: list[bytes] = [b""]
    for token in tokens:
        if token == _STAR:
            parts.append(b"")
        else:
            parts[-1] += token
    if len(parts) == 1:
        return parts[0]
    middle = b"".join(b"(?>[^/]*?" + part + b")" for part in parts[1:-1] if part)
    return b"(?>" + parts[0] + middle + b"[^/]*" + parts[-1] + b"(?=/|\\Z))"


def _tokens(pattern: bytes) -> Iterator[bytes]:
    """Yield `*`, `**`, `**/`, `/` and expressions that match one byte."""
    at = 0
    while at < len(pattern):
        byte = pattern[at : at + 1]
        if byte == b"*":
            token, at = _stars(pattern, at)
        elif byte == b"?":
            token, at = b"[^/]", at + 1
        elif byte == b"[":
            token, at = _bracket(pattern, at)
        elif byte == b"\\":
            escaped = pattern[at + 1 : at + 2]
            token = _SLASH if escaped == b"/" else re.escape(escaped) if escaped else _NEVER
            at += 2
        else:
            token, at = (_SLASH if byte == b"/" else re.escape(byte)), at + 1
        yield token


def _stars(pattern: bytes, at: int) -> tuple[bytes, int]:
    """Read one or more `*`; two or more reach across folders only as a whole component."""
    end = at
    while pattern[end : end + 1] == b"*":
        end += 1
    after = pattern[end : end + 2]
    alone = at == 0 or pattern[at - 1 : at] == b"/"
    if end - at == 1 or not alone:
        return _STAR, end
    if not after:
        return _DEEPER, end
    if after.startswith(b"/"):
        return _DEEP, end + 1
    return (b"**\\/", end + 2) if after == b"\\/" else (_STAR, end)


def _bracket(pattern: bytes, at: int) -> tuple[bytes, int]:
    """Read a bracket expression; one that is malformed matches nothing, whatever follows."""
    at += 1
    negated = pattern[at : at + 1] in (b"!", b"^")
    at += negated
    members: set[int] = set()
    previous, first = 0, True
    while first or pattern[at : at + 1] != b"]":
        first = False
        member = _character_class(pattern, at) or _member(pattern, at, previous)
        if member is None:
            return _NEVER, len(pattern)
        found, previous, at = member
        members.update(found)
    if negated:
        members = set(range(256)) - members
    members.discard(0x2F)
    return _one_of(members), at + 1


_Member = tuple[Iterable[int], int, int]
"""The bytes that a member of a bracket allows, what a range could begin with, where it ends."""


def _character_class(pattern: bytes, at: int) -> _Member | None:
    """Read `[:name:]`; an unknown name makes the bracket malformed, as `_member` then finds."""
    named = re.compile(rb"\[:([^\]]*):\]").match(pattern, at)
    if named is None or named[1] not in _CLASSES:
        return None
    allowed = re.compile(_CLASSES[named[1]])
    return [b for b in range(256) if allowed.match(bytes([b]))], 0, named.end()


def _member(pattern: bytes, at: int, previous: int) -> _Member | None:
    """Read one byte or the end of a range that began with `previous`."""
    if at >= len(pattern) or re.compile(rb"\[:(?:[^\]]*:\]|[^\]]*\Z)").match(pattern, at):
        return None
    is_range = pattern[at] == 0x2D and previous and pattern[at + 1 : at + 2] not in (b"", b"]")
    at += bool(is_range)
    if pattern[at] == 0x5C:
        at += 1
        if at >= len(pattern):
            return None
    byte = pattern[at]
    return (range(previous, byte + 1), 0, at + 1) if is_range else ((byte,), byte, at + 1)


def _one_of(members: set[int]) -> bytes:
    if not members:
        return _NEVER
    return b"[" + b"".join(b"\\x%02x" % byte for byte in sorted(members)) + b"]"
