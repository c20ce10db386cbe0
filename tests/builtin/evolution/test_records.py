"""What runs of this repository's own evolutions record, and what stopped them."""

import json
from pathlib import Path

import pytest
import yaml

from chimera.builtin.evolution.kinds import EvolutionSpec, GenomeSpec
from chimera.builtin.evolution.search.engine import Search
from chimera.builtin.evolution.search.outcome import genome_of
from chimera.model import ChimeraError

ROOT = Path(__file__).parents[3]
NAMED = {"evolution": "Evolution/e", "document": "sha256:0"}


def run_of(name):
    path = ROOT / "specs" / "evolutions" / f"{name}.yaml"
    return finished(EvolutionSpec.model_validate(yaml.safe_load(path.read_text())["spec"]))


def finished(spec):
    search = Search(spec)
    state = search.start()
    search.finish(state)
    return search, state


def genome(search, state):
    """Return the record as it reads after a way through JSON and back."""
    value = json.loads(json.dumps(genome_of(search, state, NAMED), allow_nan=False))
    return GenomeSpec.model_validate(value)


def values(record, name):
    [found] = [gene.values for gene in record.genes if gene.name == name]
    return found


def test_seed_002_reaches_its_plateau_in_fewer_than_100_generations():
    """Population 1000 and mutation rate 0.1, as the seed has it; the criterion is stated."""
    search, state = run_of("seed-002-plateau")
    spec = search.spec
    assert (spec.population, spec.operators.mutation.rate) == (1000, 0.1)
    record = genome(search, state)
    assert record.stopped == "stagnation"
    assert record.generations < 100
    best = search.history(state)[:, 0]
    gain = best[-11] - best[-1]
    assert gain <= 0.001 * (best[0] - best[-1]), "the plateau is the one that the document states"
    assert record.algorithm.name == "genetic"


def test_a_knapsack_meets_its_constraints_and_is_as_good_as_any():
    record = genome(*run_of("release-window"))
    spec = run_of("release-window")[0].spec
    given = spec.fitness.parameters
    taken = values(record, "take")
    assert set(taken) <= {0, 1}
    assert sum(t * m for t, m in zip(taken, given["minutes"], strict=True)) <= 240
    assert sum(t * r for t, r in zip(taken, given["reviews"], strict=True)) <= 14
    assert record.fitness == sum(t * w for t, w in zip(taken, given["worth"], strict=True))
    assert record.fitness == best_knapsack(given)


def best_knapsack(given):
    """By dynamic programming over minutes and reviews."""
    best = [[0.0] * 15 for _ in range(241)]
    for worth, minutes, reviews in zip(
        given["worth"], given["minutes"], given["reviews"], strict=True
    ):
        for m in range(240, int(minutes) - 1, -1):
            for r in range(14, int(reviews) - 1, -1):
                best[m][r] = max(best[m][r], best[m - int(minutes)][r - int(reviews)] + worth)
    return best[240][14]


def test_a_tour_visits_every_place_once_and_stops_at_its_target():
    record = genome(*run_of("incident-tour"))
    assert sorted(values(record, "stop")) == list(range(12))
    assert record.stopped == "target"
    assert record.fitness == 93


def test_a_front_is_one_and_its_champion_lies_on_it():
    search, state = run_of("cost-and-latency")
    record = genome(search, state)
    assert record.fitness is None
    assert [aim.name for aim in record.objectives] == ["cost", "latency"]
    points = [member.values for member in record.front]
    assert len(points) > 20
    assert points == sorted(points)
    for a in points:
        assert not any(b[0] <= a[0] and b[1] <= a[1] and b != a for b in points)
    assert tuple(aim.value for aim in record.objectives) in points
    for member in record.front:
        replicas, cache = (gene.values[0] for gene in member.genes)
        assert isinstance(replicas, int)
        assert replicas * cache <= 512 * (1 + 1e-12)
    assert record.algorithm.name == "nsga-2"


def test_islands_say_on_which_the_champion_was_found():
    search, state = run_of("harbour-islands")
    record = genome(search, state)
    assert record.stopped == "target"
    assert record.fitness <= 0.02
    own = state.islands[record.island]
    assert own["history"][own["counters"][0], 0] == record.fitness


def test_the_record_says_what_auto_chose_and_why(make_spec):
    record = genome(*finished(make_spec(algorithm="auto", termination={"evaluations": 2000})))
    assert record.algorithm.name == "cma-es"
    assert "all genes are real" in record.algorithm.reason
    record = genome(*finished(make_spec(algorithm="genetic")))
    assert record.algorithm.reason == "it is the document's choice"


def test_a_run_that_meets_no_constraint_says_so(make_spec):
    genes = [{"name": "x", "min": -5, "max": 5, "count": 4}]
    impossible = {"genes": genes, "constraints": [{"expression": "x[0] >= 6"}]}
    search, state = finished(make_spec(genome=impossible))
    assert search.best(state) is None
    with pytest.raises(ChimeraError, match="met every constraint"):
        genome_of(search, state, NAMED)


def test_provenance_is_complete(make_spec):
    record = genome(*finished(make_spec()))
    provenance = record.provenance
    assert provenance.evolution == "Evolution/e"
    assert provenance.seed == "c0ffee"
    assert provenance.kernels.startswith("sha256:")
    assert provenance.reproducible
    assert provenance.caveat is None
