"""What every test shares: hypothesis profiles, and an environment without the caller's identity."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# CI machines are slow and noisy: no deadline, and the same examples in every run. The nightly run
# looks for new ones.
settings.register_profile(
    "gate",
    deadline=None,
    derandomize=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("nightly", deadline=None, max_examples=1000)
settings.load_profile("gate")


@pytest.fixture(autouse=True)
def no_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may depend on whoever runs the tests, or on where."""
    for name in ("CI", "GITHUB_ACTIONS", "CHIMERA_ACTOR", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is remembered between runs is remembered between tests, and for nobody else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHIMERA_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def pytest_addoption(parser: pytest.Parser) -> None:
    """Golden files change only when somebody asks for it."""
    parser.addoption("--update-golden", action="store_true", help="write expected output anew")


NPM_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "chimera-tests"


@pytest.fixture(scope="session")
def npm() -> Callable[..., Path]:
    """Return a function that gives a folder in which pinned npm packages are installed.

    They are fetched once, into a cache outside the tree. Without npm or its registry the tests that
    ask for it are skipped, and say why.
    """

    def folder_with(*packages: str) -> Path:
        if shutil.which("node") is None or shutil.which("npm") is None:
            pytest.skip("node and npm are not installed")
        folder = NPM_CACHE / re.sub(r"[^a-z0-9.]+", "-", " ".join(packages)).strip("-")
        if not folder.exists():
            NPM_CACHE.mkdir(parents=True, exist_ok=True)
            fresh = Path(tempfile.mkdtemp(dir=NPM_CACHE))
            call = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *packages]
            done = subprocess.run(
                [*call, "--prefix", str(fresh)], capture_output=True, text=True, timeout=300
            )
            if done.returncode != 0:
                shutil.rmtree(fresh)
                pytest.skip(f"npm cannot install {' '.join(packages)}: {done.stderr[-300:]}")
            try:
                fresh.rename(folder)
            except OSError:  # another worker was quicker
                shutil.rmtree(fresh)
        return folder

    return folder_with
