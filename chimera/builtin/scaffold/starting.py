"""`chimera init`: a small repository that checks, proves and applies as it stands.

Owns which files it consists of; their text stands in `templates/init`. Refuses to touch what is
there: a file that exists, and a document whose address exists in another file, stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from chimera.builtin.scaffold.writing import add_lines, create, require_name, template
from chimera.documents import RawDocument, find_root, load_documents, open_work_tree, parse
from chimera.kinds import DEFAULT_ROOTS
from chimera.model import UsageError

FILES = (
    "specs/repository.yaml",
    "specs/environments/local.yaml",
    "specs/environments/production.yaml",
    "specs/layers/delivery.yaml",
    "specs/severities/sev.yaml",
    "specs/workflows/manifest.yaml",
    "specs/gates/scripts.yaml",
    "policies/workflow-timeouts.yaml",
    "proofs/manifest.yaml",
    "scripts/manifest.py",
    "changelog/init.yaml",
)
IGNORED = (".chimera/",)
_GITHUB = ".github/workflows/chimera.yml"

Fate = Literal["written", "exists", "extended"]


@dataclass(frozen=True, slots=True)
class Started:
    """What became of one file; `note` says where a document exists, or which lines were added."""

    path: str
    fate: Fate
    note: str = ""


def start(
    folder: Path, today: date, *, name: str | None = None, github: bool = False, write: bool = True
) -> list[Started]:
    """Write what is missing of a first repository into `folder`, and say what became of each file.

    Raises `UsageError` where `folder` is not where later commands would look.
    """
    root = _require_root(folder)
    words = {"NAME": _named(name, root), "TODAY": today.isoformat()}
    present = dict(_addresses(root))
    done = [_start_file(root, path, words, present, write=write) for path in FILES]
    if github:
        done.append(_start_file(root, _GITHUB, words, present, write=write))
    added = add_lines(root, ".gitignore", IGNORED, write=write)
    fate: Fate = "extended" if added else "exists"
    return [*done, Started(".gitignore", fate, ", ".join(added))]


def _start_file(
    root: Path, path: str, words: Mapping[str, str], present: Mapping[str, str], *, write: bool
) -> Started:
    text = template(f"init/{path.removeprefix('.')}", words)
    assert text is not None, f"the package lacks the template {path}"
    if (root / path).exists():
        return Started(path, "exists")
    found = present.get(_address(path, text))
    if found is not None:
        return Started(path, "exists", f"as {found}")
    if write:
        create(root, path, text)
    return Started(path, "written")


def _require_root(folder: Path) -> Path:
    """Return `folder`, unless a Git work tree around it is what every other command works in."""
    folder = folder.absolute()
    root = find_root(folder)
    if root != folder and (root / ".git").exists():
        raise UsageError(
            f"{folder} is not the top of its Git repository, where every command looks",
            help=f"chimera -C {root} init",
        )
    return folder


def _named(name: str | None, root: Path) -> str:
    if name is None:
        slug = re.sub(r"[^a-z0-9.-]+", "-", root.resolve().name.lower()).strip("-.")
        return slug[:128].rstrip("-.") or "contract"
    return require_name(name)


def _addresses(root: Path) -> Iterator[tuple[str, str]]:
    """Yield the address and the path of every document that is there, valid or not."""
    documents, _ = load_documents(open_work_tree(root), DEFAULT_ROOTS)
    for document in documents:
        yield _address_of(document), document.path


def _address(path: str, text: str) -> str:
    """Return the address of the document in a template; empty where it is no document."""
    if not path.startswith(tuple(f"{root}/" for root in DEFAULT_ROOTS)):
        return ""
    documents, _ = parse(path, text.encode())
    return _address_of(documents[0])


def _address_of(document: RawDocument) -> str:
    metadata = document.value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return f"{document.value.get('kind')}/{name}"
