"""Asking fails closed: whoever raises, is missing or meddles has not answered."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pluggy
import pytest

from chimera.model import ChimeraError, Finding, Verdict
from chimera.plugin import ask, hookimpl, hookspecs

YES = Verdict("j", "s", Finding.PASS)


def manager(**plugins: Any) -> pluggy.PluginManager:
    made = pluggy.PluginManager("chimera")
    made.add_hookspecs(hookspecs)
    for name, answer in plugins.items():
        made.register(module(hookimpl(answer)), name)
    return made


def module(implementation: Any) -> ModuleType:
    made = ModuleType("plugin")
    made.chimera_owe = implementation  # type: ignore[attr-defined]
    return made


def asked(*essential: str, **plugins: Any) -> tuple[list[Any], list[str]]:
    answers, silent = ask(manager(**plugins), "chimera_owe", essential, subject="x")
    assert all(v.finding is Finding.FAIL for v in silent)
    return answers, [v.judge for v in silent]


def good(subject: Any) -> list[Verdict]:
    return [YES]


def raising(subject: Any) -> list[Verdict]:
    raise RuntimeError("no")


def refusing(subject: Any) -> list[Verdict]:
    raise ChimeraError("the file is gone")


def halfway(subject: Any) -> Any:
    yield YES
    raise RuntimeError("no")


def nothing(subject: Any) -> Any:
    return None


def test_every_answer_is_kept() -> None:
    assert asked("one", one=good, two=good) == ([YES, YES], [])


def test_nobody_asked_is_nobody_missing() -> None:
    assert asked() == ([], [])


@pytest.mark.parametrize("bad", [raising, refusing, halfway, nothing])
def test_one_that_raises_has_not_answered_and_the_others_are_heard(bad: Any) -> None:
    answers, silent = asked(one=good, bad=bad, three=good)
    assert silent == ["bad"]
    assert answers.count(YES) >= 2


def test_an_essential_one_that_is_missing_is_a_failure() -> None:
    assert asked("one", "gone", "lost", one=good) == ([YES], ["gone", "lost"])


def test_a_message_of_its_own_is_passed_on() -> None:
    _, (verdict,) = ask(manager(bad=refusing), "chimera_owe", (), subject="x")
    assert verdict.reasons == ("the plugin bad could not answer: the file is gone",)


def test_one_that_does_not_care_for_the_question_may_answer() -> None:
    assert asked(one=lambda: [YES]) == ([YES], [])


@pytest.mark.parametrize("options", [{"wrapper": True}, {"hookwrapper": True}])
def test_one_that_wraps_the_others_is_a_failure(options: dict[str, bool]) -> None:
    made = manager(one=good)

    def wrap(subject: Any) -> Any:
        yield

    made.register(module(hookimpl(**options)(wrap)), "meddler")
    answers, silent = ask(made, "chimera_owe", (), subject="x")
    assert answers == [YES]
    assert [v.judge for v in silent] == ["meddler"]
