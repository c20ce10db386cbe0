"""Islands: who sends to whom, what migrates, and what many threads make of it."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.builtin.evolution.search.checkpoints import pack, unpack
from chimera.builtin.evolution.search.engine import Search
from chimera.builtin.evolution.search.islands import migrate, sources_of

ROOT = Path(__file__).parents[4]
CHAMPION = "sha256:ab3c4e7f3d4069d7ec003360d8d8d9f251604cb4ad931af7b4ceb0bdb84dfbcf"
"""Of `harbour-islands`, as it was reviewed; after a deliberate change of kernels the failing test
prints the new one."""


@pytest.mark.parametrize(
    ("topology", "count", "expected"),
    [
        ("ring", 4, ((3,), (0,), (1,), (2,))),
        ("ring", 1, ((),)),
        ("ring", 2, ((1,), (0,))),
        ("torus", 6, ((2, 3), (0, 4), (1, 5), (0, 5), (1, 3), (2, 4))),
        ("torus", 5, ((4,), (0,), (1,), (2,), (3,))),
        ("torus", 4, ((1, 2), (0, 3), (0, 3), (1, 2))),
        ("star", 3, ((1, 2), (0,), (0,))),
        ("full", 3, ((1, 2), (0, 2), (0, 1))),
        ("none", 3, ((), (), ())),
    ],
)
def test_who_sends_to_whom(topology, count, expected):
    assert sources_of(topology, count) == expected


class Plain:
    """An algorithm whose state is a population."""

    def population(self, state):
        return state["rows"], state["costs"]

    def immigrate(self, state, candidates, costs):
        state["came"] = candidates[:, 0].tolist(), costs.tolist()


def island(first):
    rows = np.arange(first, first + 4.0).reshape(4, 1)
    return {"rows": rows, "costs": np.array([2.0, 1.0, 1.0, 3.0]) + first}


def test_the_best_go_and_all_leave_before_any_arrives():
    states = [island(0), island(10), island(20)]
    sources = sources_of("ring", 3)
    migrate(states, [Plain()] * 3, sources, 2, [True, True, False])
    assert states[1]["came"] == ([1.0, 2.0], [1.0, 1.0]), "the best, equal ones by index"
    assert states[0]["came"] == ([21.0, 22.0], [21.0, 21.0]), "also of one that has stopped"
    assert "came" not in states[2], "to one that has stopped nobody goes"


def test_no_more_come_than_there_is_room_for():
    states = [island(0), island(10), island(20)]
    migrate(states, [Plain()] * 3, sources_of("full", 3), 4, [True] * 3)
    assert states[0]["came"][0] == [11.0, 12.0, 10.0, 13.0]


def harbour(**changes):
    value = yaml.safe_load((ROOT / "specs/evolutions/harbour-islands.yaml").read_text())["spec"]
    return EvolutionSpec.model_validate(value | changes)


def finished(search, state):
    search.finish(state)
    return search.champion(state).digest, search.history_digest(state)


def test_one_thread_and_two_find_the_reviewed_champion():
    found = set()
    for workers in (1, 2):
        search = Search(harbour(budget={"workers": workers}))
        found.add(finished(search, search.start()))
    broken = Search(harbour())
    state = broken.start()
    broken.advance(state, 33)
    resumed = Search(harbour(budget={"workers": 3}))
    found.add(finished(resumed, unpack(pack(state, broken.identity), resumed)))
    assert len(found) == 1
    [(champion, _)] = found
    assert champion == CHAMPION


def test_islands_that_meet_find_otherwise_than_those_that_do_not(make_spec):
    apart = Search(make_spec(islands={"count": 3, "topology": "none"}))
    ring = Search(make_spec(islands={"count": 3, "topology": "ring", "every": 5}))
    assert finished(apart, apart.start()) != finished(ring, ring.start())


def test_an_island_alone_is_a_search_without_islands_in_the_first_epoch(make_spec):
    """Islands have draws of their own: the first has those of a search that has no others."""
    alone = Search(make_spec())
    several = Search(make_spec(islands={"count": 3, "topology": "none"}))
    states = alone.start(), several.start()
    alone.finish(states[0])
    several.finish(states[1])
    assert (states[0].islands[0]["history"] == states[1].islands[0]["history"]).all()
    histories = [own["history"][:31].tobytes() for own in states[1].islands]
    assert len(set(histories)) == 3


def test_criteria_are_judged_of_all_islands_when_they_meet(make_spec):
    spec = make_spec(
        islands={"count": 3, "every": 7},
        termination={"generations": 1000, "stagnation": 10, "tolerance": 0.01},
    )
    search = Search(spec)
    state = search.start()
    search.finish(state)
    assert state.stopped == "stagnation"
    assert state.generation % 7 == 0
    best = search.history(state)[:, 0]
    met = [
        g for g in range(14, len(best), 7) if best[g - 10] - best[g] <= 0.01 * (best[0] - best[g])
    ]
    assert met[0] == state.generation


def test_a_target_that_one_island_reaches_ends_the_run_when_they_meet(make_spec):
    spec = make_spec(
        islands={"count": 2, "every": 10}, termination={"generations": 1000, "target": 0.5}
    )
    search = Search(spec)
    state = search.start()
    search.finish(state)
    assert state.stopped == "target"
    assert search.best(state) <= 0.5
    champion = search.champion(state)
    costs = [own["history"][own["counters"][0], 0] for own in state.islands]
    assert champion.island == int(np.argmin(costs))


def test_evaluations_are_those_of_all_islands_together(make_spec):
    spec = make_spec(islands={"count": 3, "every": 5}, termination={"evaluations": 1000})
    search = Search(spec)
    state = search.start()
    search.finish(state)
    assert state.stopped == "evaluations"
    assert 900 < state.evaluations <= 1000
