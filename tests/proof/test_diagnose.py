from dataclasses import replace
from typing import get_args

import pytest

from chimera.cli.commands.prove import _VARIED
from chimera.proof.diagnose import diagnose
from chimera.proof.factors import FACTORS, FIXED, FactorName, Varied, conditions_of
from chimera.proof.running.conditions import Conditions

MOST_RUNS = 40


def diagnosis(bench, script, *names, artifacts=("out",), **options):
    """Diagnose a script; only the named factors are varied, where any are, to be quick."""
    bench.write("src/answer.py", f"import os\n{script}\nopen('out', 'w').write(str(said))\n")
    step = {"run": "command", "argv": ["python", "src/answer.py"], "expect": {"exitCode": 0}}
    bench.proof(steps=[step], artifacts=[{"paths": path} for path in artifacts])
    loaded = bench.load()
    return diagnose(
        bench.get(loaded=loaded),
        loaded.snapshot,
        bench.context,
        lambda task: bench.plugins.hook.chimera_run_proof_step(task=task),
        factors=[factor for factor in FACTORS if not names or factor.name in names],
        **options,
    )


def test_what_agrees_has_no_cause_and_nothing_is_kept(bench):
    found = diagnosis(bench, "said = 42", tries=1)
    assert (found.causes, found.repeated, found.unexplained) == ((), (), ())
    assert not found.differs
    assert found.conclusion == "nothing: its runs agree whatever is varied"
    assert 20 < found.runs <= MOST_RUNS
    assert found.left_out["test order"] == "no step runs tests"
    assert not (bench.root / ".chimera").exists()


def test_every_cause_is_named_with_the_difference_that_shows_it(bench):
    script = "import time, random\nsaid = f'{time.time()}\\n{random.random()}\\n'"
    found = diagnosis(bench, script, "hash", "clock", "random")
    assert [cause.factor.name for cause in found.causes] == ["clock", "random"]
    assert [cause.divergences[0].line for cause in found.causes] == [1, 2]
    assert found.conclusion == "the time and randomness"
    assert found.causes[0].shown == (
        "differs when the clock differs and nothing else does (the present)"
    )


def test_what_nothing_holds_still_is_called_unknown(bench):
    found = diagnosis(bench, "said = open('/dev/urandom', 'rb').read(8).hex()", "hash", "path")
    assert found.causes == ()
    assert found.unexplained
    assert found.conclusion.startswith("unknown: ")


def test_where_objects_lie_is_told_once_though_much_moves_them(bench):
    found = diagnosis(bench, "said = object()", "addresses", "locale", "home", "hash")
    assert [cause.factor.name for cause in found.causes] == ["addresses"]


def test_a_cause_is_found_beside_what_nothing_holds_still(bench):
    noise = "open('noise', 'w').write(open('/dev/urandom', 'rb').read(8).hex())"
    script = f"{noise}\nsaid = hash('x')"
    found = diagnosis(bench, script, "hash", "path", artifacts=("out", "noise"))
    assert [cause.factor.name for cause in found.causes] == ["hash"]
    assert [divergence.what for divergence in found.unexplained] == ["artifact noise"]
    assert found.conclusion == "hash order, and something that nothing here holds still"


def test_factors_that_matter_only_together_are_told_from_none(bench):
    found = diagnosis(
        bench,
        "deep = len(os.path.basename(os.path.dirname(os.getcwd()))) > 2\n"
        "said = deep and os.environ['PYTHONHASHSEED'] != '1'",
        *("hash", "path"),
    )
    assert found.causes == ()
    assert found.repeated
    assert found.conclusion.startswith("several factors together")


def test_every_factor_changes_what_is_held_still():
    assert [factor.name for factor in FACTORS] == list(get_args(FactorName))
    for factor in FACTORS:
        for changes in factor.alternatives:
            assert replace(FIXED, **changes) != FIXED, factor.name
        for changes in factor.repeated:
            assert replace(Conditions(), **changes) != Conditions(), factor.name


def test_a_proof_may_vary_what_has_something_to_vary_to():
    can = {factor.name for factor in FACTORS if factor.repeated}
    assert set(get_args(Varied)) == can
    assert set(_VARIED) == can | {"all"}


@pytest.mark.parametrize("name", get_args(Varied))
def test_the_first_repetition_and_controls_keep_what_is_pinned(name):
    for number in (0, 1):
        kept = replace(conditions_of(number, False, [name]), fresh_home=True)
        assert kept == Conditions.of_repetition(number, False)
    assert conditions_of(2, False, [name]) != Conditions.of_repetition(2, False)


def test_later_repetitions_take_turns():
    zones = [conditions_of(number, False, ["timezone"]).timezone for number in range(1, 6)]
    assert zones == ["UTC", "<+14>-14", "<-11>+11", "<+14>-14", "<-11>+11"]
    assert conditions_of(0, False, ["home"]).fresh_home  # a control is alone
