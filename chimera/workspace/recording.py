"""Records that Chimera writes: below `.chimera/records/`, and into the tree on request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from chimera.context import Context, write_whole
from chimera.documents import dump
from chimera.kinds import API_VERSION, Registry, suggestion
from chimera.model import Address, ChimeraError, Result, UsageError

FOLDER = Path(".chimera") / "records"


class Recorder:
    """Writes records of one work tree; the tracked tree is never touched."""

    def __init__(self, root: Path, context: Context) -> None:
        self._root = root
        self._context = context

    def write(self, kind: str, name: str, spec: Mapping[str, Any]) -> None:
        """Write the record `kind/name`, masked, in one step: a reader sees all of it or none."""
        value = {
            "apiVersion": API_VERSION,
            "kind": kind,
            "metadata": {"name": name},
            "spec": self._context.secrets.mask_json(dict(spec)),
        }
        path = self._root / FOLDER / kind / f"{name}.yaml"
        try:
            write_whole(path, dump(value).encode())
        except OSError as error:
            raise ChimeraError(
                f"the record {kind}/{name} cannot be written: {error.strerror}",
                help=f"make room for it at {path.parent}, then run the same command again",
            ) from error


def recorded(root: Path) -> dict[Address, Path]:
    """Return the records that were written here, by address in order."""
    found = {Address(p.parent.name, p.stem): p for p in (root / FOLDER).glob("[A-Z]*/[!.]*.yaml")}
    return dict(sorted(found.items()))


def copy_records(root: Path, registry: Registry, names: Sequence[str]) -> Result[tuple[str, ...]]:
    """Copy records into the tree, for a pull request; return the paths that were written.

    Without `names`, all that are not there yet. An existing file is never overwritten.
    """
    known = recorded(root)
    wanted = [Address.parse(name) for name in names] or list(known)
    written: list[str] = []
    for address in wanted:
        if address not in known:
            raise UsageError(
                f"there is no record {address}",
                help=suggestion(
                    str(address), map(str, known), "`chimera get --records` lists them"
                ),
            )
        target = Path(registry.path_of(address))
        if (root / target).exists():
            continue
        (root / target).parent.mkdir(parents=True, exist_ok=True)
        (root / target).write_bytes(known[address].read_bytes())
        written.append(target.as_posix())
    return Result(tuple(written))
