"""Templates, and putting new files into a tree.

Owns the promise that nothing is overwritten: a file is created exclusively or not at all. Refuses
to write through a folder that leads out of the tree.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from chimera.model import ChimeraError, UsageError

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


def require_inside(root: Path, path: str) -> None:
    """Raise `UsageError` where `path` leads out of the tree, if need be through a symlink."""
    if not (root / path).resolve().is_relative_to(root.resolve()):
        raise UsageError(
            f"{path} leads out of {root}", help="name a path inside the repository: --to PATH"
        )


def create(root: Path, path: str, text: str) -> None:
    """Write a file that is not there yet, with the folders above it."""
    require_inside(root, path)
    try:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        with (root / path).open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError as error:
        raise UsageError(
            f"{path} exists, and nothing is overwritten", help="give another NAME, or --to PATH"
        ) from error
    except OSError as error:
        raise ChimeraError(
            f"cannot write {path}: {error.strerror}", help="check the folder's permissions"
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
            f"cannot write {path}: {error.strerror}", help="check the file's permissions"
        ) from error
    return missing
