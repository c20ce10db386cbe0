"""The cache of compiled code: where it lies, what names it, and what becomes of a bad one."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chimera.builtin.evolution import kernels
from chimera.builtin.evolution.kernels import compiling

ROOT = Path(__file__).parents[4]
SCRIPT = """
import json
from numba import float64
from chimera.builtin.evolution.kernels import compiling

@compiling.kernel(float64(float64))
def twice(x):
    return 2.0 * x

print(json.dumps({
    "answer": twice(21.0),
    "folder": str(compiling.cache_folder()),
    "hits": sum(twice.stats.cache_hits.values()),
}))
"""
READ_ONLY = """
import tempfile

def refuse(dir):
    raise OSError(30, "Read-only file system", dir)

tempfile.TemporaryFile = refuse
"""


@pytest.fixture
def run(tmp_path):
    """Compile a small kernel in another process with a cache of its own."""
    script = tmp_path / "small.py"
    script.write_text(SCRIPT)
    environment = {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path / "cache")}

    def run():
        done = subprocess.run(
            [sys.executable, script],
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_a_second_process_loads_what_the_first_compiled(run):
    first = run()
    assert first["answer"] == 42
    assert first["hits"] == 0
    folder = Path(first["folder"])
    assert folder.stat().st_mode & 0o077 == 0, "compiled code is its owner's alone"
    assert run() == first | {"hits": 1}


@pytest.mark.parametrize("pattern", ["*.nbc", "*.nbi"])
def test_a_corrupt_entry_costs_a_compilation_and_is_renewed(run, pattern):
    first = run()
    [path] = Path(first["folder"]).glob(pattern)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert run() == first
    assert run() == first | {"hits": 1}


@pytest.mark.parametrize("is_corrupt", [False, True])
def test_a_cache_that_cannot_be_written_is_read_all_the_same(run, tmp_path, is_corrupt):
    first = run()
    [path] = Path(first["folder"]).glob("*.nbc")
    if is_corrupt:
        path.write_bytes(b"")
    script = tmp_path / "small.py"
    script.write_text(READ_ONLY + script.read_text())
    assert run() == first | {"hits": 0 if is_corrupt else 1}
    assert (path.stat().st_size == 0) is is_corrupt


def test_without_a_writable_cache_kernels_are_compiled_in_memory(run, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert run() == {"answer": 42, "folder": "None", "hits": 0}


def test_a_full_disk_costs_the_cache_and_not_the_kernel(tmp_path, monkeypatch):
    from numba import float64
    from numba.core.caching import IndexDataCacheFile

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(compiling, "cache_folder", lambda module: tmp_path)
    monkeypatch.setattr(IndexDataCacheFile, "_save_data", full)
    assert compiling.kernel(float64(float64))(lambda x: 3.0 * x)(14.0) == 42


GENETIC = "chimera.builtin.evolution.kernels.genetic"


@pytest.mark.parametrize(
    ("path", "follows"),
    [
        ("kernels/breeding.py", True),
        ("kernels/evaluating.py", True),
        ("kernels/portable.py", True),
        ("kernels/compiling.py", True),
        ("fitness/generating.py", False),
        ("kinds.py", False),
    ],
)
def test_the_folder_is_named_by_the_sources_that_numbers_follow_from(
    tmp_path, monkeypatch, path, follows
):
    room = tmp_path / "evolution"
    shutil.copytree(compiling._SOURCES, room)
    before = compiling.sources_digest(GENETIC)
    monkeypatch.setattr(compiling, "_SOURCES", room)
    monkeypatch.setattr(compiling, "_imported", compiling._imported.__wrapped__)
    digest = compiling.sources_digest.__wrapped__
    assert digest(GENETIC) == before
    with (room / path).open("a") as file:
        file.write("# one more line\n")
    assert (digest(GENETIC) != before) is follows


def test_numbas_own_configuration_is_left_as_it_was():
    import numba

    from chimera.builtin.evolution.kernels import genetic  # noqa: F401 - compiled on import

    assert numba.config.CACHE_LOCATOR_CLASSES == ""


@pytest.mark.parametrize("is_replaced", [False, True])
def test_what_an_upgrade_replaced_since_it_was_imported_is_not_kept(
    tmp_path, monkeypatch, is_replaced
):
    from numba import float64

    def thrice(x):
        return 3.0 * x

    cached = tmp_path / "cache"
    cached.mkdir()
    monkeypatch.setattr(compiling, "cache_folder", lambda module: cached)
    monkeypatch.setattr(kernels, "__file__", str(tmp_path / "kernels" / "__init__.py"))
    source = tmp_path / "kernels" / "breeding.py"
    source.parent.mkdir()
    source.write_text("# this version\n")
    monkeypatch.setattr(kernels, "IMPORTED", kernels.stamps())
    if is_replaced:
        (tmp_path / "next").write_text("# next version\n")
        (tmp_path / "next").replace(source)
    assert compiling.kernel(float64(float64))(thrice)(14.0) == 42
    assert bool(list(cached.iterdir())) is not is_replaced
