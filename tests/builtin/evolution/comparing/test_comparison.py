"""Two specs over seeds: real searches, and runs made up where the answer is known."""

import json
import math

import pytest

from chimera.builtin.evolution.comparing.comparison import compare, judge
from chimera.builtin.evolution.comparing.rendering import comparison_text
from chimera.builtin.evolution.comparing.runs import Run, run_all
from chimera.context import stream
from chimera.model import ChimeraError
from chimera.render.paint import plain

SEEDS = range(1, 11)
END = {"termination": {"generations": 25}}


@pytest.fixture
def pair(make_spec):
    """A search, and one that only copies and so finds little."""
    copying = {
        "crossover": {"type": "sbx", "probability": 0},
        "mutation": {"type": "reset", "rate": 0},
    }
    genetic = END | {"algorithm": "genetic"}
    return make_spec(**genetic), make_spec(**genetic, operators=copying)


def a_stream():
    return stream("test", "compare")


def test_the_better_search_is_named_with_its_effect_and_its_targets(pair):
    found = compare(*pair, SEEDS, [5.0, 1e-9], stream=a_stream(), names=("ours", "copies"))
    assert found.final.better == 0
    assert found.final.effect > 0.9
    assert found.final.magnitude == "large"
    assert found.contenders[0].median < found.contenders[1].median
    easy, hard = found.targets
    assert (hard.fitness, easy.fitness) == (1e-9, 5.0)
    assert hard.reached == (0, 0)
    assert hard.expected == (math.inf, math.inf)
    assert hard.difference.better is None
    assert easy.reached[0] == 10
    assert easy.expected[0] < easy.expected[1]
    assert easy.intervals[0][0] <= easy.expected[0] <= easy.intervals[0][1]
    ours = found.contenders[0]
    assert ours.distribution[-1][1] == 0.5, "one of two targets is reached by every run"
    assert ours.runs[0].trajectory[-1][1] == ours.runs[0].fitness


def test_the_same_arguments_give_the_same_comparison(pair):
    ended = []
    first = compare(*pair, SEEDS, [1.0], stream=a_stream(), told=ended.append)
    assert ended == [*first.contenders[0].runs, *first.contenders[1].runs]
    assert compare(*pair, SEEDS, [1.0], stream=a_stream(), workers=2) == first


def test_a_spec_does_not_differ_from_itself(pair):
    found = compare(pair[0], pair[0], SEEDS, [1.0], stream=a_stream(), test="wilcoxon")
    assert found.final.effect == 0.5
    assert found.final.p_value == found.targets[0].difference.p_value == 1.0
    assert found.final.better is None
    assert found.contenders[0].runs == found.contenders[1].runs


def test_the_trajectory_of_a_run_is_that_of_a_run_in_one_go(make_spec):
    spec = make_spec(termination={"generations": 40, "target": 0.01})
    from chimera.builtin.evolution.search.engine import Search

    (run,) = run_all(spec, [5])
    search = Search(spec.model_copy(update={"seed": 5}))
    state = search.start()
    search.finish(state)
    assert run.fitness == search.best(state)
    assert (run.evaluations, run.stopped) == (state.evaluations, state.stopped)
    history = search.history(state)[:, 0]
    assert [fitness for _, fitness in run.trajectory] == sorted(set(history), reverse=True)


def made_up(finals, *, trajectory=True):
    return [
        Run(seed, final, 100, 9, "generations", ((50, final),) if trajectory and final else ())
        for seed, final in enumerate(finals)
    ]


def judged(a, b, targets=(), **changes):
    arguments = {"stream": a_stream(), "names": ("a", "b"), "objective": "minimize"} | changes
    return judge([made_up(a), made_up(b)], targets, **arguments)


def test_runs_without_a_feasible_candidate_are_worst_whatever_is_sought():
    for objective, finals in (("minimize", [1.0] * 6), ("maximize", [-9.0] * 6)):
        found = judged(finals, [None] * 6, objective=objective)
        assert found.final.effect == 1.0
        assert found.final.better == 0
        assert found.contenders[1].infeasible == 6
        assert math.isinf(found.contenders[1].median)


def test_more_is_better_where_that_is_sought():
    finals = [float(i) for i in range(8)], [float(i + 20) for i in range(8)]
    found = judged(*finals, [20.0], objective="maximize")
    assert found.final.better == 1
    assert found.targets[0].reached == (0, 8)
    assert found.contenders[1].quartiles == (21.75, 25.25)
    low, high = found.contenders[1].interval
    assert 20.0 <= low < found.contenders[1].median < high <= 27.0


def test_many_targets_find_no_difference_that_one_would_not():
    finals = [1.0, 2, 3, 4, 5, 6, 7], [4.5, 5.5, 6.5, 8, 9, 10, 12]
    alone = judged(*finals).final
    among = judged(*finals, [0.5, 1.5, 2.5, 3.5]).final
    assert alone.is_significant
    assert alone.p_value == alone.adjusted == among.p_value
    assert not among.is_significant


def test_a_comparison_is_json_without_infinities(pair):
    found = compare(*pair, SEEDS, [1e-9], stream=a_stream()).as_json()
    text = json.dumps(found, allow_nan=False)
    assert json.loads(text)["targets"][0]["expected"] == [None, None]
    assert found["better"] == "a"
    assert found["targets"][0]["better"] is None


def test_text_says_which_is_better_how_much_and_how_sure(pair):
    found = compare(*pair, SEEDS, [5.0, 1e-9], stream=a_stream(), names=("ours", "copies"))
    text = comparison_text(found, plain)
    assert "ours: better fitness in the end (A12 1.00, large effect; p " in text
    assert "10 of 10" in text
    assert "never" in text
    assert "Mann-Whitney U test, Holm's correction for 3 questions" in text
    assert "no difference that could not be chance: reaches it sooner" in text


def test_several_objectives_are_compared_by_the_hypervolume_of_their_fronts(make_spec):
    aims = [
        {"name": "near", "expression": "sum(g ** 2 for g in x)"},
        {"name": "far", "expression": "sum((g - 2) ** 2 for g in x)"},
    ]
    changes = {"fitness": {}, "objectives": aims, "algorithm": "nsga-2"}
    short, long = (
        make_spec(**changes, termination={"generations": count}, islands={"count": 2, "every": 5})
        for count in (5, 40)
    )
    found = compare(short, long, SEEDS, [1.0], stream=a_stream(), names=("short", "long"))
    assert (found.measure, found.objective, found.targets) == ("hypervolume", "maximize", ())
    assert found.final.better == 1
    assert found.final.effect < 0.1
    points = found.contenders[1].runs[0].front
    assert len(points) > 20
    assert list(points) == sorted(set(points))
    assert "long: better hypervolume in the end" in comparison_text(found, plain)


def test_what_cannot_be_compared_is_refused(make_spec):
    spec, other = make_spec(), make_spec(objective="maximize")
    with pytest.raises(ChimeraError, match="maximises"):
        compare(spec, other, SEEDS, stream=a_stream())
    for seeds in ([1], [1, 2, 2]):
        with pytest.raises(ChimeraError, match="at least 2 seeds, each once"):
            compare(spec, spec, seeds, stream=a_stream())
