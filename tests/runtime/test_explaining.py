"""What is told of operations, and whom a misspelt name meant."""

from __future__ import annotations

from functools import cache

import pytest

from chimera.kinds import Explanation, Registry
from chimera.model import UsageError
from chimera.plugin import load_plugins
from chimera.render.explanations import explanation_json, explanation_text, operations_text
from chimera.runtime.explaining import OperationExplanation, explain_any, explain_operations


@cache
def registry() -> Registry:
    return Registry.collect(load_plugins())


def operation(name: str) -> OperationExplanation:
    found = explain_any(registry(), name)
    assert isinstance(found, OperationExplanation)
    return found


def test_every_operation_is_listed_with_its_room() -> None:
    lines = operations_text(explain_operations(registry())).splitlines()
    assert [line.split()[0] for line in lines[1:]] == sorted(
        {operation.name for operation in registry().operations.values()}
    )
    assert "file.write workflow Write a text file." in [" ".join(line.split()) for line in lines]


@pytest.mark.parametrize("name", sorted(registry().operations))
def test_every_input_and_output_of_an_operation_is_described(name: str) -> None:
    found = operation(name)
    fields = (*found.inputs.fields, *found.outputs.fields)
    assert found.inputs.fields
    assert found.outputs.fields
    assert [field.name for field in fields if len(field.description) < 4] == []


def test_configuration_of_a_type_of_module_is_told() -> None:
    found = explain_any(registry(), "Module.context")
    assert isinstance(found, Explanation)
    assert [field.name for field in found.fields] == ["maxContexts", "defaultTtl", "enableCaching"]
    assert isinstance(explain_any(registry(), "Module.version"), Explanation)


def test_inputs_are_told_with_their_types_and_defaults() -> None:
    text = explanation_text(operation("command"))
    assert "  argv  list of string  (required)\n" in text
    assert "  env  map of string\n" in text
    assert "  cwd  string  (default .)\n" in text
    assert "CHIMERA_KEY" in text
    assert text.index("INPUTS") < text.index("OUTPUTS") < text.index("  exitCode  ")


def test_an_operation_is_the_same_as_json() -> None:
    told = explanation_json(operation("file.read"))
    assert (told["operation"], told["room"], told["effects"]) == ("file.read", "workflow", False)
    assert [field["name"] for field in told["inputs"]["fields"]] == [
        "path",
        "jsonOutput",
        "maxBytes",
    ]


@pytest.mark.parametrize(
    ("route", "shown", "inside"),
    [
        ("plan.create.steps", "plan.create.inputs.steps", "operation"),
        ("plan.create.inputs.steps", "plan.create.inputs.steps", "dependencies"),
        ("context.createContext.outputs.context", "context.createContext.outputs.context", ""),
        ("resources.allocate.outputs.lease", "resources.allocate.outputs.lease", "amounts"),
    ],
)
def test_what_stands_inside_an_input_or_output_is_told(route: str, shown: str, inside: str) -> None:
    found = explain_any(registry(), route)
    assert isinstance(found, Explanation)
    assert found.route == shown
    assert inside in [field.name for field in found.fields] or not inside


def test_a_field_that_an_operation_lacks_gets_those_that_it_has() -> None:
    with pytest.raises(
        UsageError, match=r"no field in plan\.create\.inputs named 'stpes'"
    ) as refused:
        explain_any(registry(), "plan.create.stpes")
    assert refused.value.help == "did you mean steps?"


def test_the_first_word_of_several_operations_gets_them_all() -> None:
    with pytest.raises(UsageError, match="http is several operations") as refused:
        explain_any(registry(), "http")
    assert refused.value.help == "there is: http.get, http.send"


def test_variants_stand_under_headings() -> None:
    found = explain_any(registry(), "Proof.controls")
    text = explanation_text(found)
    assert (
        "  mutate: delete\n      Deletes an input file.\n    mutate  'delete'  (required)" in text
    )
    assert explanation_json(found)["variants"][1]["name"] == "mutate: delete"


def test_kinds_and_fields_are_explained_as_before() -> None:
    assert isinstance(explain_any(registry(), "workflow.stages"), Explanation)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("comand", "command"),
        ("file.wirte", "file.write"),
        ("opertions", "operations"),
        ("polcy", "Policy"),
        ("Polcy.match.kinds", "Policy"),
        ("policy.mtach", "match"),
    ],
)
def test_a_misspelt_name_gets_a_suggestion(name: str, meant: str) -> None:
    with pytest.raises(UsageError) as refused:
        explain_any(registry(), name)
    assert refused.value.help == f"did you mean {meant}?"


def test_a_name_like_no_other_is_sent_to_the_lists() -> None:
    with pytest.raises(UsageError, match="no kind or operation named 'zzz'") as refused:
        explain_any(registry(), "zzz")
    assert "chimera explain operations" in str(refused.value.help)
