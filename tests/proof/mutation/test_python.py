import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.proof.mutation.python import changes


def mutated(source):
    return {change.apply(source.encode()).decode() for change in changes(source.encode())}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a == b", {"a != b"}),
        ("a < b <= c", {"a <= b <= c", "a < b < c"}),
        ("a is not b", {"a is b"}),
        ("a not in b", {"a in b"}),
        ("(a) in (b)", {"(a) not in (b)"}),
        ("a + b", {"a - b"}),
        ("a ** b", {"a * b"}),
        ("a and b or c", {"a or b or c", "a and b and c"}),
        ("not a", {"a"}),
        ("x = 7", {"x = 8", "x = 6"}),
        ("x = 0", {"x = 1", "x = (-1)"}),
        ("x = 1.5", {"x = 2.5"}),
        ("x = True", {"x = False"}),
        ("x = 'text'", {'x = ""'}),
        ("x = b'text'", {'x = b""'}),
    ],
)
def test_expressions_are_changed(source, expected):
    assert expected <= mutated(source)
    assert all("pass" in other or other in expected for other in mutated(source))


def test_statements_are_deleted_negated_and_swapped():
    source = "for x in y:\n    if x:\n        break\n    call(x)\n"
    assert mutated(source) >= {
        source.replace("call(x)", "pass"),
        source.replace("if x", "if not (x)"),
        source.replace("break", "continue"),
    }
    assert "def f():\n    return None\n" in mutated("def f():\n    return x\n")


def test_docstrings_annotations_and_parts_of_texts_stay():
    source = (
        '"""Module."""\ndef f(a: "text" = x) -> 3:\n    """Function."""\n    b: 4\n    f"{a}x"\n'
    )
    assert mutated(source) == {source.replace('f"{a}x"', "pass")}


def test_an_operator_in_a_comment_is_not_taken_for_it():
    source = "x = (a  # == is meant\n  == b)"
    assert "x = (a  # == is meant\n  != b)" in mutated(source)


def test_text_beyond_ascii_is_counted_in_bytes():
    assert "x = 'äöü' if a != 'ß' else 0" in mutated("x = 'äöü' if a == 'ß' else 0")


def test_what_is_no_python_is_left_alone():
    assert mutated("def (:") == set()


@given(st.sampled_from([__file__, ast.__file__]), st.randoms(use_true_random=False))
def test_every_mutant_of_real_code_is_python_still(path, random):
    with open(path, "rb") as file:  # noqa: PTH123
        source = file.read()
    found = list(changes(source))
    for change in random.sample(found, 5):
        after = change.apply(source)
        assert after != source
        compile(after, path, "exec")
