"""What a damaged file and a full disk cost: an error that says what to do, and nothing else."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from chimera.context import Context
from chimera.model import StateError
from chimera.state import Applied, Layout, acknowledge_loss, open_state, read_state
from chimera.state.backing import pin

ROOT = Path(__file__).parents[2]


@pytest.fixture
def context():
    return Context.system()


@pytest.fixture
def database(tmp_path, context):
    """Make a state with a few pages in it."""
    with open_state(tmp_path, context, command="apply") as state, state.transaction():
        for number in range(200):
            applied = Applied(f"Gate/{number}", "d", context.clock.now(), {"x": "y" * 200})
            state.put_applied("local", applied)
    return tmp_path / ".chimera" / "state.db"


def damage_header(path):
    path.write_bytes(b"not a database at all" * 100)


def damage_page(path):
    data = bytearray(path.read_bytes())
    data[8192:12288] = os.urandom(4096)
    path.write_bytes(data)


def truncate(path):
    path.write_bytes(path.read_bytes()[:-6000])


@pytest.mark.parametrize("harm", [damage_header, damage_page, truncate])
def test_damaged_state_is_kept_aside_and_refused_until_acknowledged(
    tmp_path, context, database, harm
):
    harm(database)
    damaged = database.read_bytes()
    for _ in range(2):
        with pytest.raises(StateError) as caught:
            open_state(tmp_path, context, command="apply")
        assert "state.db.corrupt-1" in caught.value.message
        assert "acknowledge" in caught.value.help
        with pytest.raises(StateError, match="was damaged"):
            read_state(tmp_path)
    kept = database.with_name("state.db.corrupt-1")
    assert kept.read_bytes() == damaged
    assert acknowledge_loss(tmp_path) == (kept,)
    assert acknowledge_loss(tmp_path) == ()
    with open_state(tmp_path, context, command="apply") as state:
        assert state.applied("local") == {}
    assert kept.exists()


def test_second_damage_is_kept_beside_the_first(tmp_path, context, database):
    for number in (1, 2):
        damage_header(database)
        with pytest.raises(StateError, match=f"corrupt-{number}"):
            open_state(tmp_path, context, command="apply")
        acknowledge_loss(tmp_path)
        open_state(tmp_path, context, command="apply").close()
    assert len(list(database.parent.glob("state.db.corrupt-?"))) == 2


def test_restored_copy_is_taken_up(tmp_path, context, database):
    whole = database.read_bytes()
    damage_page(database)
    with pytest.raises(StateError):
        open_state(tmp_path, context, command="apply")
    database.write_bytes(whole)
    with open_state(tmp_path, context, command="apply") as state:
        assert len(state.applied("local")) == 200


def test_reader_of_a_damaged_state_moves_nothing(tmp_path, database):
    damage_header(database)
    with pytest.raises(StateError, match="is damaged"):
        read_state(tmp_path)
    assert database.exists()


FILL = """
import resource, sys
from pathlib import Path
from chimera.context import Context
from chimera.model import StateError
from chimera.state import Applied, open_state
context = Context.system()
large = sys.argv[2] == "large"
with open_state(Path(sys.argv[1]), context, command="apply") as state:
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
    for number in range(100_000):
        size = 500_000 if large and number == 20 else 900
        applied = Applied(f"Gate/{number:06}", "d", context.clock.now(), {"x": "y" * size})
        try:
            state.put_applied("local", applied)
        except StateError as error:
            print(number, error.message, error.help, sep="|")
            break
    assert len(state.applied("local")) == number
"""


@pytest.mark.parametrize("size", ["small", "large"])
def test_full_disk_is_an_error_and_loses_nothing_committed(tmp_path, context, size):
    """A limit on the size of files stands for the disk: SQLite and the objects both meet it."""
    done = subprocess.run(
        [sys.executable, "-c", FILL, str(tmp_path), size],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    number, message, help = done.stdout.strip().split("|")
    assert "cannot be written" in message
    assert "make room" in help
    assert int(number) == 20 if size == "large" else int(number) > 20
    with open_state(tmp_path, context, command="apply") as state:
        assert len(state.applied("local")) == int(number)
        state.put_applied("local", Applied("Gate/after", "d", context.clock.now()))


def test_state_whose_writer_died_while_it_made_it_reads_as_empty(tmp_path):
    """The first transaction of all, in the mode that a database begins with, was cut off."""
    layout = Layout(tmp_path)
    layout.create()
    program = f"""
import os, sqlite3
connection = sqlite3.connect({str(layout.database)!r}, isolation_level=None)
connection.execute("PRAGMA cache_size = 1")
connection.execute("CREATE TABLE before (value)")
connection.execute("BEGIN")
connection.execute("CREATE TABLE made (value)")
connection.executemany("INSERT INTO made VALUES (?)", ((b"x" * 4000,) for _ in range(50)))
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    assert layout.database.with_name("state.db-journal").exists()
    with read_state(tmp_path) as reader:
        assert reader.runs() == ()


def test_a_disk_that_is_full_is_that_of_the_copy(tmp_path, database):
    """A bound on the size of files stands in for a disk that is full."""
    bounds = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pin(Layout(tmp_path)) as pinned:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, bounds[1]))
        try:
            with pytest.raises(StateError, match=r"copy\.db cannot be written"):
                pinned.copy_to(tmp_path / "copy.db")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, bounds)
