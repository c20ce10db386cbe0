"""Twelve kinds of flakiness, each a small project after a published report.

Every project is proven as its row says, and must not pass; then its cause is looked for. The suite
does so once for each, and diagnoses two; `CHIMERA_FLAKY=20` (see .ci/nightly) asks for 19 of 20
provings caught, and diagnoses every kind. `needs` says what a proof has to ask for beyond what
`prove` does by itself.
"""

from __future__ import annotations

import ast
import os
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from chimera.model import Outcome
from chimera.proof.diagnose import diagnose

PROJECTS = Path(__file__).with_name("projects")
INVOCATIONS = int(os.environ.get("CHIMERA_FLAKY", "1"))
RUN = {"run": "command", "argv": ["python", "src/report.py"], "expect": {"exitCode": 0}}


@dataclass(frozen=True)
class Kind:
    """A project, how often its proof is repeated, and the cause that is to be found."""

    project: str
    repeat: int
    cause: str
    needs: dict[str, Any] = field(default_factory=dict)
    is_quick: bool = False


KINDS = (
    Kind("hash_order", 2, "hash", is_quick=True),
    Kind("path_in_output", 2, "path"),
    Kind("randomness", 2, "random"),
    Kind("thread_race", 6, "threads", is_quick=True),
    Kind("float_summation", 6, "threads"),
    Kind("test_order", 4, "order", {"shuffle": True}),
    Kind("time_of_day", 3, "clock", {"vary": ["clock"]}),
    Kind("directory_order", 3, "listing", {"vary": ["listing"]}),
    Kind("locale", 2, "locale", {"vary": ["locale"]}),
    Kind("stale_cache", 2, "home", {"vary": ["home"]}),
    Kind("network", 2, "network", {"vary": ["network"]}),
    Kind("port", 2, "network", {"vary": ["network"]}),
)
ALL = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.project)


@pytest.fixture
def flaky(bench: Any) -> Iterator[Any]:
    """Yield what sets a project up; a server runs on this machine for those that ask it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def prepare(kind: Kind) -> Any:
            (bench.root / "src/answer.py").unlink(missing_ok=True)
            for file in sorted((PROJECTS / kind.project).rglob("*")):
                if file.is_file() and "__pycache__" not in file.parts:
                    path = file.relative_to(PROJECTS / kind.project)
                    outside = path.parts[0] == "chapters"
                    # Not called so where it lies, or this repository's own tests would run it.
                    path = path.with_name(path.name.replace("orders", "test_orders"))
                    bench.write(str(path if outside else Path("src") / path), file.read_text())
            bench.write("port", f"{port}\n")
            tests = kind.project == "test_order"
            code = "test_orders.py" if tests else "report.py"
            bench.proof(
                inputs=["src/**", "port", *(["chapters/**"] * (kind.project == "directory_order"))],
                steps=[{"run": "pytest", "paths": ["src"]} if tests else RUN],
                artifacts=[] if tests else [{"paths": "out.txt"}],
                controls=[{"mutate": "delete", "path": f"src/{code}"}],
                repeat=kind.repeat,
                **kind.needs,
            )
            return bench

        yield prepare


def needs_walls(bench: Any, kind: Kind) -> None:
    if kind.cause == "network" and not bench.context.processes.isolation().network:
        pytest.skip("this kernel keeps the network from nobody, so that nothing varies")


@ALL
def test_prove_catches_it(kind: Kind, flaky: Any) -> None:
    bench = flaky(kind)
    needs_walls(bench, kind)
    outcomes = [bench.prove()[0].outcome for _ in range(INVOCATIONS)]
    caught = outcomes.count(Outcome.NOT_DETERMINISTIC)
    print(f"{kind.project}: {caught} of {INVOCATIONS} at repeat {kind.repeat}")
    assert caught >= INVOCATIONS * 19 / 20, (caught, outcomes)


@pytest.mark.parametrize(
    "kind",
    [kind for kind in KINDS if kind.is_quick or INVOCATIONS > 1],
    ids=lambda kind: kind.project,
)
def test_diagnosis_names_its_cause(kind: Kind, flaky: Any) -> None:
    bench = flaky(kind)
    needs_walls(bench, kind)
    loaded = bench.load()
    found = diagnose(
        bench.get(loaded=loaded),
        loaded.snapshot,
        bench.context,
        lambda task: bench.plugins.hook.chimera_run_proof_step(task=task),
    )
    assert [cause.factor.name for cause in found.causes] == [kind.cause], found.conclusion
    assert found.unexplained == ()


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind.needs], ids=lambda kind: kind.project
)
def test_what_a_proof_does_not_ask_for_is_not_caught(kind: Kind, flaky: Any) -> None:
    """The first repetition's conditions hold for all: so much is pinned, and it is said so."""
    bench = flaky(kind)
    needs_walls(bench, kind)
    spec = bench.get().spec
    asked = {"shuffle": False} if "shuffle" in kind.needs else {"vary": []}
    bench.proof(
        inputs=list(spec.inputs),
        steps=[{"run": "pytest", "paths": ["src"]} if kind.cause == "order" else RUN],
        controls=[{"mutate": "delete", "path": spec.controls[0].path}],
        **asked,
    )
    assert bench.prove()[0].divergences == ()


def test_every_project_cites_the_report_that_it_is_modelled_on() -> None:
    folders = {folder.name for folder in PROJECTS.iterdir() if folder.is_dir()}
    assert folders == {kind.project for kind in KINDS}
    for folder in sorted(folders):
        (code,) = (PROJECTS / folder).glob("*.py")
        cited = ast.get_docstring(ast.parse(code.read_text())) or ""
        assert re.search(r"https://github\.com/\S+/(issues|pull)/\d+", cited), folder
