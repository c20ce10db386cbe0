"""What is observed of a run: when, and what the columns hold."""

import numpy as np
import pytest

from chimera.builtin.evolution.search.engine import Search
from chimera.builtin.evolution.search.measures import columns_of, combine, next_observed


def observed_up_to(last):
    found, generation = [], -1
    while (generation := next_observed(generation)) <= last:
        found.append(generation)
    return found


def test_a_run_is_observed_often_at_first_and_ever_more_rarely():
    found = observed_up_to(1_000_000)
    assert found[:13] == [*range(11), 12, 14]
    assert {98, 100, 120, 980, 1000, 1200, 10_000, 12_000} <= set(found)
    assert {11, 99, 101, 110, 1001, 1100} & set(found) == set()
    assert len(found) == 11 + 5 * 45


@pytest.mark.parametrize("objective", ["minimize", "maximize"])
def test_columns_are_of_the_population_as_its_author_means_it(make_spec, objective):
    search = Search(make_spec(objective=objective, fitness="sum(g for g in x)"))
    state = search.start()
    search.finish(state)
    columns = columns_of(state.observed)
    rows, _ = search.islands[0].algorithm.population(state.islands[0])
    fitness = rows[:, :4].sum(axis=1)
    best = fitness.min() if objective == "minimize" else fitness.max()
    assert columns["generation"] == observed_up_to(30)
    assert columns["evaluations"][-1] == state.evaluations
    assert columns["best"][-1] == pytest.approx(best)
    assert columns["median"][-1] == pytest.approx(np.median(fitness))
    assert columns["mean"][-1] == pytest.approx(fitness.mean())
    low, high = np.quantile(fitness, (0.25, 0.75))
    assert columns["spread"][-1] == pytest.approx(high - low)
    assert columns["feasible"][-1] == 1.0
    assert columns["unchanged"][-1] == 30 - search.champion(state).generation
    assert 0.7 < columns["diversity"][0] < 1.3 > columns["diversity"][-1]
    assert len({len(column) for column in columns.values()}) == 1


def test_nothing_is_said_of_fitnesses_where_no_candidate_is_feasible(make_spec):
    search = Search(make_spec(fitness="log(-1)"))
    state = search.start()
    search.advance(state, 3)
    row = state.observed[-1]
    assert (row["best"], row["median"], row["mean"], row["spread"]) == (None,) * 4
    assert row["feasible"] == 0.0
    assert row["invalid"] == state.evaluations


def test_islands_are_observed_together():
    rows = [
        {"evaluations": 10, "best": 1.0, "median": 5.0, "diversity": 0.5, "sigma": 2.0},
        {"evaluations": 20, "best": 3.0, "median": None, "diversity": 0.1},
    ]
    joined = combine(rows, 1.0)
    assert joined["evaluations"] == 30
    assert joined["best"] == 1.0
    assert joined["median"] == 5.0
    assert joined["diversity"] == pytest.approx(0.3)
    assert joined["sigma"] == 2.0
    assert combine(rows, -1.0)["best"] == 3.0


def test_the_last_generation_is_observed_and_what_stopped_before_counts_as_it_was(make_spec):
    spec = make_spec(
        islands={"count": 2, "every": 7, "topology": "none"},
        termination={"generations": 1000, "target": 0.05},
    )
    search = Search(spec)
    state = search.start()
    search.finish(state)
    last = state.observed[-1]
    assert last["generation"] == state.generation
    assert last["evaluations"] == state.evaluations
    assert last["best"] == search.best(state)
