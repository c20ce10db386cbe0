"""The log of one attempt: what its work logs and prints, by whole lines, while it runs.

Bounded, however much is written: the beginning is logged at once, of the rest its end is kept and
logged last. Refuses to pass on half a line, in which half a secret would not be known for one.
"""

from __future__ import annotations

from collections.abc import Callable

LOG_CHARACTERS = 256 << 10
TAIL_BYTES = 16 << 10
LOG_LINES, TAIL_LINES = 5_000, 1_000
LINE_BYTES = 64 << 10
"""What is logged at once, what is kept of the end, and the longest line."""

DROPPED = "[much is written: from here on only the end is kept]"
CUT = "[the rest of the line is not kept]"


class Lines:
    """Passes lines on to `log`; each stream that is heard is cut into lines by itself."""

    def __init__(self, log: Callable[[str], None], characters: int = LOG_CHARACTERS) -> None:
        self._log = log
        self._room = characters
        self._lines = LOG_LINES
        self._unread: dict[str, bytearray] = {}
        self._cut: set[str] = set()  # streams in whose line too much has come
        self._tail = bytearray()  # whole lines; most are dropped, so none is taken apart
        self._is_full = False
        self._dropped = 0

    def log(self, text: str) -> None:
        """Log one line, or keep it as long as it belongs to the end."""
        size = len(text) + 1
        if not self._is_full and size <= self._room and self._lines:
            self._room -= size
            self._lines -= 1
            self._log(text)
            return
        if not self._is_full:
            self._is_full = True
            self._log(DROPPED)
        self._keep(text.encode(errors="replace"))

    def hear(self, stream: str, data: bytes) -> None:
        """Take some of what a stream carries."""
        unread = self._unread.setdefault(stream, bytearray())
        unread += data
        end = unread.rfind(b"\n")
        if end >= 0:
            whole = bytes(unread[:end])
            del unread[: end + 1]
            self._hear_lines(stream, whole)
        if len(unread) > LINE_BYTES:
            self._say(stream, bytes(unread[:LINE_BYTES]), cut=True)
            unread.clear()

    def end(self) -> None:
        """Log what has no line end, and the end of what was too much."""
        for stream, unread in self._unread.items():
            if unread:
                self._say(stream, bytes(unread))
                unread.clear()
        self._let_go()
        last = self._tail.split(b"\n")[:-1]
        dropped = self._dropped + max(0, len(last) - TAIL_LINES)
        if dropped:
            self._log(f"[{dropped} lines are not kept]")
        for line in last[-TAIL_LINES:]:
            self._log(_shown(line))
        self._tail.clear()

    def _hear_lines(self, stream: str, lines: bytes) -> None:
        at = 0
        while at <= len(lines):
            if self._is_full and stream not in self._cut:
                self._keep(lines[at:])
                return
            end = lines.find(b"\n", at)
            end = len(lines) if end < 0 else end
            self._say(stream, lines[at:end])
            at = end + 1

    def _keep(self, lines: bytes) -> None:
        """Add whole lines to the end, and now and then let go of the lines before it."""
        self._tail += lines
        self._tail += b"\n"
        if len(self._tail) > 2 * TAIL_BYTES:
            self._let_go()

    def _let_go(self) -> None:
        """Drop lines until what is kept is no longer than the end is to be."""
        if len(self._tail) > TAIL_BYTES:
            cut = self._tail.find(b"\n", len(self._tail) - TAIL_BYTES - 1) + 1
            self._dropped += self._tail.count(b"\n", 0, cut)
            del self._tail[:cut]

    def _say(self, stream: str, line: bytes, *, cut: bool = False) -> None:
        if stream in self._cut:  # the rest of a line whose beginning was logged
            if not cut:
                self._cut.discard(stream)
            return
        if cut:
            self._cut.add(stream)
        shown = _shown(line)
        # By itself, so that the beginning of a secret at the line's end is known for one.
        self.log(shown[:LINE_BYTES])
        if cut or len(shown) > LINE_BYTES:
            self.log(CUT)


def _shown(line: bytes | bytearray) -> str:
    """Return a line as text; a terminal shows of one that is written over what came last."""
    return line.rstrip(b"\r").rpartition(b"\r")[2].decode(errors="replace")
