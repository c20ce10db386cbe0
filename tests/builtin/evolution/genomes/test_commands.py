"""`chimera evolve`, as people call it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import yaml

from chimera.builtin.evolution.genomes.entries import entry_of
from chimera.builtin.evolution.genomes.lineage import lineage
from chimera.builtin.evolution.genomes.store import GenomeStore
from chimera.model import Address
from tests.builtin.evolution.genomes.conftest import FIRST, SECOND, VERSIONS, Answer

INTO = ("--into", "Workflow/pause:/spec/inputs/wait/default", "--gene", "wait")


@pytest.fixture
def store(house):
    return GenomeStore.of(house.root)


@pytest.fixture
def keep(house, store):
    """Keep the genome of a record in the store, as the run that wrote it does."""

    def keep(name, generation=4, **links):
        document = house.workspace.loaded.snapshot.documents[Address("Evolution", "tune")]
        text = house.read(f".chimera/records/Genome/{name}.yaml")
        genome = yaml.safe_load(text)["spec"] | {"generation": generation}
        return store.put(entry_of(document.spec, genome, **links))

    return keep


def test_an_empty_store_says_so(chimera):
    assert chimera("evolve", "genomes") == Answer(0, "no run has left a genome here yet\n", "")
    assert json.loads(chimera("evolve", "genomes", "-o", "json").out) == {
        "format": "chimera-genomes/1",
        "genomes": [],
        "damaged": [],
    }


def test_champions_are_listed_with_their_records(house, chimera, keep):
    digest = keep(name := house.found(FIRST))
    keep(house.found(SECOND), 2)
    out = chimera("evolve", "genomes", "tune", "--best", "1").out
    assert "wait=0.5, factor=[1.0, 4.0], tries=1" in out
    assert name not in out
    out = chimera("evolve", "genomes", "Evolution/tune", "--since", "3").out
    assert out.splitlines()[1].split()[:4] == [digest[7:19], "Evolution/tune", "4", "10.75"]
    assert f"Genome/{name}" in out
    [first, second] = json.loads(chimera("evolve", "genomes", "-o", "json").out)["genomes"]
    assert [first["generation"], second["generation"]] == [2, 4]
    assert second["genes"] == {"wait": 3.25, "factor": [1.5, 2.0], "tries": 4}


def test_an_evolution_that_there_is_not_is_told_with_its_likely_name(chimera):
    answer = chimera("evolve", "genomes", "tnue")
    assert answer.code == 4
    assert "there is no Evolution/tnue" in answer.err
    assert "did you mean Evolution/tune?" in answer.err
    assert chimera("evolve", "genomes", "tune").code == 0


def test_a_genome_is_shown_by_any_of_its_names(house, chimera, keep):
    digest = keep(name := house.found(FIRST))
    champion = json.loads(chimera("evolve", "show", name, "-o", "json").out)["champion"]
    names = (name, f"Genome/{name}", digest, digest[7:15], champion[7:13], "latest")
    shown = {chimera("evolve", "show", one).out for one in names}
    assert len(shown) == 1
    [text] = shown
    assert "factor: [1.5, 2.0]" in text
    assert "found in generation 4 of Evolution/tune, seed c0ffee" in text
    assert VERSIONS["platform"] in text


def test_a_record_that_the_store_does_not_know_is_shown_too(house, chimera):
    name = house.found(FIRST)
    found = json.loads(chimera("evolve", "show", name[:-4] + name[-4:], "-o", "json").out)
    assert (found["digest"], found["record"]) == (None, f"Genome/{name}")
    assert json.loads(chimera("evolve", "show", name[5:], "-o", "json").out) == found
    answer = chimera("evolve", "lineage", name)
    assert answer.code == 4
    assert "knows nothing of where" in answer.err


@pytest.mark.parametrize("name", ["nothing", "0000000000", "Genome/none", "latest"])
def test_a_genome_that_there_is_not_is_told(chimera, name):
    answer = chimera("evolve", "show", name)
    assert answer.code == 4
    assert answer.err.startswith("error: ")
    assert "help: " in answer.err


def test_a_line_leads_from_a_champion_to_those_before_it(house, chimera, keep, store):
    parent = keep(house.found(FIRST | {"tries": [9]}), 0, role="ancestor")
    first = keep(house.found(FIRST | {"tries": [8]}), 1)
    last = keep(
        house.found(FIRST), 2, parents=[parent, first], previous=first, operators=["sbx", "swap"]
    )
    links = json.loads(chimera("evolve", "lineage", "latest", "-o", "json").out)["line"]
    assert [(link["digest"], link["relation"]) for link in links] == [
        (last, "itself"),
        (parent, "parent"),
        (first, "parent"),
    ]
    text = chimera("evolve", "lineage", last).out
    assert "sbx, swap" in text
    assert f"parent of {last[7:19]}" in text
    next(store._folder.rglob(f"{parent[7:]}.json")).unlink()
    assert "no longer kept" in chimera("evolve", "lineage", last).out


def test_a_line_that_leads_back_to_itself_ends(house, keep, store):
    digest = keep(house.found(FIRST))
    [kept] = store.find().kept
    circle = {digest: kept}
    object.__setattr__(kept.entry, "previous", digest)
    assert len(lineage(digest, circle)) == 1


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_an_export_reads_back(house, chimera, keep, form):
    keep(name := house.found(FIRST))
    out = chimera("evolve", "export", name, "--format", form).out
    found = yaml.safe_load(out) if form == "yaml" else json.loads(out)
    assert found["genes"] == {"wait": 3.25, "factor": [1.5, 2.0], "tries": 4}
    assert found["fitness"] == 10.75
    assert found["provenance"]["evolution"] == "Evolution/tune"
    file = house.root / "out.txt"
    answer = chimera("evolve", "export", name, "--format", form, "--output", str(file))
    assert (answer.code, answer.out) == (0, "")
    assert file.read_text() == out


def test_numpy_reads_an_archive_without_pickles(house, chimera, keep):
    keep(name := house.found(FIRST))
    file = house.root / "out.npz"
    for _ in range(2):
        assert (
            chimera("evolve", "export", name, "--format", "numpy", "--output", str(file)).code == 0
        )
        found = np.load(file, allow_pickle=False)
        assert found["gene.factor"].tolist() == [1.5, 2.0]
        assert found["gene.tries"].dtype == np.int64
        assert found["fitness"] == 10.75
    answer = chimera("evolve", "export", name, "--format", "numpy")
    assert answer.code == 4
    assert "--output FILE.npz" in answer.err


def test_verify_names_what_is_damaged_and_fails(house, chimera, keep, store):
    keep(house.found(FIRST))
    digest = keep(house.found(SECOND))
    assert chimera("evolve", "verify") == Answer(0, "2 genomes sound, 0 damaged\n", "")
    path = next(store._folder.rglob(f"{digest[7:]}.json"))
    path.write_bytes(path.read_bytes() + b" ")
    answer = chimera("evolve", "verify")
    assert answer.code == 1
    assert f"{path} is damaged: it is not what its name says" in answer.out
    assert "1 genome sound, 1 damaged" in answer.out
    assert len(json.loads(chimera("evolve", "verify", "-o", "json").out)["damaged"]) == 1
    assert "damaged" in chimera("evolve", "genomes").out


def test_health_tells_of_a_store_that_is_damaged(house, chimera, keep, store):
    assert "genomes" not in chimera("health", "--no-record").out
    digest = keep(house.found(FIRST))
    assert "healthy    genomes  1 sound" in chimera("health", "--no-record").out
    next(store._folder.rglob(f"{digest[7:]}.json")).write_bytes(b"")
    out = chimera("health", "--no-record").out
    assert "degraded   genomes  1 damaged" in out
    assert "`chimera evolve verify` lists them" in out


def test_a_champion_with_which_no_run_ended_is_not_promoted(house, chimera, keep):
    name = house.found(FIRST)
    digest = keep(name)
    (house.root / f".chimera/records/Genome/{name}.yaml").unlink()
    answer = chimera("evolve", "promote", digest, *INTO)
    assert answer.code == 4
    assert "no run ended with it" in answer.err


def test_a_promotion_is_shown_before_it_is_written(house, chimera):
    name = house.found(FIRST)
    before = house.files()
    answer = chimera("evolve", "promote", "latest", *INTO, "--dry-run")
    assert answer.code == 0, answer.err
    assert house.files() == before
    assert "would edit  specs/workflows/pause.yaml" in answer.out
    assert "+    wait: {type: number, default: 3.25}" in answer.out
    answer = chimera("evolve", "promote", name[5:], *INTO)
    assert "next: git diff, chimera prove tune" in answer.out
    assert chimera("check").code == 0
    second = house.found(SECOND)
    assert chimera("evolve", "promote", second).code == 0
    found = json.loads(chimera("evolve", "rollback", "tune", "-o", "json").out)
    assert found["written"] is True
    assert found["genome"] == f"Genome/{name}"
    assert found["insteadOf"] == f"Genome/{second}"
    assert chimera("check").code == 0
    answer = chimera("evolve", "rollback", "tune")
    assert answer.code == 4
    assert "had no genome before" in answer.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--into", "Workflow/pause:/spec/x"), "1 fields and 0 genes"),
        (("--into", "Workflow/pause", "--gene", "wait"), "names no field"),
        (("--into", "pause:/spec/x", "--gene", "wait"), "names no field"),
        (("--into", "Workflow/pause:/spec/x", "--gene", "wait:years"), "names no field"),
        (("--into-file", "../out.json"), "inside the tree"),
        (("--into-file", "out.txt"), "inside the tree"),
        ((), "no Promotion/tune that says where"),
    ],
)
def test_a_mistake_on_the_command_line_is_told(house, chimera, arguments, words):
    house.found(FIRST)
    answer = chimera("evolve", "promote", "latest", *arguments)
    assert answer.code == 4
    assert words in answer.err
    assert "help: " in answer.err


def test_nobody_writes_a_promotion_by_hand(chimera):
    answer = chimera("new", "Promotion")
    assert answer.code == 4
    assert "`chimera evolve promote` makes it" in answer.err
