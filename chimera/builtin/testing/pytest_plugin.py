"""The pytest plugin `chimera`: collects proof documents, and gives the fixtures.

It is loaded in every run of pytest beside which Chimera is installed, so it imports nothing of
Chimera until a proof document is collected or a fixture is asked for. `-p no:chimera` leaves it
out. Refuses to collect proofs inside a proof, and what nobody named: `pytest` alone, in the root of
a repository, runs its tests and not its proofs.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from chimera.builtin.testing.documents import ProofFile
    from chimera.builtin.testing.repository import Repository, Run
    from chimera.builtin.testing.snapshots import Snapshots

_PROVING = "chimera_proof_outcomes"
"""The plugin of a proof's own pytest step: where it is, a proof is being run already."""
_PROOF = re.compile(rb"^[\"']?kind[\"']?[ ]*:[ ]*[\"']?Proof[\"']?[ ]*(?:#.*)?\r?$", re.MULTILINE)
_MOST_BYTES = 1 << 20  # what is larger is no proof that a person wrote
_UPDATE = "--chimera-update-snapshots"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what only a person may ask for."""
    parser.getgroup("chimera").addoption(
        _UPDATE,
        action="store_true",
        help="write what `chimera_snapshot` is given as the new expectation",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse that a proof writes what it is compared with."""
    if config.getoption(_UPDATE) and config.pluginmanager.has_plugin(_PROVING):
        raise pytest.UsageError(f"{_UPDATE} has no place in a proof: it would show nothing")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ProofFile | None:
    """Collect a file with proof documents that belongs to a repository, where it was asked for."""
    if file_path.suffix not in {".yaml", ".yml", ".json"} or not _is_asked_for(file_path, parent):
        return None
    if file_path.stat().st_size > _MOST_BYTES or not _PROOF.search(file_path.read_bytes()):
        return None
    from chimera.builtin.testing.documents import ProofFile, is_read

    return ProofFile.from_parent(parent, path=file_path) if is_read(file_path) else None


def _is_asked_for(file: Path, parent: pytest.Collector) -> bool:
    """Tell whether an argument names the file or a folder around it, below the root."""
    config = parent.config
    if config.pluginmanager.has_plugin(_PROVING):
        return False
    here, root = config.invocation_params.dir, config.rootpath
    named = ((here / str(argument).partition("::")[0]).resolve() for argument in config.args)
    asked = [path for path in named if path != root and root in path.parents]
    return any(path == file.resolve() or path in file.resolve().parents for path in asked)


@pytest.fixture
def chimera_repo(tmp_path: Path) -> Repository:
    """A new Git repository: write documents into it, commit, check, plan and prove."""
    from chimera.builtin.testing.repository import Repository

    return Repository.create(tmp_path / "chimera-repo")


@pytest.fixture
def chimera_run(chimera_repo: Repository) -> Run:
    """Runs the command line, in `chimera_repo` unless told otherwise; returns an `Answer`."""
    from chimera.builtin.testing.repository import Run

    return Run(chimera_repo.root)


@pytest.fixture
def chimera_snapshot(request: pytest.FixtureRequest) -> Snapshots:
    """Compares a text, bytes or JSON with what is stored beside the test."""
    from chimera.builtin.testing.snapshots import Snapshots

    module, name = request.path, request.node.name
    return Snapshots.of_test(module, name, update=request.config.getoption(_UPDATE))
