"""A misspelt field or value comes with what was meant: where it stands first, then elsewhere."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.kinds import Discriminator, Field, Items, Model, Registry, Tag, validate_model
from chimera.kinds.kind import Metadata
from chimera.kinds.meaning import field_help
from chimera.model import Place
from chimera.plugin import load_plugins

REGISTRY = Registry.collect(load_plugins())


class Deep(Model):
    timeout: int = 0
    timeline: int = 0


class Shell(Model):
    run: Literal["shell"]
    argv: Items[str] = ()
    deep: Deep | None = None


class Wait(Model):
    run: Literal["wait"]
    seconds: int = 0


class Other(Model):
    run: str
    inputs: dict[str, Any] = Field(default_factory=dict)


def tag(value: Any) -> str:
    run = value.get("run") if isinstance(value, dict) else None
    return run if run in {"shell", "wait"} else "other"


class Spec(Model):
    other_words = MappingProxyType({"pace": "mode", "id": "metadata.name"})

    timeouts: int = 0
    mode: Literal["fast", "careful"] = "fast"
    plain: Annotated[Shell | Wait, Field(discriminator="run")] | None = None
    step: (
        Annotated[
            Annotated[Shell, Tag("shell")]
            | Annotated[Wait, Tag("wait")]
            | Annotated[Other, Tag("other")],
            Discriminator(tag),
        ]
        | None
    ) = None
    many: Items[Deep] = ()
    by_name: dict[str, Deep] = Field(default_factory=dict)


def helps(value: Any) -> list[str | None]:
    _, faults = validate_model(Spec, value, Place("a.yaml", 0, ("spec",)), "Gate/a")
    return [fault.help for fault in faults]


@pytest.mark.parametrize(
    ("value", "help"),
    [
        ({"timeuts": 1}, "did you mean timeouts?"),
        ({"byname": {}}, "did you mean byName?"),
        ({"many": [{"timeuot": 1}]}, "did you mean timeout?"),
        ({"byName": {"x": {"timelin": 1}}}, "did you mean timeline?"),
        ({"plain": {"run": "shell", "arv": []}}, "did you mean argv?"),
        ({"plain": {"run": "shell", "deep": {"timeot": 1}}}, "did you mean timeout?"),
        ({"step": {"run": "shell", "deep": {"timeot": 1}}}, "did you mean timeout?"),
        ({"plain": {"run": "wait", "argv": []}}, "did you mean run: shell? That has argv"),
        ({"step": {"run": "shel", "argv": []}}, "did you mean run: shell? That has argv"),
        ({"step": {"run": "wait", "zzz": 1}}, "remove it; there is: run, seconds"),
        ({"inputs": {}}, "did you mean step.inputs?"),
        ({"pace": "fast"}, "did you mean mode?"),
        ({"id": "a"}, "did you mean metadata.name?"),
        ({"deep": {"pace": 1}}, "did you mean plain.deep?"),
    ],
)
def test_an_unknown_field_comes_with_the_nearest_of_its_own_place(value: Any, help: str) -> None:
    assert helps(value) == [help]


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ({"mode": "carefull"}, "did you mean careful? "),
        ({"mode": "Fast"}, "did you mean fast? "),
        ({"mode": "zzz"}, ""),
        ({"mode": 3}, ""),
        ({"plain": {"run": "shel"}}, "did you mean shell? "),
        ({"plain": {"run": "zzz"}}, ""),
    ],
)
def test_a_misspelt_value_comes_with_the_nearest(value: Any, meant: str) -> None:
    (help,) = helps(value)
    assert help is not None
    assert help.startswith(f"{meant}`chimera explain Gate.spec.")


@given(st.sampled_from(sorted(REGISTRY.kinds)), st.text("abcdefgiknoprst", max_size=9), st.data())
def test_what_was_written_is_never_what_was_meant(
    kind: str, name: str, data: st.DataObject
) -> None:
    spec = REGISTRY.kinds[kind].spec
    fields = [info.alias or field for field, info in spec.model_fields.items()]
    loc = (*data.draw(st.lists(st.sampled_from([*fields, 0]), max_size=3)), name)
    said = field_help(spec, loc)
    assert f"did you mean {name}?" != said
    assert said


def every_choice() -> list[tuple[str, str]]:
    """Return each field of a kind's spec that takes one of some words, with the words."""
    found = []
    for kind in REGISTRY:
        for field, info in kind.spec.model_fields.items():
            schema = kind.spec.model_json_schema(by_alias=True)["properties"]
            words = schema.get(info.alias or field, {}).get("enum", ())
            found += [(f"{kind.name}.{info.alias or field}", word) for word in words]
    return found


@pytest.mark.parametrize(("route", "word"), every_choice())
def test_each_word_that_a_field_takes_is_found_from_a_misspelling(route: str, word: str) -> None:
    kind, _, field = route.partition(".")
    spec = REGISTRY.kinds[kind].spec
    _, faults = validate_model(spec, {field: f"{word}x"}, Place("a", 0, ("spec",)), f"{kind}/a")
    (fault,) = [f for f in faults if f.where.route == ("spec", field)]  # type: ignore[union-attr]
    assert fault.help is not None
    assert fault.help.startswith(f"did you mean {word}?")


@pytest.mark.parametrize(
    ("kind", "loc", "meant"),
    [
        ("Workflow", ("executionMode",), "mode"),
        ("Workflow", ("id",), "metadata.name"),
        ("Workflow", ("name",), "metadata.name"),
        ("Workflow", ("description",), "metadata.description"),
        ("Workflow", ("stages", 0, "moduleType"), "module"),
        ("Workflow", ("stages", 0, "conditions"), "when"),
        ("Module", ("moduleType",), "type"),
        ("Module", ("id",), "metadata.name"),
    ],
)
def test_words_of_the_orchestration_vocabulary_lead_to_the_fields_of_a_kind(
    kind: str, loc: tuple[str | int, ...], meant: str
) -> None:
    assert field_help(REGISTRY.kinds[kind].spec, loc) == f"did you mean {meant}?"


def test_a_translated_word_names_a_field_that_there_is() -> None:
    for kind in REGISTRY:
        fields = {info.alias or name for name, info in kind.spec.model_fields.items()}
        of_metadata = {f"metadata.{name}" for name in Metadata.model_fields}
        assert set(kind.spec.other_words.values()) <= fields | of_metadata
        assert not fields & set(kind.spec.other_words)
