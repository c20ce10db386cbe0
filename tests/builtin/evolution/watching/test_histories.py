"""Runs of evolutions as anybody can look at them: from the journal, up to the last checkpoint."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from chimera import Workspace
from chimera.builtin.evolution.watching import pictures, rendering
from chimera.builtin.evolution.watching.histories import history_named, newest, runs_of
from chimera.model import UsageError
from chimera.render.paint import plain

EVOLUTION = """\
apiVersion: chimera/v1
kind: Evolution
metadata: {name: NAME}
spec:
  trigger: apply
  genome: {genes: [{name: x, min: -5, max: 5, count: 3}]}
  fitness: {function: sphere}
  algorithm: genetic
  population: 20
  termination: {generations: 30}
  seed: SEED
  checkpointEvery: 12
"""


@pytest.fixture
def team(tmp_path: Path) -> Workspace:
    """A repository in which two evolutions ran, one of them twice."""
    (tmp_path / "specs").mkdir()
    for name, seed in (("b", 1), ("a", 1), ("a", 2)):
        text = EVOLUTION.replace("NAME", name).replace("SEED", str(seed))
        (tmp_path / "specs" / f"{name}.yaml").write_text(text)
        Workspace.open(tmp_path).apply()
    return Workspace.open(tmp_path)


def test_the_newest_run_of_each_evolution_is_told(team: Workspace) -> None:
    found = newest(team, "local")
    assert [history.evolution for history in found] == ["Evolution/a", "Evolution/b"]
    assert [history.spec.seed for history in found] == [2, 1]
    text = rendering.status_text(found, plain)
    assert text.count("succeeded") == 2
    assert "generations" in text


def test_all_runs_of_one_evolution_are_told_the_newest_first(team: Workspace) -> None:
    assert [history.spec.seed for history in runs_of(team, "local", "a")] == [2, 1]


def test_a_history_joins_what_every_checkpoint_observed(team: Workspace) -> None:
    history = history_named(team, "local", "a")
    generations = history.columns["generation"]
    assert generations[:3] == [0, 1, 2]
    assert generations[-1] == 30
    assert generations == sorted(set(generations)), "each once, over three checkpoints"
    assert {len(column) for column in history.columns.values()} == {len(generations)}
    best = [value for value in history.columns["best"] if value is not None]
    assert best == sorted(best, reverse=True)
    assert history.genome is not None
    assert best[-1] == history.genome["fitness"]
    assert history.stopped == "generations"


@pytest.mark.parametrize("named", ["a", "Evolution/a", "latest"])
def test_a_run_is_named_by_its_evolution_or_as_the_latest(team: Workspace, named: str) -> None:
    assert history_named(team, "local", named).spec.seed == 2


def test_a_run_is_named_by_the_beginning_of_its_id(team: Workspace) -> None:
    older = runs_of(team, "local", "a")[1]
    assert history_named(team, "local", older.run.uid).spec.seed == 1


@pytest.mark.parametrize("named", ["nothing", "Evolution/nothing", "7zzzzzzz"])
def test_a_run_that_is_not_there_is_named(team: Workspace, named: str) -> None:
    with pytest.raises(UsageError, match="there is no run"):
        history_named(team, "local", named)


def test_without_any_run_it_is_said_how_to_begin(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path)
    assert "chimera run" in rendering.status_text(newest(workspace, "local"), plain)
    with pytest.raises(UsageError, match="no evolution"):
        history_named(workspace, "local", "latest")


def test_what_is_watched_says_how_far_it_is_and_what_stopped_it(team: Workspace) -> None:
    text = rendering.watch_text(history_named(team, "local", "a"), plain)
    assert "30 of at most 30" in text
    assert re.search(r"best +\d\S* +[▁▂▃▄▅▆▇█]{24}", text)
    assert "stopped by  generations" in text


def test_a_picture_shows_convergence_and_diversity(team: Workspace) -> None:
    history = history_named(team, "local", "a")
    svg = ElementTree.fromstring(pictures.picture([history]))
    texts = {text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")}
    assert {"Convergence of Evolution/a", "Diversity", "best", "median", "generation"} <= texts
    page = pictures.picture_page([history])
    assert history.run.uid in page
    assert page.count("<tr>") > len(history.columns["generation"]), "the numbers are there, too"


def test_the_best_of_several_objectives_is_called_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    aims = "objectives: [{name: f, expression: 'x[0]'}, {name: g, expression: '-x[0]'}]"
    text = EVOLUTION.replace("NAME", "a").replace("SEED", "1").replace("genetic", "nsga-2")
    text = text.replace("fitness: {function: sphere}", aims)
    (tmp_path / "specs" / "a.yaml").write_text(text)
    team = Workspace.open(tmp_path)
    team.apply()
    history = history_named(team, "local", "a")
    assert "hypervolume " in rendering.watch_text(history, plain)
    svg = ElementTree.fromstring(pictures.picture([history]))
    texts = {text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")}
    assert "hypervolume" in texts
    assert not {"fitness", "best"} & texts


def test_several_runs_are_drawn_over_one_another(team: Workspace) -> None:
    found = runs_of(team, "local", "a")
    svg = pictures.picture(found)
    for history in found:
        assert history.run.uid[:8] in svg
    assert pictures.picture(found) == svg


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([0.0, 7.0], "▁" * 12 + "█" * 12),
        ([None, 3.0, None, 3.0], "▁" * 24),
        ([1.0], ""),
        ([], ""),
    ],
)
def test_a_sparkline_goes_from_the_least_to_the_greatest(values: list[Any], line: str) -> None:
    assert pictures.sparkline(values) == line
