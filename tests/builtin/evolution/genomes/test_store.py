"""The genome store: what goes in comes out, and what is damaged never does."""

import json
import os
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.builtin.evolution.genomes import store as room
from chimera.builtin.evolution.genomes.entries import Entry, entry_of, write_entry
from chimera.builtin.evolution.genomes.store import GenomeStore
from chimera.builtin.evolution.genomes.values import champion_digest
from chimera.builtin.evolution.kinds import EvolutionSpec, GeneValue
from chimera.model import ChimeraError, UsageError, digest_bytes

ALL_TYPES = [
    {"name": "rate", "min": 0.0001, "max": 1.0, "scale": "log"},
    {"name": "point", "min": -5.0, "max": 5.0, "count": 2},
    {"type": "integer", "name": "depth", "min": -3, "max": 12},
    {"type": "categorical", "name": "color", "values": ["red", "green", "blue"]},
    {"type": "categorical", "name": "step", "values": [1, 2.5, 10], "count": 2},
    {"type": "bit", "name": "flags", "count": 3},
    {"type": "permutation", "name": "tour", "length": 4},
]
VALUES = [[0.01], [-0.0, 4.999999999999999], [7], ["blue"], [2.5, 1], [0, 1, 1], [3, 0, 2, 1]]
PROVENANCE = {
    "evolution": "Evolution/e",
    "document": "sha256:" + "d" * 64,
    "seed": "c0ffee",
    "randomScheme": "philox/1",
    "kernels": "sha256:" + "e" * 64,
    "numba": "0.61",
    "numpy": "2.1",
    "platform": "Linux-x86_64",
}


def spec_of(genes=ALL_TYPES, **changes):
    value = {"genome": {"genes": genes}, "fitness": {"expression": "1"}, "seed": "c0ffee"}
    return EvolutionSpec.model_validate(value | changes)


def genome(values=VALUES, genes=ALL_TYPES, fitness=1.5, generation=3, **changes):
    """Return what a run found, as a Genome's spec is written."""
    found = [{"name": g["name"], "values": v} for g, v in zip(genes, values, strict=True)]
    layout = spec_of(genes).genome.genes
    digest = champion_digest(layout, [GeneValue.model_validate(g) for g in found], [fitness])
    value = {"genes": found, "fitness": fitness, "champion": digest, "generation": generation}
    return value | {"provenance": PROVENANCE} | changes


def entry(**changes):
    links = {
        k: changes.pop(k) for k in ("parents", "previous", "role", "operators") if k in changes
    }
    return entry_of(spec_of(), genome(**changes), **links)


def simple(x, generation, evolution="Evolution/e", objective="minimize", **links):
    genes = [{"name": "x", "min": -1000.0, "max": 1000.0}]
    found = genome([[x]], genes, fitness=x, generation=generation)
    found["provenance"] = PROVENANCE | {"evolution": evolution}
    return entry_of(spec_of(genes, objective=objective), found, **links)


@pytest.fixture
def store(tmp_path):
    return GenomeStore(tmp_path / "genomes")


def files(store):
    return sorted(store._folder.rglob("*.json"))


def test_genes_of_all_types_come_out_as_they_went_in(store):
    digest = store.put(entry())
    back = GenomeStore(store._folder).get(digest)
    assert back.values == {
        "rate": 0.01,
        "point": [-0.0, 4.999999999999999],
        "depth": 7,
        "color": "blue",
        "step": [2.5, 1],
        "flags": [0, 1, 1],
        "tour": [3, 0, 2, 1],
    }
    assert [type(v) for v in back.values["point"]] == [float, float]
    assert back == Entry.model_validate(json.loads(write_entry(back)))


def test_a_file_is_named_by_the_digest_of_its_content(store):
    digest = store.put(entry())
    [path] = files(store)
    assert digest == "sha256:" + path.stem == digest_bytes(path.read_bytes())
    assert store.put(entry()) == digest
    assert len(files(store)) == 1


@pytest.mark.parametrize(
    ("position", "values", "words"),
    [
        (0, [2.0], "the gene rate cannot be 2.0"),
        (0, ["fast"], "the gene rate cannot be 'fast'"),
        (0, [True], "the gene rate cannot be True"),
        (1, [1.0], "holds 1 values, not 2"),
        (2, [1.5], "the gene depth cannot be 1.5"),
        (2, [13], "the gene depth cannot be 13"),
        (3, ["pink"], "the gene color cannot be 'pink'"),
        (5, [0, 1, 2], "the gene flags cannot be 2"),
        (6, [0, 1, 1, 2], "no order of the numbers 0 to 3"),
    ],
)
def test_what_its_genes_do_not_allow_is_not_kept(store, position, values, words):
    found = genome()
    found["genes"][position]["values"] = values
    with pytest.raises(ChimeraError, match=words):
        entry_of(spec_of(), found)
    bad = entry().model_copy(
        update={"genes": tuple(GeneValue.model_validate(g) for g in found["genes"])}
    )
    with pytest.raises(ChimeraError, match=words):
        store.put(bad)
    assert files(store) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fitness": float("nan")}, "finite number"),
        ({"fitness": float("inf")}, "finite number"),
        ({"fitness": None}, "neither a fitness nor objectives"),
        ({"objectives": [{"name": "a", "value": 1.0}]}, "or both"),
        ({"champion": "sha256:" + "0" * 64}, "not those of the champion"),
        ({"champion": "short"}, "champion"),
        ({"generation": -1}, "generation"),
    ],
)
def test_what_contradicts_itself_is_not_kept(change, words):
    with pytest.raises(ChimeraError, match=words):
        entry_of(spec_of(), genome() | change)


def test_an_ancestor_has_no_parents_of_its_own():
    with pytest.raises(ChimeraError, match="parents that nobody kept"):
        entry(role="ancestor", parents=["sha256:" + "1" * 64])


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "no JSON", "moved", "other fitness"])
def test_a_damaged_file_is_named_and_never_used(store, damage):
    kept = store.put(simple(1.0, 1))
    digest = store.put(simple(0.5, 2))
    path = next(p for p in files(store) if p.stem == digest[7:])
    data = path.read_bytes()
    if damage == "moved":
        (store._folder / "elsewhere").mkdir()
        path = path.rename(store._folder / "elsewhere" / path.name)
    elif damage in ("no JSON", "other fitness"):
        data = b"{" if damage == "no JSON" else data.replace(b'"fitness":0.5', b'"fitness":0.25')
        path.unlink()
        path = path.with_name(digest_bytes(data)[7:] + ".json")
        path.write_bytes(data)
    else:
        changed = bytes([data[9] ^ 1])
        cut = {"flip": data[:9] + changed + data[10:], "cut": data[:-1], "empty": b""}
        path.write_bytes(cut[damage])
    found = store.find()
    assert [one.digest for one in found.kept] == [kept]
    [damaged] = found.damaged
    assert damaged.path == path
    assert str(path) in damaged.reason
    assert "is damaged" in damaged.reason
    with pytest.raises(ChimeraError, match="damaged"):
        store.get("sha256:" + path.stem)
    with pytest.raises(ChimeraError, match="damaged"):
        store.named(path.stem[:10])


def test_whether_an_entry_is_a_champions_can_be_asked_of_a_lost_one_too(store):
    digest = store.put(entry())
    assert store.champion_of(digest) == entry().champion
    files(store)[0].write_bytes(b"")
    assert store.champion_of(digest) is None
    files(store)[0].unlink()
    assert store.champion_of(digest) is None


def test_what_is_put_again_repairs_a_damaged_file(store):
    digest = store.put(entry())
    files(store)[0].write_bytes(b"")
    assert store.put(entry()) == digest
    assert store.get(digest) == entry()


def test_champions_are_found_by_evolution_generation_and_rank(store):
    for generation, x in enumerate([9.0, 5.0, 7.0]):
        store.put(simple(x, generation))
    store.put(simple(1.0, 4, "Evolution/other", objective="maximize"))
    store.put(simple(2.0, 5, "Evolution/other", objective="maximize"))
    store.put(simple(0.0, 1, role="ancestor"))

    def found(**query):
        return [one.entry.fitness for one in store.find(**query).kept]

    assert found() == [9.0, 5.0, 7.0, 1.0, 2.0]
    assert found(evolution="Evolution/e", best=2) == [5.0, 7.0]
    assert found(evolution="Evolution/other", best=1) == [2.0]
    assert found(best=1) == [5.0, 2.0]
    assert len(found(ancestors=True)) == 6


def test_one_that_meets_its_constraints_is_better_than_any_that_does_not(store):
    store.put(simple(5.0, 1))
    store.put(simple(1.0, 2).model_copy(update={"feasible": False}))
    assert [one.entry.fitness for one in store.find(best=2).kept] == [5.0, 1.0]


def test_an_entry_is_named_by_a_unique_beginning(store):
    digest = store.put(simple(1.0, 1))
    champion = store.get(digest).champion
    for name in (digest, digest[7:], digest[7:13], champion, champion[7:15]):
        assert store.named(name).digest == digest
    with pytest.raises(UsageError, match="there is no genome"):
        store.named("0000000000")
    with pytest.raises(UsageError, match="not the digest"):
        store.named("ab")


def test_a_beginning_of_two_is_refused_and_both_are_listed(store):
    digests = [store.put(simple(float(x), x)) for x in range(120)]
    starts = [digest[7:11] for digest in digests]
    champions = [store.get(digest).champion[7:11] for digest in digests]
    every = sorted(starts + champions)
    twice = [a for a, b in pairwise(every) if a == b]
    if not twice:  # four hexadecimal digits of 240 digests: nearly always
        pytest.skip("no two digests begin alike")
    with pytest.raises(UsageError, match="2 genomes begin with") as error:
        store.named(twice[0])
    assert "give more of it" in error.value.help


def test_the_latest_is_the_one_that_was_written_last(store):
    with pytest.raises(UsageError, match="there is no genome latest"):
        store.named("latest")
    digests = [store.put(simple(float(x), x)) for x in range(3)]
    for path in files(store):
        age = digests.index("sha256:" + path.stem)
        os.utime(path, ns=(10**18 - age, 10**18 - age))
    assert store.named("latest").digest == digests[0]


def test_of_a_run_the_oldest_go_that_the_newest_does_not_descend_from(store, monkeypatch):
    monkeypatch.setattr(room, "KEPT", 4)
    line = [store.put(simple(90.0, 0))]
    line.append(store.put(simple(80.0, 1, parents=line)))
    for x in range(5):
        store.put(simple(float(70 - x), x + 2, role="ancestor"))
        newest = store.put(simple(float(60 - x), x + 2, parents=line[-1:]))
    kept = [one.digest for one in store.find(ancestors=True).kept]
    assert len(kept) == 4
    assert {*line, newest} <= set(kept)


def test_a_line_longer_than_what_is_kept_loses_its_beginning(store, monkeypatch):
    monkeypatch.setattr(room, "KEPT", 3)
    line = [store.put(simple(100.0, 0))]
    for x in range(1, 8):
        line.append(store.put(simple(100.0 - x, x, parents=[line[-1]])))
    assert [one.digest for one in store.find().kept] == line[-3:]


def test_runs_do_not_push_out_each_other(store, monkeypatch):
    monkeypatch.setattr(room, "KEPT", 2)
    for x in range(4):
        store.put(simple(float(x), x))
        store.put(simple(float(x), x, "Evolution/other"))
    assert len(store.find(evolution="Evolution/e").kept) == 2
    assert len(store.find(evolution="Evolution/other").kept) == 2


def test_a_store_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "genomes").write_text("a file")
    with pytest.raises(ChimeraError, match="cannot be written") as error:
        GenomeStore(tmp_path / "genomes").put(entry())
    assert "make room" in error.value.help


def test_what_is_no_folder_of_a_run_is_left_alone(store, tmp_path):
    digest = store.put(entry())
    (store._folder / "notes.txt").write_text("x")
    (store._folder / "run").mkdir()
    (store._folder / "run" / "notes.json").write_text("x")
    (store._folder / "link").symlink_to(tmp_path)
    found = store.find()
    assert [one.digest for one in found.kept] == [digest]
    assert found.damaged == ()


def test_a_folder_that_leads_elsewhere_is_not_written_to(store, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    run = store._folder / entry().run
    for link in (store._folder, run):
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(elsewhere)
        with pytest.raises(ChimeraError, match="is a symbolic link"):
            store.put(entry())
        link.unlink()
    assert list(elsewhere.iterdir()) == []


finite = st.floats(-1000, 1000, allow_nan=False)


@given(st.lists(finite, min_size=1, max_size=4), finite)
def test_every_float_survives_exactly(values, fitness):
    genes = [{"name": "x", "min": -1000.0, "max": 1000.0, "count": len(values)}]
    made = entry_of(spec_of(genes), genome([values], genes, fitness=fitness))
    back = Entry.model_validate(json.loads(write_entry(made)))
    assert back.values["x"] == values
    assert back.fitness == fitness
    assert back.champion == made.champion
    assert write_entry(back) == write_entry(made)
