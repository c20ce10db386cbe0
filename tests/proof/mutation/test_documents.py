import pytest

from chimera.kinds import Registry
from chimera.model import ChimeraError
from chimera.proof.mutation import documents, text

PLAIN = "retries: 3 # kept\nname: a\nwaits: [1.5, 2]\nis_on: true\n"


def mutated(source, registry=None):
    registry = registry or Registry({}, {})
    found = {}
    for change in documents.changes("a.yaml", source.encode(), registry):
        try:
            found[change.label] = change.apply(source.encode()).decode()
        except ChimeraError:
            continue
    return found


def test_values_items_and_keys_are_changed_and_the_rest_is_kept():
    found = mutated(PLAIN)
    assert found["retries is one more"] == PLAIN.replace("3", "4")
    assert found["retries is one less"] == PLAIN.replace("3", "2")
    assert found["is_on becomes false"] == PLAIN.replace("true", "false")
    assert found["name is emptied"] == PLAIN.replace("name: a", 'name: ""')
    assert found["waits.0 is one more"] == PLAIN.replace("1.5", "2.5")
    assert "1.5" not in found["waits.0 is removed"]
    assert "retries" not in found["retries is removed"]
    assert "# kept" in found["name is removed"]


def test_words_become_their_neighbours_and_names_stay(bench):
    bench.proof()
    source = (bench.root / "proofs/answer.yaml").read_text()
    found = mutated(source, bench.load().snapshot.registry)
    assert '"phase": "rollback"' in found["spec.phase becomes rollback"]
    assert not any(label.startswith(("metadata", "kind", "apiVersion")) for label in found)


def test_a_document_that_is_none_any_more_is_told(bench):
    bench.proof()
    registry = bench.load().snapshot.registry
    source = (bench.root / "proofs/answer.yaml").read_text()
    found = mutated(source, registry)
    valid = {
        label: documents.is_valid("a.yaml", t.encode(), registry) for label, t in found.items()
    }
    assert not valid["spec.claim is removed"]
    assert valid["spec.phase becomes rollback"]
    assert not documents.is_valid("a.yaml", b"{", registry)


@pytest.mark.parametrize("source", ["", "- 1\n", "{", "\x00"])
def test_what_is_no_mapping_is_left_alone(source):
    assert mutated(source) == {}


def test_lines_and_numbers_of_other_files_are_changed():
    source = b"a 12\n\nb\n"
    found = {change.label: change.apply(source) for change in text.changes(source)}
    assert found["the number is one more"] == b"a 13\n\nb\n"
    assert found["the number is one less"] == b"a 11\n\nb\n"
    lines = [c.apply(source) for c in text.changes(source) if c.label == "the line is deleted"]
    assert lines == [b"\nb\n", b"a 12\n\n"]
    assert list(text.changes(b"\0 1")) == []
