"""Checkpoints: a resumed run is the same run, and a bad checkpoint is none at all."""

import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.builtin.evolution.search.checkpoints import CheckpointFolder, pack, unpack
from chimera.builtin.evolution.search.engine import Search
from chimera.model import ChimeraError


@pytest.fixture
def search(make_spec):
    return Search(make_spec())


def at(search, generation):
    state = search.start()
    search.advance(state, generation)
    return state


@pytest.mark.parametrize("split", [0, 1, 7, 8, 30])
def test_a_resumed_run_ends_with_the_bytes_of_an_uninterrupted_one(search, make_spec, split):
    whole = pack(at(search, 30), search.identity)
    elsewhere = Search(make_spec())
    resumed = unpack(pack(at(search, split), search.identity), elsewhere)
    elsewhere.advance(resumed, 30)
    assert pack(resumed, elsewhere.identity) == whole


def test_a_checkpoint_of_another_problem_or_version_is_not_read(search, make_spec):
    data = pack(at(search, 3), search.identity)
    assert unpack(data, Search(make_spec(seed=1))) is None
    assert unpack(forged(data, schema="chimera-evolution-checkpoint/1"), search) is None


def test_when_it_is_started_and_saved_is_no_part_of_a_problem(search, make_spec):
    assert Search(make_spec(trigger="apply", checkpointEvery=3)).identity == search.identity


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_checkpoint_is_not_read(data):
    search = _shared_search()
    whole = pack(at(search, 2), search.identity)
    kind = data.draw(st.sampled_from(["cut", "flip", "other"]))
    if kind == "cut":
        damaged = whole[: data.draw(st.integers(0, len(whole) - 1))]
    elif kind == "flip":
        place = data.draw(st.integers(0, len(whole) - 1))
        damaged = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
    else:
        damaged = data.draw(st.binary(max_size=200))
    assert unpack(damaged, search) is None


_SEARCHES = []


def _shared_search():
    if not _SEARCHES:
        spec = {
            "genome": {"genes": [{"name": "x", "min": -1, "max": 1, "count": 4}]},
            "fitness": {"function": "sphere"},
            "population": 5,
            "termination": {"generations": 4},
            "seed": 1,
        }
        _SEARCHES.append(Search(EvolutionSpec.model_validate(spec)))
    return _SEARCHES[0]


def forged(data, **changes):
    """Return a checkpoint with another header and the digest that belongs to it."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size]) | changes
    text = json.dumps(header).encode()
    body = len(text).to_bytes(8, "little") + text + data[8 + size : -32]
    return body + hashlib.sha256(body).digest()


def test_a_header_that_does_not_fit_its_payload_is_not_read(search):
    data = pack(at(search, 2), search.identity)
    assert unpack(forged(data), search) is not None
    for generation in (1, 3, -1, 31, 10**9, "2", None, [2], 2.5, {}):
        assert unpack(forged(data, generation=generation), search) is None
    size = int.from_bytes(data[:8], "little")
    [arrays] = json.loads(data[8 : 8 + size])["islands"]
    for others in (
        [],
        [[]],
        [arrays, arrays],
        [arrays[:-1]],
        [[*arrays, arrays[0]]],
        [[["other", *arrays[0][1:]], *arrays[1:]]],
        [[[arrays[0][0], "<f8", [-1, 2]], *arrays[1:]]],
        [[[arrays[0][0], "O", arrays[0][2]], *arrays[1:]]],
        [[[arrays[0][0], arrays[0][1], [10**30]], *arrays[1:]]],
        None,
        3,
    ):
        assert unpack(forged(data, islands=others), search) is None
    assert unpack(forged(data, stopped="whim"), search) is None


def test_a_folder_gives_back_what_it_was_given_and_nothing_else(tmp_path):
    folder = CheckpointFolder(tmp_path / "new" / "folder")
    digest = folder.put(b"state")
    assert folder.get(digest) == b"state"
    [path] = (tmp_path / "new" / "folder").iterdir()
    path.write_bytes(b"stale")
    assert folder.get(digest) is None
    folder.drop(digest)
    folder.drop(digest)
    folder.drop(None)
    assert folder.get(digest) is None


def test_a_folder_that_cannot_be_written_is_said_in_words(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ChimeraError, match="a checkpoint cannot be written"):
        CheckpointFolder(tmp_path / "file").put(b"state")


def test_an_array_of_another_form_than_kernels_index_is_not_read(search):
    data = pack(at(search, 2), search.identity)
    size = int.from_bytes(data[:8], "little")
    [own] = json.loads(data[8 : 8 + size])["islands"]
    for place, (name, kind, shape) in enumerate(own):
        others = [(name, "<M8", shape)]
        if len(set(shape)) > 1:
            others.append((name, kind, shape[::-1]))
        for other in others:
            forms = [*own[:place], other, *own[place + 1 :]]
            assert unpack(forged(data, islands=[forms]), search) is None, other


def test_a_folder_that_leads_elsewhere_is_not_written_to(tmp_path):
    folder = CheckpointFolder.of(tmp_path)
    (tmp_path / ".chimera").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".chimera" / "checkpoints").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ChimeraError, match="checkpoints is a symbolic link"):
        folder.put(b"data")
    assert list((tmp_path / "elsewhere").iterdir()) == []
