"""The harness counts as it says, and searches reach on a few functions what the tables tell."""

import dataclasses

import pytest

pytest.importorskip("ioh", reason="BBOB comes with the dependency group `peers`")

from tests.quality import bbob
from tests.quality.bbob import TARGETS, BlackBox, Run, SpentError, ecdf, run, solved


def test_targets_reach_from_a_hundred_to_a_hundred_millionth():
    assert len(TARGETS) == 51
    assert TARGETS[0] == 100.0
    assert TARGETS[-1] == pytest.approx(1e-8)
    assert sorted(TARGETS, reverse=True) == TARGETS


def test_a_box_notes_the_evaluation_at_which_a_target_is_reached():
    box = BlackBox(1, 1, 2, 100)
    optimum = [float(x) for x in box.problem.optimum.x]
    near = [optimum[0] + 0.9, optimum[1]]  # the sphere: 0.81 above the optimum
    far = [optimum[0] + 5.0, optimum[1] + 5.0]
    box([far, far, near])
    assert box.hits == [1] * 2 + [3] * 9, "50 is below two targets, 0.81 below eleven"
    box([optimum])
    assert box.hits[11:] == [4] * 40
    with pytest.raises(SpentError):
        box([far])


def test_evaluations_past_the_budget_do_not_count():
    box = BlackBox(1, 1, 2, 3)
    optimum = [float(x) for x in box.problem.optimum.x]
    far = [optimum[0] + 15.0, optimum[1]]
    box([far, far])
    box([far, optimum])
    assert box.hits == []
    assert box.is_done


def test_shares_are_over_targets_and_over_runs():
    runs = [Run(1, 1, 2, 100, [10] * 51), Run(2, 1, 2, 100, [10] * 17 + [50] * 17)]
    assert ecdf(runs, 20) == pytest.approx((51 + 17) / 102)
    assert ecdf(runs, 100) == pytest.approx((51 + 34) / 102)
    assert solved(runs, 100) == 0.5
    assert solved(runs, 9) == 0.0


def test_a_contender_below_its_floor_fails():
    good = [Run(f, 1, 2, 20_000, [10] * 51) for f in (1, 2)]
    bad = [dataclasses.replace(r, hits=[10] * 20) for r in good]
    assert bbob.failures({"auto": good}) == []
    assert len(bbob.failures({"auto": bad})) == 1


def test_a_contender_behind_its_rival_fails():
    theirs = [Run(1, 1, 2, 20_000, [150] * 51)]
    slower = [Run(1, 1, 2, 20_000, [150] * 49 + [2_500] * 2)]
    assert bbob.failures({"l-shade": theirs, "minionpy": theirs}) == []
    found = bbob.failures({"l-shade": slower, "minionpy": theirs})
    assert [text.split(" at ")[1].split(",")[0] for text in found] == ["100 D", "1000 D"]


def test_peers_runs_are_kept_and_read_again(tmp_path, monkeypatch):
    monkeypatch.setitem(bbob.PEERS, "cheap", None)
    monkeypatch.setitem(bbob.CONTENDERS, "cheap", lambda box, seed: box([[0.0, 0.0]] * 9))
    made = bbob.measure("cheap", [1], 2, 10, keep=tmp_path)
    monkeypatch.setitem(bbob.CONTENDERS, "cheap", None)
    assert bbob.measure("cheap", [1], 2, 10, keep=tmp_path) == made
    assert len(made) == 24


@pytest.mark.parametrize("function", [1, 3, 8, 10])
def test_the_choice_solves_separable_multimodal_curved_and_ill_conditioned(function):
    found = run("auto", function, 1, 5, 50_000)
    assert len(found.hits) == len(TARGETS)
