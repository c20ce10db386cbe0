"""Templates, and putting new files into a tree.

Owns the promise that nothing is overwritten: a file is created exclusively or not at all. Refuses
to write through a folder that leads out of the tree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from chimera.model import NAME_PATTERN, ChimeraError, UsageError

_TEMPLATES = Path(__file__).parent / "templates"


def template(name: str, words: Mapping[str, str]) -> str | None:
    """Return a template with its `__WORDS__` filled in; `None` where there is none."""
    path = _TEMPLATES / name
    if not path.is_file():
        return None
    text = path.read_text(encoding="utf-8")
    for word, value in words.items():
        text = text.replace(f"__{word}__", value)
    return text


def require_name(name: str) -> str:
    """Return `name` if a document can have it; templates hold it as it is."""
    if not re.fullmatch(NAME_PATTERN, name):
        raise UsageError(
            f"{name!r} is not a name",
            help="use lower-case letters, digits, '-' and '.', as in refund-invariants",
        )
    return name


def require_inside(root: Path, path: str) -> None:
    """Raise `UsageError` where `path` leads out of the tree, if need be through a symlink."""
    if not (root / path).resolve().is_relative_to(root.resolve()):
        raise UsageError(
            f"{path} leads out of {root}", help="name a path inside the repository: --to PATH"
        )


def create(root: Path, path: str, text: str) -> None:
    """Write a file that is not there yet, with the folders above it."""
    require_inside(root, path)
    file = root / path
    if file.exists():
        raise UsageError(
            f"{path} exists, and nothing is overwritten", help="give another NAME, or --to PATH"
        )
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        stream = file.open("x", encoding="utf-8", newline="\n")
        try:
            with stream:
                stream.write(text)
        except OSError:
            file.unlink()  # a full disk leaves no half of a document behind
            raise
    except OSError as error:
        raise ChimeraError(
            f"cannot write {path}: {(error.strerror or str(error)).lower()}",
            help="make room, or check the folder's permissions",
        ) from error


def add_lines(root: Path, path: str, lines: tuple[str, ...], *, write: bool) -> tuple[str, ...]:
    """Add those of `lines` that a text file lacks to its end, and return them."""
    require_inside(root, path)
    file = root / path
    try:
        data = file.read_bytes() if file.exists() else b""
        present = data.decode("utf-8", "replace").splitlines()
        missing = tuple(line for line in lines if line not in present)
        if missing and write:
            gap = b"" if not data or data.endswith(b"\n") else b"\n"
            with file.open("ab") as stream:
                stream.write(gap + "".join(f"{line}\n" for line in missing).encode())
    except OSError as error:
        raise ChimeraError(
            f"cannot write {path}: {(error.strerror or str(error)).lower()}",
            help="make room, or check the file's permissions",
        ) from error
    return missing
