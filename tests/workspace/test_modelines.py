"""The first line that names a schema: right for its file, and the only thing that changes."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chimera.kinds import Registry
from chimera.plugin import load_plugins
from chimera.workspace.modelines import schema_for, with_modeline
from tests.workspace.conftest import Repository

SCHEMA = "../.chimera/schemas/Role.json"
LINE = f"# yaml-language-server: $schema={SCHEMA}"
ROLE = "apiVersion: chimera/v1\nkind: Role\nmetadata: {name: a}\nspec: {members: []}\n"
REGISTRY = Registry.collect(load_plugins())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ROLE, f"{LINE}\n{ROLE}"),
        (f"# why\n\n{ROLE}", f"{LINE}\n# why\n\n{ROLE}"),
        (f"# yaml-language-server: $schema=old.json\n# why\n{ROLE}", f"{LINE}\n# why\n{ROLE}"),
        (f"# why\n#yaml-language-server:  $schema=old\n{ROLE}", f"{LINE}\n# why\n{ROLE}"),
        (f"---\n{ROLE}", f"{LINE}\n---\n{ROLE}"),
        ("kind: Role\r\na: b\r\n", f"{LINE}\r\nkind: Role\r\na: b\r\n"),
        ("kind: Role", f"{LINE}\nkind: Role"),
        (
            "a: |\n  # yaml-language-server: $schema=x\n",
            f"{LINE}\na: |\n  # yaml-language-server: $schema=x\n",
        ),
        ("", f"{LINE}\n"),
    ],
)
def test_the_modeline_is_the_first_line(text: str, expected: str) -> None:
    assert with_modeline(text, SCHEMA) == expected


@given(st.text(st.sampled_from("#a: \n\r$=-")))
@example("# yaml-language-server: $schema=x")
@example("#\r#")
def test_everything_else_stays_and_a_second_time_changes_nothing(text: str) -> None:
    once = with_modeline(text, SCHEMA)
    assert with_modeline(once, SCHEMA) == once
    if "yaml-language-server" not in text:
        assert once.startswith(LINE)
        assert once.endswith(text)
        assert len(once) - len(text) - len(LINE) in {1, 2}


@pytest.mark.parametrize(
    ("path", "kinds", "expected"),
    [
        ("specs/roles/a.yaml", ["Role"], "../../.chimera/schemas/Role.json"),
        ("a.yaml", ["Role", "Role"], ".chimera/schemas/Role.json"),
        ("specs/a.yaml", ["Role", "Gate"], "../.chimera/schemas/chimera.json"),
        ("specs/a.yaml", ["Roel"], "../.chimera/schemas/chimera.json"),
        ("specs/a.yaml", [["Role"][0], None], "../.chimera/schemas/chimera.json"),
        ("specs/a.yaml", [], "../.chimera/schemas/chimera.json"),
    ],
)
def test_a_schema_is_named_as_seen_from_its_file(
    path: str, kinds: list[object], expected: str
) -> None:
    named = schema_for(path, kinds, REGISTRY, ".chimera/schemas")
    assert named == expected
    assert posixpath.normpath(posixpath.join(posixpath.dirname(path), named)).startswith(".chimera")


def test_modelines_are_checked_then_written_then_there(repository: Repository) -> None:
    repository.write("specs/roles/a.yaml", ROLE)
    repository.write("specs/odd.yaml", "kind:   Role # kept\n")
    before = (repository.root / "specs/environments.yaml").read_bytes()
    checked = repository.chimera("fmt", "--modelines", "--check")
    assert checked.code == 1
    assert "would change specs/roles/a.yaml" in checked.out
    assert (repository.root / "specs/environments.yaml").read_bytes() == before
    assert repository.chimera("fmt", "--modelines").code == 0
    after = (repository.root / "specs/environments.yaml").read_bytes()
    assert after.endswith(before)
    odd = (repository.root / "specs/odd.yaml").read_text()
    assert odd == f"{LINE}\nkind:   Role # kept\n"
    done = repository.chimera("fmt", "--modelines", "--check")
    assert (done.code, done.out) == (0, "every document names its schema\n")


def test_a_file_that_cannot_be_read_stays_as_it_is(repository: Repository) -> None:
    repository.write("specs/bad.yaml", "a: [\n")
    done = repository.chimera("fmt", "--modelines")
    assert done.code == 1
    assert "specs/bad.yaml" in done.err
    assert (repository.root / "specs/bad.yaml").read_text() == "a: [\n"
