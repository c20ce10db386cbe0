"""What check says of Module documents, each rule at its place."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.coordination.checks import judge
from chimera.builtin.coordination.compatibility import breaks
from chimera.builtin.coordination.kinds import ModuleSpec
from chimera.documents import open_work_tree
from chimera.kinds import Registry, load_snapshot, read_source
from chimera.model import Diagnostic
from tests.builtin.coordination.conftest import ROOT

Check = Callable[..., tuple[Diagnostic, ...]]


@pytest.fixture
def check(tmp_path: Path, faults_by: Callable[..., tuple[Diagnostic, ...]]) -> Check:
    """Return what is wrong with modules whose specs are the given YAML, by name."""

    def run(**specs: str) -> tuple[Diagnostic, ...]:
        (tmp_path / "specs").mkdir()
        for name, spec in specs.items():
            head = f"apiVersion: chimera/v1\nkind: Module\nmetadata: {{name: {name}}}\nspec:\n"
            body = textwrap.indent(textwrap.dedent(spec).strip(), "  ")
            (tmp_path / "specs" / f"{name}.yaml").write_text(head + body + "\n")
        return faults_by(lambda subject: judge(subject.snapshot))

    return run


def told(faults: Iterable[Diagnostic]) -> list[tuple[str, int]]:
    return [(fault.rule, fault.span.line) for fault in faults]


SOUND = """
    type: context
    version: 1.0.0-alpha
    capabilities: [context.create, context.createContext]
    dependencies: [{module: Module/role, version: ^1.0.0}]
    configuration: {maxContexts: 5, defaultTtl: 90s}
    healthCheck: {checks: [state]}
    startupTimeout: 5s
"""
ROLE = "{type: role, version: 1.4.2}"


def test_sound_modules_have_no_faults(check: Check) -> None:
    assert check(context=SOUND, role=ROLE) == ()


def test_shipped_modules_have_no_faults(registry: Registry) -> None:
    loaded = load_snapshot(read_source(open_work_tree(ROOT)), registry)
    verdicts = list(judge(loaded.snapshot))

    assert {verdict.subject for verdict in verdicts} == {f"Module/{t}" for t in registry.modules}
    assert not [fault for verdict in verdicts for fault in verdict.diagnostics]
    shipped = {d.spec.type: d.spec for d in loaded.snapshot.of_model(ModuleSpec)}
    assert shipped["context"].version == "1.0.0-alpha"
    assert shipped["context"].configuration == {
        "maxContexts": 1000,
        "defaultTtl": "1h",
        "enableCaching": True,
    }


def test_type_that_nobody_registers_is_named_with_the_nearest(check: Check) -> None:
    (fault,) = check(it="type: contxt\nversion: 1.0.0")

    assert (fault.rule, fault.span.line, fault.span.column) == ("module-type-unknown", 5, 9)
    assert fault.help == "did you mean context?"


def test_second_module_of_a_type_is_refused(check: Check) -> None:
    (fault,) = check(one=ROLE, two=ROLE)

    assert (fault.rule, fault.span.path) == ("module-type-duplicate", "specs/two.yaml")
    assert fault.related[0].message == "the first one stands here"


def test_capabilities_must_be_registered_and_the_modules_own(check: Check) -> None:
    faults = check(
        it="""
        type: role
        version: 1.0.0
        capabilities:
          - role.create
          - role.creat
          - plan.create
        """
    )

    assert told(faults) == [("module-capability-unknown", 9), ("module-capability-foreign", 10)]
    assert faults[0].help == "did you mean role.create?"


def test_configuration_is_held_to_the_model_of_its_type(check: Check) -> None:
    faults = check(
        it="""
        type: context
        version: 1.0.0
        configuration:
          maxContexts: 0
          defaultTtl: 3600
          enableCache: true
        """
    )

    assert {line for _, line in told(faults)} == {8, 9, 10}
    assert [fault.rule for fault in faults if fault.span.line == 10] == ["field-unknown"]
    assert "enableCaching" in next(f.help for f in faults if f.span.line == 10)
    assert any(fault.rule == "duration-invalid" for fault in faults)
    assert any("`chimera explain Module.context`" in (fault.help or "") for fault in faults)


def test_missing_dependency_dangles(check: Check) -> None:
    (fault,) = check(it=SOUND)

    assert (fault.rule, fault.message) == ("reference-dangling", "there is no Module/role")


def test_prerelease_that_a_range_excludes_is_explained(check: Check) -> None:
    (fault,) = check(
        context="type: context\nversion: 1.0.0-alpha",
        plan="""
        type: plan
        version: 1.0.0
        dependencies:
          - module: Module/context
            version: ^1.0.0
        """,
    )

    assert (fault.rule, fault.span.line, fault.span.column) == ("module-version-excluded", 9, 16)
    assert "1.0.0-alpha is a prerelease, and a range admits a prerelease only" in fault.message
    assert "(^1.0.0-alpha or >=1.0.0-alpha)" in fault.help
    assert fault.related[0].message == "its version is 1.0.0-alpha"


@pytest.mark.parametrize("range", ["^1.0.0-alpha", '">=1.0.0-alpha"', "1.0.0-alpha"])
def test_range_that_names_the_prerelease_admits_it(check: Check, range: str) -> None:
    assert not check(
        context="type: context\nversion: 1.0.0-alpha",
        plan=f"""
        type: plan
        version: 1.0.0
        dependencies: [{{module: Module/context, version: {range}}}]
        """,
    )


def test_range_that_cannot_be_read_is_refused(check: Check) -> None:
    (fault,) = check(context=SOUND.replace("^1.0.0", "newest"), role=ROLE)

    assert (fault.rule, fault.span.line) == ("module-range-invalid", 8)


@pytest.mark.parametrize("version", ["1.0.0-01", "v1.0.0", "'1.0'"])
def test_version_that_is_none_is_refused(check: Check, version: str) -> None:
    (fault,) = check(it=f"type: role\nversion: {version}")

    assert (fault.rule, fault.span.line) == ("version-invalid", 6)


def test_circle_of_dependencies_is_named_once_with_its_way(check: Check) -> None:
    def needs(type: str, *others: str) -> str:
        listed = ", ".join(f"{{module: Module/{other}, version: '*'}}" for other in others)
        return f"type: {type}\nversion: 1.0.0\ndependencies: [{listed}]"

    (fault,) = check(
        a=needs("context", "b"), b=needs("role", "c"), c=needs("trace", "a"), d=needs("plan", "a")
    )
    assert fault.rule == "module-dependency-cycle"
    assert "Module/a → Module/b → Module/c → Module/a" in fault.message


def test_module_that_needs_itself_is_a_circle(check: Check) -> None:
    (fault,) = check(
        a="type: role\nversion: 1.0.0\ndependencies: [{module: Module/a, version: '*'}]"
    )

    assert "Module/a → Module/a" in fault.message


def spec(**more: Any) -> ModuleSpec:
    return ModuleSpec.model_validate({"type": "role", "version": "1.0.0", **more})


def test_update_breaks_who_depends_on_what_is_gone() -> None:
    before = spec(capabilities=["role.create", "role.get"])

    assert not list(breaks(before, before))
    assert not list(breaks(before, spec(version="1.9.0", capabilities=["role.create", "role.get"])))
    assert list(breaks(before, spec(type="plan", version="2.0.0", capabilities=["role.get"]))) == [
        "the module is of the type plan, no longer role",
        "the major version is 2, no longer 1",
        "the capability role.create is gone",
    ]
