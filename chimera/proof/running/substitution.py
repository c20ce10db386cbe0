"""Replaces what a pattern matches, in a process that can be ended.

Run as a script (`python -I -S substitution.py`), so that nothing of the exported inputs is
imported: JSON with the sizes of the files comes in, and their bytes after it; so goes the answer.
"""

from __future__ import annotations

import json
import re
import sys

FLAGS = re.MULTILINE


def substitute(pattern: str, replace: str, data: bytes) -> bytes:
    """Return `data`, read as UTF-8 as far as it is any, with every match replaced."""
    text = data.decode("utf-8", "surrogateescape")
    return re.sub(pattern, replace, text, flags=FLAGS).encode("utf-8", "surrogateescape")


def main() -> None:
    """Answer one request."""
    asked = json.loads(sys.stdin.buffer.readline())
    files = [sys.stdin.buffer.read(size) for size in asked["sizes"]]
    changed = [substitute(asked["pattern"], asked["replace"], data) for data in files]
    sys.stdout.buffer.write(json.dumps([len(data) for data in changed]).encode() + b"\n")
    sys.stdout.buffer.writelines(changed)


if __name__ == "__main__":
    main()
