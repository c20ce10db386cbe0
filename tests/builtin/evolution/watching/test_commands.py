"""`chimera evolve status`, `watch`, `plot` and `compare`, as people call them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from chimera.cli.main import run
from tests.builtin.evolution.watching.test_histories import EVOLUTION

Chimera = Callable[..., tuple[int, str, str]]

OUTSIDE = """\
apiVersion: chimera/v1
kind: Evolution
metadata: {name: NAME}
spec:
  seed: 1
  genome: {genes: [{name: x, min: -5, max: 5}, {name: y, min: -5, max: 5}]}
  fitness: FITNESS
  algorithm: genetic
  population: 10
  termination: {generations: 3}
"""


@pytest.fixture
def chimera(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Chimera:
    """Call the command line in a folder with two evolutions."""
    (tmp_path / "specs").mkdir()
    for name, algorithm in (("a", "genetic"), ("b", "l-shade")):
        text = EVOLUTION.replace("NAME", name).replace("SEED", "1")
        path = tmp_path / "specs" / f"{name}.yaml"
        path.write_text(text.replace("algorithm: genetic", f"algorithm: {algorithm}"))
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(["--no-color", *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_runs_are_listed_watched_and_drawn(chimera: Chimera, tmp_path: Path) -> None:
    assert chimera("apply")[0] == 0
    code, out, _ = chimera("evolve", "status")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[1:]] == ["Evolution/a", "Evolution/b"]
    found = json.loads(chimera("evolve", "status", "a", "-o", "json")[1])["runs"]
    assert [(one["generation"], one["stopped"]) for one in found] == [(30, "generations")]
    assert "stopped by  generations" in chimera("evolve", "watch", "a", "--once")[1]
    code, out, _ = chimera("evolve", "plot", "a", "b", "-o", "svg=runs.svg", "-o", "html")
    assert code == 0
    assert out.startswith("<!doctype html>")
    assert (tmp_path / "runs.svg").read_text().startswith("<svg")
    observed = json.loads(chimera("evolve", "plot", "-o", "json")[1])["runs"][0]["observations"]
    assert observed["generation"][-1] == 30


def test_two_evolutions_of_the_tree_are_compared_without_a_run(chimera: Chimera) -> None:
    first = chimera("evolve", "compare", "a", "b", "--seeds", "5", "--target", "0.5")
    assert first[0] == 0
    assert "expected evaluations" in first[1].lower()
    assert chimera("evolve", "compare", "a", "b", "--seeds", "5", "--target", "0.5") == first
    assert "was ever run" in chimera("evolve", "status")[1], "nothing is recorded"


@pytest.mark.parametrize("compiled", ["false", "true"])
def test_fitnesses_in_python_are_compared_too(
    chimera: Chimera, tmp_path: Path, compiled: str
) -> None:
    (tmp_path / "model.py").write_text("def fitness(x):\n    return sum(x.values())\n")
    if compiled == "true":
        (tmp_path / "model.py").write_text("def fitness(x):\n    return x[0] + x[1]\n")
    python = f"{{python: {{module: model.py, compiled: {compiled}}}}}"
    for name in ("c", "d"):
        text = OUTSIDE.replace("NAME", name).replace("FITNESS", python)
        (tmp_path / "specs" / f"{name}.yaml").write_text(text)
    code, said, _ = chimera("evolve", "compare", "c", "d", "--seeds", "2", "-o", "json")
    assert code == 0
    first, second = json.loads(said)["contenders"]
    assert first["runs"] == second["runs"]
    assert first["median"] < 0


def test_candidates_that_are_steps_are_compared_by_nobody(chimera: Chimera, tmp_path: Path) -> None:
    operation = "{operation: {name: command, inputs: {run: [true]}, output: stdout}}"
    text = OUTSIDE.replace("NAME", "c").replace("FITNESS", operation)
    (tmp_path / "specs" / "c.yaml").write_text(text)
    code, _, error = chimera("evolve", "compare", "a", "c", "--seeds", "2")
    assert code == 1
    assert "a fitness by operation is computed in steps of a run" in error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("watch", "a"), "there is no run of Evolution/a"),
        (("plot",), "there is no evolution"),
        (("compare", "a", "bb"), "did you mean Evolution/b?"),
        (("compare", "a", "b", "--seeds", "1"), "--seeds"),
    ],
)
def test_what_is_not_there_is_said(chimera: Chimera, arguments: tuple[str, ...], said: str) -> None:
    code, _, error = chimera("evolve", *arguments)
    assert code == 4
    assert said in error
