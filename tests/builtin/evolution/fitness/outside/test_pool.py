"""Python fitnesses in worker processes: what fails is told, and nothing else depends on it."""

import os
import signal
import threading
import time

import numpy as np
import pytest

from chimera.builtin.evolution.fitness.outside import pool as pools
from chimera.builtin.evolution.fitness.outside.pool import Pool
from chimera.builtin.evolution.kinds import (
    BitGene,
    CategoricalGene,
    IntegerGene,
    PermutationGene,
    PythonFitness,
    RealGene,
)
from chimera.context import Context, ProcessCancelledError
from chimera.runtime import PermanentError

GENES = (RealGene(name="x", min=-5.0, max=5.0, count=2),)
SOURCE = """
import math, os, random, sys, time
import numpy as np

def sphere(candidate):
    return sum(value ** 2 for value in candidate["x"])

def faulty(candidate):
    n = int(candidate["x"][0])
    if n == 1: raise ValueError("no good")
    if n == 2: return "text"
    if n == 3: return math.nan
    if n == 4: return -math.inf
    if n == 5: return True
    if n == 6: return None
    if n == 7: sys.exit(3)
    if n == 8: return 10 ** 400
    if n == 9: return [1.0]
    return candidate["x"][1]

def slow(candidate):
    if candidate["x"][0] == 3.0: time.sleep(60)
    return candidate["x"][0]

def deadly(candidate):
    if candidate["x"][0] == 3.0: os._exit(9)
    return candidate["x"][0]

def hungry(candidate):
    held = []
    while candidate["x"][0] == 3.0:
        held.append(bytearray(os.urandom(1 << 20) * 16))
        time.sleep(0.01)
    return candidate["x"][0]

def drawing(candidate):
    return random.random() + np.random.random()

def printing(candidate):
    print("seen", candidate["x"][0])
    return 0.0

def shown(candidate):
    assert candidate == {"r": 0.5, "i": [3, -4], "c": "b", "n": 2.5, "f": True, "b": 1, "p": [1, 0]}
    return 1

def batch(rows):
    assert rows.dtype == np.float64 and rows.flags.c_contiguous
    return (rows ** 2).sum(axis=1)

def short(rows):
    return [1.0]

def mixed(rows):
    return [row[0] if row[0] < 5 else None for row in rows]

def size(rows):
    return [float(len(rows))] * len(rows)

def slow_batch(rows):
    if 3.0 in rows[:, 0]: time.sleep(60)
    return rows[:, 0]

def unspeakable(candidate):
    n = int(candidate["x"][0])
    if n == 1: raise ValueError("\\ud800")
    if n == 2: raise Mute
    return 0.0

class Mute(Exception):
    def __str__(self): raise ValueError

def lying(candidate):
    if candidate["x"][0] == 3.0:
        line = random.choice(LIES).encode() + b"\\n"
        for number in range(3, 20):
            try: os.write(number, line)
            except OSError: pass
    return candidate["x"][0]

TOLD = '{"task": %d, "values": "%s", "failed": %s, "done": true, "seconds": 0}'
LIES = ["5", "[]", "{}", "[" * 5000, '{"task": 3}', TOLD % (3, "", []), TOLD % (3, "AAAA", []),
        TOLD % (3, "A" * 86 + "==", []), TOLD % (3, "AAAAAAAAAAA=", [[7, "nan", ""]])]

def napping(candidate):
    time.sleep(0.1)
    return candidate["x"][0]
"""


def numbers(*firsts):
    return np.array([(float(first), 7.0) for first in firsts])


@pytest.fixture
def open_pool(tmp_path):
    (tmp_path / "fit.py").write_text(SOURCE)

    def make(function, genes=GENES, workers=1, log=lambda text: None, **options):
        known = {name: options.pop(name) for name in ("memory", "cancelled", "seed")
                 if name in options}  # fmt: skip
        value = {"module": "fit.py", "function": function, **options}
        return Pool(
            PythonFitness.model_validate(value),
            genes,
            tmp_path,
            Context.system(),
            workers=workers,
            log=log,
            **known,
        )

    return make


def test_values_come_in_the_order_of_candidates_for_any_number_of_workers(open_pool):
    rows = np.random.default_rng(3).uniform(-5, 5, (200, 2))
    expected = [float(sum(value**2 for value in row)) for row in rows.tolist()]
    for workers in (1, 3):
        with open_pool("sphere", workers=workers) as pool:
            assert pool.evaluate(rows).values.tolist() == expected
            assert pool.evaluate(rows[:3]).values.tolist() == expected[:3]  # workers are warm
            assert len(pool.evaluate(rows[:0]).values) == 0


def test_what_is_no_number_is_invalid_and_counted_by_cause(open_pool):
    with open_pool("faulty") as pool:
        found = pool.evaluate(numbers(*range(10), 1))
    assert np.isnan(found.values).tolist() == [False, *[True] * 10]
    assert found.values[0] == 7.0
    assert found.failures.counts == {"exception": 3, "type": 4, "nan": 1, "infinite": 2}
    assert found.failures.first["exception"] == "ValueError: no good"
    assert found.failures.first["type"] == "a fitness is a number, and this is str 'text'"
    assert found.failures.total == 10


@pytest.mark.parametrize("workers", [1, 2])
def test_a_candidate_that_takes_too_long_is_ended_and_no_other(open_pool, workers):
    with open_pool("slow", workers=workers, timeout="200ms") as pool:
        found = pool.evaluate(numbers(*range(8)))
    assert found.values[[0, 1, 2, 4, 5, 6, 7]].tolist() == [0, 1, 2, 4, 5, 6, 7]
    assert found.failures.counts == {"timeout": 1}
    assert found.failures.first["timeout"] == "it took longer than 0.2 s"


def test_a_candidate_that_ends_its_worker_is_invalid_and_no_other(open_pool):
    with open_pool("deadly", workers=2) as pool:
        found = pool.evaluate(numbers(*range(8)))
    assert found.failures.counts == {"worker": 1}
    assert np.isnan(found.values).tolist() == [n == 3 for n in range(8)]


def test_nothing_of_the_tree_stands_in_for_pythons_own_modules(open_pool, tmp_path):
    (tmp_path / "json.py").write_text("raise SystemExit")
    with open_pool("sphere") as pool:
        assert pool.evaluate(numbers(3)).values.tolist() == [58.0]


def test_what_an_exception_says_can_be_written_down(open_pool):
    with open_pool("unspeakable") as pool:
        found = pool.evaluate(numbers(0, 1))
        assert found.failures.first == {"exception": "ValueError: \\ud800"}
        found = pool.evaluate(numbers(0, 2))
        assert found.failures.first == {"exception": "Mute"}


@pytest.mark.parametrize("seed", range(12))
def test_a_candidate_that_answers_for_its_worker_is_invalid_and_no_other(open_pool, seed):
    with open_pool("lying", seed=seed) as pool:
        found = pool.evaluate(numbers(*range(5)))
    assert found.failures.counts == {"worker": 1}
    assert np.isnan(found.values).tolist() == [n == 3 for n in range(5)]


def test_a_candidate_that_takes_too_much_memory_is_invalid_and_no_other(open_pool):
    with open_pool("hungry", memory=400 << 20) as pool:
        found = pool.evaluate(numbers(*range(5)))
    assert found.failures.counts == {"memory": 1}
    assert np.isnan(found.values).tolist() == [n == 3 for n in range(5)]


def test_a_worker_that_somebody_kills_shows_in_no_value(open_pool):
    with open_pool("napping", workers=2) as pool:

        def kill():
            time.sleep(0.35)
            worker = next(iter(pool._workers))
            os.kill(int(worker.running._child._heard["started"]), signal.SIGKILL)

        pool.evaluate(numbers(1, 2))  # both are there
        thread = threading.Thread(target=kill)
        thread.start()
        found = pool.evaluate(numbers(*range(12)))
        thread.join()
    assert found.values.tolist() == list(range(12))
    assert found.failures.total == 0


def test_what_is_drawn_at_random_follows_from_the_candidate_and_the_seed(open_pool):
    rows = numbers(*range(6))
    found = []
    for workers, seed in ((1, 1), (2, 1), (1, 2)):
        with open_pool("drawing", workers=workers, seed=seed) as pool:
            found.append(pool.evaluate(rows[:: -1 if workers == 2 else 1]).values.tolist())
    assert found[0] == found[1][::-1]
    assert found[0] != found[2]
    assert len(set(found[0])) == 6


def test_genes_have_their_own_types(open_pool):
    genes = (
        RealGene(name="r", min=0.0, max=1.0),
        IntegerGene(type="integer", name="i", min=-5, max=5, count=2),
        CategoricalGene(type="categorical", name="c", values=("a", "b")),
        CategoricalGene(type="categorical", name="n", values=(1, 2.5)),
        CategoricalGene(type="categorical", name="f", values=(False, True)),
        BitGene(type="bit", name="b"),
        PermutationGene(type="permutation", name="p", length=2),
    )
    with open_pool("shown", genes) as pool:
        found = pool.evaluate(np.array([[0.5, 3, -4, 1, 1, 1, 1, 1, 0]]))
    assert found.failures.lines() == []
    assert found.values.tolist() == [1.0]


def test_a_batch_gets_an_array_and_gives_a_value_for_each_row(open_pool):
    with open_pool("batch", batch=True, workers=2) as pool:
        rows = np.random.default_rng(5).uniform(-5, 5, (600, 2))
        assert pool.evaluate(rows).values.tolist() == (rows**2).sum(axis=1).tolist()


@pytest.mark.parametrize("workers", [1, 3])
def test_batches_are_the_same_for_any_number_of_workers(open_pool, workers):
    with open_pool("size", batch=True, workers=workers) as pool:
        found = pool.evaluate(np.zeros((pools.BATCH + 10, 2)))
    assert found.values.tolist() == [float(pools.BATCH)] * pools.BATCH + [10.0] * 10


def test_a_batch_that_fails_fails_for_all_its_candidates(open_pool):
    with open_pool("short", batch=True) as pool:
        found = pool.evaluate(numbers(1, 2, 3))
    assert found.failures.counts == {"count": 3}
    assert "3 candidates were given, and 1 values came back" in found.failures.lines()[0]
    with open_pool("slow_batch", batch=True, timeout="200ms") as pool:
        assert pool.evaluate(numbers(1, 3)).failures.counts == {"timeout": 2}
        assert pool.evaluate(numbers(1, 2)).values.tolist() == [1.0, 2.0]


def test_one_value_of_a_batch_can_be_invalid_alone(open_pool):
    with open_pool("mixed", batch=True) as pool:
        found = pool.evaluate(numbers(1, 7, 3))
    assert np.isnan(found.values).tolist() == [False, True, False]
    assert found.failures.counts == {"type": 1}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def other(candidate): return 0", "has no function fitness"),
        ("fitness = 3", "has no function fitness"),
        ("raise RuntimeError('not today')", "RuntimeError: not today"),
        ("import os; os._exit(4)", "again and again the worker process ended with 4"),
    ],
)
def test_a_module_that_cannot_be_used_is_told_at_once(tmp_path, open_pool, source, message):
    pool = open_pool("fitness")
    (tmp_path / "fit.py").write_text(source)
    with pool, pytest.raises(PermanentError, match=message):
        pool.evaluate(numbers(1))


def test_what_a_function_prints_is_logged(open_pool):
    logged = []
    with open_pool("printing", log=logged.append) as pool:
        pool.evaluate(numbers(1, 2))
        pool.evaluate(numbers(3))
    assert logged[:2] == ["seen 1.0", "seen 2.0"]


def test_a_computation_that_nobody_wants_any_more_is_ended(open_pool):
    began = time.monotonic()
    pool = open_pool("slow", cancelled=lambda: time.monotonic() - began > 0.5)
    with pool, pytest.raises(ProcessCancelledError):
        pool.evaluate(numbers(3))
    assert pool._workers == set()


def test_a_fitness_sees_no_variable_of_ours(tmp_path, open_pool, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    (tmp_path / "fit.py").write_text(
        "import os\ndef fitness(c): return float('SECRET_TOKEN' in os.environ)"
    )
    with open_pool("fitness") as pool:
        assert pool.evaluate(numbers(1)).values.tolist() == [0.0]
