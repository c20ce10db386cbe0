"""`chimera severity` answers with the graver level when unsure, and says why."""

from __future__ import annotations

import itertools

import pytest
from click import termui
from hypothesis import given
from hypothesis import strategies as st

from chimera.builtin.records.assessing import REPLIES, Reply, assess, questions_of
from chimera.builtin.records.kinds import SeverityModelSpec
from chimera.cli.session import Session
from tests.builtin.records.commands.conftest import Desk

LEVEL = {"name": "n", "meaning": "bad things happen", "response": "r"}
MODEL = SeverityModelSpec.model_validate(
    {
        "levels": [
            {**LEVEL, "id": "low", "rank": 1},
            {**LEVEL, "id": "mid", "rank": 5, "questions": ["Is it slow?", "Do users wait?"]},
            {**LEVEL, "id": "top", "rank": 9, "questions": ["Is data lost?", "Are users charged?"]},
        ]
    }
)


@pytest.mark.parametrize(
    ("text", "level", "why"),
    [
        ("customers were charged twice", "SEV-3", "'charged', as question 2"),
        ("checkout is down", "SEV-1", "'down', as question 5"),
        ("the search is slow", "SEV-2", "'slow', as question 6"),
        ("a typo on the help page", "SEV-3", "nothing in the text speaks for any level"),
    ],
)
def test_what_a_text_says_counts(desk: Desk, text: str, level: str, why: str) -> None:
    found = desk.json("severity", *text.split())
    assert found["level"] == level
    assert why in found["why"]
    assert not found["sure"]


def test_the_graver_of_two_levels_that_ask_about_a_word_is_meant() -> None:
    assert assess(MODEL, "a user complains", {}).level.id == "top"


@pytest.mark.parametrize(
    ("replies", "level", "sure"),
    [
        ({1: "no", 2: "no", 3: "yes"}, "mid", True),
        ({1: "no", 2: "unsure", 3: "no"}, "top", False),
        ({1: "no", 2: "no", 3: "no", 4: "no"}, "low", True),
        ({1: "no", 3: "yes"}, "top", False),  # question 2 is open
        ({}, "top", False),
    ],
)
def test_what_is_answered_decides_and_what_is_open_is_feared(
    replies: dict[int, Reply], level: str, sure: bool
) -> None:
    assessed = assess(MODEL, "", replies)
    assert (assessed.level.id, assessed.is_sure) == (level, sure)


def test_an_answer_outweighs_the_text() -> None:
    assert assess(MODEL, "data is not lost, it is slow", {1: "no"}).level.id == "mid"


def test_a_level_without_questions_asks_for_its_meaning_and_the_least_asks_nothing() -> None:
    levels = [{**LEVEL, "id": "a", "rank": 1}, {**LEVEL, "id": "b", "rank": 0}]
    model = SeverityModelSpec.model_validate({"levels": levels})
    (question,) = questions_of(model)
    assert (question.level.id, question.text) == ("a", "Is this so: bad things happen")
    alone = SeverityModelSpec.model_validate({"levels": levels[:1]})
    assert assess(alone, "x", {}).level.id == "a"


@given(
    st.dictionaries(st.integers(1, 4), st.sampled_from(REPLIES)),
    st.integers(1, 4),
    st.text("users lost slow data", max_size=20),
)
def test_being_less_sure_never_lowers_the_level(
    replies: dict[int, Reply], number: int, text: str
) -> None:
    no, unsure, yes = (assess(MODEL, text, {**replies, number: r}) for r in ("no", "unsure", "yes"))
    assert no.level.rank <= unsure.level.rank == yes.level.rank


def test_without_a_terminal_it_takes_answers_and_asks_nothing(desk: Desk) -> None:
    assert "--answer" in desk.tell("severity", code=4).err
    denied = [f"--answer={number}=no" for number in range(1, 6)]
    assert desk.json("severity", *denied, "--answer", "6=y")["level"] == "SEV-2"
    for wrong in ("9=yes", "1=perhaps", "one=yes", "1="):
        desk.tell("severity", "--answer", wrong, code=4)


def test_on_a_terminal_it_asks_the_gravest_questions_first(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    replies = itertools.chain(["maybe", "no", "no", "no", "yes"])

    def answer(question: str) -> str:
        asked.append(question)
        return next(replies)

    monkeypatch.setattr(Session, "is_interactive", property(lambda _: True))
    monkeypatch.setattr(termui, "visible_prompt_func", answer)
    assert desk.json("severity")["level"] == "SEV-1"
    assert len([*replies]) == 0  # and then it stops


def test_it_says_level_reason_and_questions(desk: Desk) -> None:
    said = desk.tell("severity", "checkout", "is", "down").out
    assert said.startswith("SEV-1  user impact\n  because   the text says 'down'")
    assert "[the text: down]" in said
    assert not list((desk.root / "specs").glob("*incident*"))


def test_of_several_models_one_is_named(desk: Desk) -> None:
    (desk.root / "specs" / "other.yaml").write_text(
        desk.text("specs/sev.yaml").replace("name: sev", "name: other")
    )
    assert "--model: other, sev" in desk.tell("severity", "x", code=4).err
    assert desk.json("severity", "x", "--model", "other")["model"] == "SeverityModel/other"
    for name in ("sev", "other"):
        (desk.root / "specs" / f"{name}.yaml").unlink()
    assert "chimera new SeverityModel" in desk.tell("severity", "x", code=4).err
