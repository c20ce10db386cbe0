"""What a layer forbids its documents is remembered for a tree, and for nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chimera.contract.judge import judge
from chimera.contract.prohibitions import PROHIBITIONS, Prohibition
from chimera.model import Actor


class Kept(dict):
    """A memo in memory."""

    put = dict.__setitem__

    def flush(self):
        """Write nothing."""


WORDS = {prohibition.word: prohibition for prohibition in PROHIBITIONS}


@pytest.fixture
def subject(repository, build):
    """A subject with a memo, in which one document is started as it may not be."""
    repository.write(
        build.contract(build.layer("a", trigger="human", prohibits=["automation"])),
        build.thing("one", "ops/a", trigger="schedule"),
    )
    return lambda memo, **more: replace(repository.subject(), memo=memo, **more)


def test_the_same_is_said_from_memory(subject):
    memo = Kept()
    first = judge(subject(memo), WORDS)
    assert len(memo) == 1
    assert judge(subject(memo), WORDS) == first == judge(subject(Kept()), WORDS)
    assert len(memo) == 1
    assert any(verdict.diagnostics for verdict in first)


def test_nothing_is_asked_again(subject):
    memo = Kept()
    judge(subject(memo), WORDS)
    memo[next(iter(memo))] = [[]]
    (verdict,) = judge(subject(memo), WORDS)
    assert not verdict.diagnostics


def test_an_edit_and_another_actor_are_judged_anew(subject, repository, build):
    memo = Kept()
    judge(subject(memo), WORDS)
    repository.write(build.thing("one", "ops/a", trigger="human"))
    (verdict,) = judge(subject(memo), WORDS)
    assert not verdict.diagnostics
    judge(subject(memo, actor=Actor("robot", "automation")), WORDS)
    assert len(memo) == 3


def test_a_change_and_the_word_of_a_plugin_are_not_remembered(subject):
    memo = Kept()
    judge(subject(memo, changes=()), WORDS)
    judge(subject(memo), {**WORDS, "automation": Prohibition("automation", "", lambda facts: ())})
    assert not memo
