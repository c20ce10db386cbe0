"""Each condition reaches the processes of a step, and only it changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chimera.model import Finding
from chimera.proof.running.conditions import Conditions
from chimera.proof.running.run import Setup, run

PROBE = """
import datetime, json, os, random, secrets, sys, time, uuid
print(json.dumps({
    "hash": hash("x"), "umask": os.umask(0), "zone": time.tzname[0], "locale": os.environ["LC_ALL"],
    "now": time.time(), "datetime": datetime.datetime.now().timestamp(),
    "home": os.listdir(os.environ["HOME"]),
    "random": [random.random(), uuid.uuid4().hex, secrets.token_hex(4), random.Random().random()],
    "listing": os.listdir("names"), "cpus": len(os.sched_getaffinity(0)),
    "depth": len(os.getcwd()),
    "order": os.environ.get("CHIMERA_PROOF_ORDER_SEED"), "modules": "sitecustomize" in sys.modules,
}), file=open("seen.json", "w"))
open(os.path.join(os.environ["HOME"], "been"), "w").close()
"""

START = 1_781_690_400.0  # 2026-06-17 10:00 UTC


@pytest.fixture
def observe(bench: Any, tmp_path: Path) -> Any:
    inputs = tmp_path / "inputs"
    (inputs / "names").mkdir(parents=True)
    for name in "abcdefghij":
        (inputs / "names" / name).touch()
    (inputs / "probe.py").write_text(PROBE)
    bench.proof(
        steps=[{"run": "command", "argv": ["python", "probe.py"], "expect": {"exitCode": 0}}],
        artifacts=[{"paths": "seen.json"}],
    )

    def observed(conditions: Conditions | None = None, repetition: int = 1) -> dict[str, Any]:
        setup = Setup(bench.get(), inputs, repetition, None, conditions)
        hook = bench.plugins.hook
        ran = run(
            setup,
            bench.context,
            lambda task: hook.chimera_run_proof_step(task=task),
            lambda: False,
        )
        assert ran.report.finding is Finding.PASS, ran.report.reasons
        seen: dict[str, Any] = json.loads(ran.artifacts["seen.json"])
        return seen

    return observed


def test_repetitions_differ_in_hash_seed_and_path_and_on_demand_in_order() -> None:
    first, second = (Conditions.of_repetition(n, shuffle=True) for n in (1, 2))
    assert first == replace(second, hash_seed=1, nesting=2, order_seed=None)
    assert second.order_seed == 2
    assert Conditions.of_repetition(2, shuffle=False).order_seed is None


def test_what_is_proven_runs_without_anything_added(observe: Any) -> None:
    first, second = observe(repetition=1), observe(repetition=2)
    assert first["hash"] != second["hash"]
    assert second["depth"] == first["depth"] + 1
    assert (first["umask"], first["zone"], first["locale"]) == (0o022, "UTC", "C.UTF-8")
    assert first["home"] == second["home"] == []
    assert not first["modules"]  # no sitecustomize of ours


@pytest.mark.parametrize(
    ("changes", "key", "expected"),
    [
        ({"umask": 0o077}, "umask", 0o077),
        ({"timezone": "Asia/Tokyo"}, "zone", "JST"),
        ({"locale": "C"}, "locale", "C"),
        ({"order_seed": 7}, "order", "7"),
    ],
)
def test_condition_that_is_varied_is_what_a_step_sees(
    observe: Any, changes: dict[str, Any], key: str, expected: Any
) -> None:
    assert observe(Conditions(**changes))[key] == expected


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity here")
def test_processors_can_be_bounded(observe: Any) -> None:
    assert observe(Conditions(cpus=1))["cpus"] == 1


def test_clock_begins_where_it_is_told_to_and_runs(observe: Any) -> None:
    begun = observe(Conditions(clock_start=START))
    for name in ("now", "datetime"):
        assert 0 <= begun[name] - START < 600


def test_random_seed_decides_what_nobody_seeded(observe: Any) -> None:
    one = observe(Conditions(random_seed=1))["random"]
    assert one == observe(Conditions(random_seed=1))["random"]
    assert not set(one) & set(observe(Conditions(random_seed=2))["random"])
    assert len(set(one)) == len(one)


def test_listing_seed_decides_the_order_of_a_folder(observe: Any) -> None:
    one = observe(Conditions(listing_seed=1))["listing"]
    assert one == observe(Conditions(listing_seed=1))["listing"]
    other = observe(Conditions(listing_seed=2))["listing"]
    assert one != other
    assert sorted(one) == sorted(other) == list("abcdefghij")


def test_home_that_is_not_fresh_is_the_one_an_earlier_run_left(observe: Any) -> None:
    used = Conditions(fresh_home=False)
    assert [observe(used)["home"], observe(used)["home"]] == [[], ["been"]]
    assert observe(Conditions())["home"] == []


def test_replaced_dates_pass_for_those_that_they_replace(tmp_path: Path) -> None:
    conditions = Conditions(clock_start=START, random_seed=1, listing_seed=1)
    variables = conditions.variables(tmp_path)
    (tmp_path / "b").touch()
    script = """
import datetime, glob, os, pathlib, pickle, random, shutil, sys, tempfile, time
before = datetime.datetime.fromtimestamp(0)
assert isinstance(before, datetime.datetime) and isinstance(before, datetime.date)
assert isinstance(datetime.datetime.now() - before, datetime.timedelta)
assert pickle.loads(pickle.dumps(datetime.datetime.now())) < datetime.datetime.now()
assert pickle.loads(pickle.dumps(random.Random(3))).random() == random.Random(3).random()
assert not isinstance(datetime.date.today(), datetime.datetime)
assert isinstance(datetime.datetime.strptime("2026", "%Y"), datetime.datetime)
assert time.localtime(0).tm_year in (1969, 1970) and time.strftime("%Y", time.gmtime(0)) == "1970"
with os.scandir(sys.argv[1]) as entries:
    assert "b" in [entry.name for entry in entries]
paths = pathlib.Path(sys.argv[1]).iterdir()
assert sorted(os.listdir(sys.argv[1])) == sorted(p.name for p in paths)
assert [b"b"] == [n for n in os.listdir(os.fsencode(sys.argv[1])) if n == b"b"]
shutil.copytree(sys.argv[1], tempfile.mkdtemp() + "/copy")
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path), **variables},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
