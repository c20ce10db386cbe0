"""The cache: what it keeps comes back as it was or not at all, whatever happens to its file."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chimera.state import NoStore, open_cache
from chimera.state import cache as module
from chimera.state.cache import Cache

KEY = b"k" * 20


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "checks.db"


def kept(file: Path, key: bytes = KEY) -> bytes | None:
    """Return what a new process would find under `key`."""
    cache = Cache(file)
    try:
        return cache.get(key)
    finally:
        cache.close()


def keep(file: Path, **values: bytes) -> None:
    cache = Cache(file)
    for name, data in values.items():
        cache.put(name.encode() * 20, data)
    cache.close()


def test_what_was_put_is_there_at_once_and_in_the_next_process(file: Path) -> None:
    cache = Cache(file)
    cache.put(KEY, b"value")
    assert cache.get(KEY) == b"value"
    cache.close()
    assert kept(file) == b"value"
    assert kept(file, b"another") is None


def test_the_last_value_of_a_key_counts(file: Path) -> None:
    keep(file, k=b"one")
    keep(file, k=b"two")
    assert kept(file) == b"two"


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE value SET data = 'valuf'",
        "UPDATE value SET data = x'76616c7566'",
        "UPDATE value SET sum = x'00'",
        "UPDATE value SET data = '', sum = ''",
        "UPDATE value SET data = 7",
        "DELETE FROM value",
        "DROP TABLE value",
    ],
)
def test_a_value_that_was_tampered_with_is_not_there(file: Path, damage: str) -> None:
    keep(file, k=b"value")
    with sqlite3.connect(file) as connection:
        connection.execute(damage)
    connection.close()
    assert kept(file) is None
    keep(file, k=b"again")
    assert kept(file) in {b"again", None}  # a file without its table is first given up
    keep(file, k=b"again")
    assert kept(file) == b"again"


def test_a_value_of_another_key_does_not_pass_for_this_one(file: Path) -> None:
    keep(file, k=b"value", o=b"other")
    with sqlite3.connect(file) as connection:
        (sum, data) = connection.execute(
            "SELECT sum, data FROM value WHERE key = ?", (b"o" * 20,)
        ).fetchone()
        connection.execute("UPDATE value SET sum = ?, data = ? WHERE key = ?", (sum, data, KEY))
    connection.close()
    assert kept(file) is None


@pytest.mark.parametrize("size", [0, 1, 100, 1024, 4096, 5000, 8191])
def test_a_file_cut_short_is_replaced(file: Path, size: int) -> None:
    keep(file, **{letter: letter.encode() * 900 for letter in "abcdefghk"})
    os.truncate(file, size)
    assert kept(file) in {None, b"k" * 900}
    keep(file, k=b"again")
    keep(file, k=b"again")
    assert kept(file) == b"again"


@pytest.mark.parametrize("seed", range(40))
def test_flipped_bits_lose_values_and_never_change_one(file: Path, seed: int) -> None:
    values = {letter: letter.encode() * 700 for letter in "abcdefgh"}
    keep(file, **values)
    content = bytearray(file.read_bytes())
    for step in range(8):
        at = (seed * 7919 + step * 104729) % len(content)
        content[at] ^= 1 << ((seed + step) % 8)
    file.write_bytes(content)
    for letter, data in values.items():
        assert kept(file, letter.encode() * 20) in {None, data}
    keep(file, k=b"more")


def test_a_file_that_is_no_database_is_replaced(file: Path) -> None:
    file.write_text("hello, " * 100)
    assert kept(file) is None
    keep(file, k=b"value")
    assert kept(file) == b"value"


def test_a_folder_that_cannot_be_written_keeps_nothing_and_says_nothing(file: Path) -> None:
    cache = Cache(file.parent / "missing" / "checks.db")
    cache.put(KEY, b"value")
    cache.flush()
    assert cache.get(KEY) is None
    cache.close()


def test_while_another_process_writes_nothing_is_lost_but_time(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WAIT", 0.0)
    keep(file, k=b"value")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    cache = Cache(file)
    assert cache.get(KEY) is None
    cache.put(b"n" * 20, b"new")
    cache.close()
    other.execute("COMMIT")
    other.close()
    assert kept(file) == b"value"


WRITER = """\
import sys
from pathlib import Path
from chimera.state.cache import Cache
cache = Cache(Path(sys.argv[1]))
print("ready", flush=True)
for n in range({count}):
    cache.put(bytes([n % 256]) * 20, bytes([n % 256]) * 5000)
    if n % 50 == 0:
        cache.flush()
cache.close()
"""


def started(file: Path, count: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WRITER.format(count=count), str(file)]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert writer.stdout is not None
    writer.stdout.readline()
    return writer


def intact(file: Path) -> bool:
    return all(kept(file, bytes([n]) * 20) in {None, bytes([n]) * 5000} for n in range(256))


def test_a_writer_that_is_killed_leaves_what_can_be_read(file: Path) -> None:
    writer = started(file, 10**9)
    while not file.exists() or file.stat().st_size < 300_000:
        assert writer.poll() is None
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    assert intact(file)
    keep(file, k=b"value")
    assert kept(file) == b"value"


def test_several_writers_do_not_hurt_one_another(file: Path) -> None:
    writers = [started(file, 2_000) for _ in range(3)]
    assert [writer.communicate() and writer.returncode for writer in writers] == [0, 0, 0]
    assert intact(file)
    assert kept(file, bytes(20)) == bytes(5000)


def test_it_does_not_grow_without_bound(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 100_000)
    for number in range(60):
        cache = Cache(file)
        cache.put(bytes([number]) * 20, bytes(5_000))
        cache.close()
    assert file.stat().st_size < 250_000
    assert kept(file, bytes([59]) * 20) == bytes(5_000)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    def opened(root: str = "tree", **variables: str) -> object:
        for name in ("CHIMERA_CACHE", "XDG_CACHE_HOME"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return open_cache(tmp_path / root)

    return opened


def test_it_lies_where_the_user_keeps_such_things(
    tmp_path: Path, tree: Callable[..., object]
) -> None:
    assert isinstance(tree(XDG_CACHE_HOME=str(tmp_path / "home")), Cache)
    assert (tmp_path / "home" / "chimera").stat().st_mode & 0o777 == 0o700
    assert isinstance(tree(CHIMERA_CACHE=str(tmp_path / "here")), Cache)


def test_it_can_be_switched_off(tree: Callable[..., object]) -> None:
    assert isinstance(tree(CHIMERA_CACHE="off"), NoStore)


def test_a_cache_inside_the_tree_is_not_believed(
    tmp_path: Path, tree: Callable[..., object]
) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "tree")
    for folder in ("tree/cache", "tree", "link/cache"):
        assert isinstance(tree(CHIMERA_CACHE=str(tmp_path / folder)), NoStore)


def test_a_cache_of_somebody_else_is_not_believed(
    tmp_path: Path, tree: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "theirs").mkdir()
    monkeypatch.setattr(os, "getuid", lambda: (tmp_path.stat().st_uid) + 1)
    assert isinstance(tree(CHIMERA_CACHE=str(tmp_path / "theirs")), NoStore)


def test_where_no_folder_can_be_made_nothing_is_kept(
    tmp_path: Path, tree: Callable[..., object]
) -> None:
    (tmp_path / "file").write_text("")
    assert isinstance(tree(CHIMERA_CACHE=str(tmp_path / "file" / "below")), NoStore)


def test_a_cache_is_new_until_something_was_kept(file: Path) -> None:
    assert Cache(file).is_new
    keep(file, k=b"one")
    assert not Cache(file).is_new
    assert NoStore().is_new
