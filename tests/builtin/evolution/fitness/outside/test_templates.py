"""Genes in the inputs of operations and workflows."""

import pytest
from pydantic import BaseModel

from chimera.builtin.evolution.fitness.outside.templates import faults_in, filled, fitting

GENES = {"x": None, "v": 3}
CANDIDATE = {"x": 0.5, "v": [1, 2, 3], "c": "a${b}"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("${genes.x}", 0.5),
        ("${genes.v}", [1, 2, 3]),
        ("${genes.v.1}", 2),
        ("x=${genes.x}, v=${genes.v}", "x=0.5, v=[1,2,3]"),
        ("${candidate}", CANDIDATE),
        ("$${genes.x}", "${genes.x}"),
        ("$${", "${"),
        ("${genes.c}", "a${b}"),
        ("-${genes.c}", "-a${b}"),
    ],
)
def test_a_reference_takes_the_value_of_the_gene(text, expected):
    assert filled({"a": [text, 1, None]}, CANDIDATE) == {"a": [expected, 1, None]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${genes.y}", "there is no gene 'y'"),
        ("${genes.v.3}", "the gene 'v' has no item 3"),
        ("${genes.x.0}", "the gene 'x' has no item 0"),
        ("${x}", "neither"),
        ("${genes}", "neither"),
        ("${}", "neither"),
        ("${genes.x", "neither"),
        ("${genes.__class__}", "neither"),
    ],
)
def test_a_reference_that_leads_nowhere_is_told_where_it_stands(text, message):
    [(route, told)] = faults_in({"a": ["fine ${genes.x} ${genes.v.2}", text]}, GENES)
    assert route == ("a", 1)
    assert message in told


def test_a_sound_template_has_no_fault():
    value = {"a": "${candidate}", "b": {"c": ["$${", "${genes.v}"]}, "d": 3}
    assert list(faults_in(value, GENES)) == []


class Arguments(BaseModel):
    argv: tuple[str, ...]
    number: float


def test_what_is_no_text_where_text_is_wanted_is_written_out():
    given = {"argv": ["run", 0.1, 3, True, [1]], "number": 0.1}
    assert fitting(Arguments, given) == {"argv": ["run", "0.1", "3", "true", "[1]"], "number": 0.1}
    assert given["argv"][1] == 0.1
