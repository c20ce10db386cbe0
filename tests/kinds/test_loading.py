"""From a tree to a snapshot: addresses, references, roots and folders without `init`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chimera.documents import locate, open_work_tree
from chimera.kinds import check_deletions, check_references, load_snapshot, read_source
from chimera.model import Address


def test_a_second_document_with_an_address_is_a_fault_that_shows_the_first(folder: Any) -> None:
    folder.thing("a", "{size: 1}")
    folder.write("specs/b.yaml", (folder.root / "specs/a.yaml").read_text())
    (fault,) = folder.faults()
    assert (fault.rule, str(fault.span)) == ("document-duplicate", "specs/b.yaml:3:18")
    assert str(fault.related[0].where) == "specs/a.yaml:3:18"
    folder.thing("b", "{size: 1}")
    assert folder.seen() == []


def test_the_same_name_in_two_kinds_is_two_addresses(folder: Any) -> None:
    folder.thing("a")
    folder.write(
        "specs/n.yaml", (folder.root / "specs/a.yaml").read_text().replace("Thing", "Note")
    )
    assert folder.seen() == []


def test_a_dangling_reference_is_a_fault_with_a_suggestion(folder: Any) -> None:
    folder.thing("alpha")
    folder.thing("b", "{needs: [Thing/alpa]}")
    (fault,) = folder.faults()
    assert (fault.rule, str(fault.span)) == ("reference-dangling", "specs/b.yaml:4:16")
    assert fault.help == "did you mean Thing/alpha?"
    folder.thing("b", "{needs: [Thing/alpha]}")
    assert folder.seen() == []


def test_a_reference_to_another_kind_is_a_fault(folder: Any) -> None:
    folder.thing("r", kind="Repository")
    folder.thing("b", "{needs: [Repository/r], friends: {boss: Repository/r}}")
    (fault,) = folder.faults()
    assert (fault.rule, str(fault.span)) == ("reference-kind", "specs/b.yaml:4:16")
    assert fault.message == "Repository/r is not of the kind Thing or Note"


@pytest.mark.parametrize("spec", ["{size: x}", "{zzz: 1}", "[]"])
def test_a_reference_to_a_document_with_faults_of_its_own_is_not_one_more(
    folder: Any, spec: str
) -> None:
    folder.thing("a", spec)
    folder.thing("b", "{needs: [Thing/a]}")
    assert [rule for rule, _ in folder.seen()] in (["field-invalid"], ["field-unknown"])


@pytest.mark.parametrize(
    ("field", "rule"),
    [
        ("size: 9007199254740993", "yaml-number-not-json"),
        (f"size: {'9' * 5000}", "yaml-number-not-json"),
        ("anything: .nan", "yaml-number-not-json"),
        ("size: 1, size: 2", "yaml-duplicate-key"),
    ],
)
def test_a_fault_in_a_value_hides_no_other_fault_of_its_document(
    folder: Any, field: str, rule: str
) -> None:
    folder.thing("a", f"{{{field}, loud: 3, misspelt: 1}}")
    folder.thing("b", "{needs: [Thing/a]}")
    rules = [rule for rule, _ in folder.seen()]
    assert {rule, "field-unknown", "field-invalid"} <= set(rules)
    assert "reference-dangling" not in rules


def test_a_document_with_a_fault_in_a_value_is_never_judged_or_digested(folder: Any) -> None:
    folder.thing("a", "{loud: .nan}")
    loaded = folder.load()
    assert [fault.rule for fault in loaded.diagnostics] == ["yaml-number-not-json"]
    assert Address("Thing", "a") not in loaded.snapshot.documents
    assert loaded.snapshot.digest


def test_an_invalid_neighbour_in_the_same_file_hides_no_dangling_reference(folder: Any) -> None:
    folder.thing("a", "{size: x}\n---\napiVersion: chimera/v1\nkind: Note\nmetadata: {name: n}")
    folder.thing("b", "{needs: [Thing/gone]}")
    assert [rule for rule, _ in folder.seen()] == ["field-invalid", "reference-dangling"]


def test_a_reference_to_a_deleted_document_is_told_as_the_deletion(folder: Any) -> None:
    folder.thing("b", "{needs: [Thing/a, Thing/never]}")
    snapshot = folder.load().snapshot
    gone = Address("Thing", "a")
    (fault,) = locate(check_deletions(snapshot, {gone: "specs/a.yaml"}), snapshot.tree)
    assert (fault.rule, str(fault.span)) == ("reference-deleted", "specs/b.yaml:4:16")
    assert "specs/a.yaml" in fault.message
    folder.thing("a")
    again = folder.load().snapshot
    assert list(check_deletions(again, {gone: "specs/a.yaml"})) == []


def test_references_of_a_large_broken_repository_are_resolved_without_delay(folder: Any) -> None:
    """Each of them once: the count of look-ups grows with the references, not with their square."""
    spec = "{needs: [" + ", ".join(f"Thing/n{i}" for i in range(500)) + "]}"
    folder.thing("b", spec)
    snapshot = folder.load().snapshot
    invalid = {f"Thing/n{i}" for i in range(250)}
    assert len(list(check_references(snapshot, invalid))) == 250


def test_only_the_default_roots_are_read_where_there_are_any(folder: Any) -> None:
    folder.thing("a")
    folder.write("deploy/k8s.yaml", "apiVersion: apps/v1\nkind: Deployment\n")
    folder.write("deploy/t.yaml", "apiVersion: chimera/v1\nkind: Thing\nmetadata: {name: t}\n")
    loaded = folder.load()
    assert list(map(str, loaded.snapshot.documents)) == ["Thing/a"]
    assert (loaded.foreign, loaded.diagnostics) == (0, ())


def test_a_repository_document_names_more_roots(folder: Any) -> None:
    folder.thing("r", "{roots: [services/ops]}", kind="Repository")
    folder.write(
        "services/ops/t.yaml", "apiVersion: chimera/v1\nkind: Thing\nmetadata: {name: t}\n"
    )
    folder.write(
        "services/web/u.yaml", "apiVersion: chimera/v1\nkind: Thing\nmetadata: {name: u}\n"
    )
    folder.thing("a")
    assert list(map(str, folder.load().snapshot.documents)) == [
        "Repository/r",
        "Thing/a",
        "Thing/t",
    ]


@pytest.mark.parametrize("root", ["../outside", "/etc", "a/../../b"])
def test_a_root_outside_the_tree_is_not_read(folder: Any, root: str) -> None:
    folder.thing("r", f"{{roots: ['{root}']}}", kind="Repository")
    assert read_source(open_work_tree(folder.root)).roots == (
        "specs",
        "policies",
        "proofs",
        "changelog",
    )
    assert len(folder.seen()) == 1


def test_a_folder_without_init_is_read_whole(folder: Any) -> None:
    folder.write("a/t.yaml", "apiVersion: chimera/v1\nkind: Thing\nmetadata: {name: t}\n")
    folder.write("b/u.yml", "apiVersion: chimera/v1\nkind: Thing\nmetadata: {name: u}\n")
    assert list(map(str, folder.load().snapshot.documents)) == ["Thing/t", "Thing/u"]


def test_documents_of_other_systems_are_left_aside_with_their_faults(folder: Any) -> None:
    folder.write("t.yaml", "apiVersion: chimera/v1\nkind: Thing\nmetadata: {name: t}\n")
    folder.write("k8s.yaml", "apiVersion: apps/v1\nkind: Deployment\n")
    folder.write("chart.yaml", "{{- if .Values.x }}\napiVersion: v1\n{{- end }}\n")
    loaded = folder.load()
    assert list(map(str, loaded.snapshot.documents)) == ["Thing/t"]
    assert (loaded.foreign, loaded.diagnostics) == (1, ())


def test_a_half_written_document_of_ours_is_a_fault_among_documents_of_other_systems(
    folder: Any,
) -> None:
    folder.write("k8s.yaml", "apiVersion: apps/v1\nkind: Deployment\n")
    folder.write("t.yaml", "apiVersion: chimera/v1\nkind: Thing\nmetadata: {name: t\n")
    assert [str(d.span).partition(":")[0] for d in folder.faults()] == ["t.yaml"]


def test_a_broken_file_alone_is_a_fault(folder: Any) -> None:
    folder.write("t.yaml", "kind: [\n")
    assert len(folder.faults()) == 1


def test_an_empty_folder_has_nothing_and_nothing_wrong(folder: Any) -> None:
    loaded = folder.load()
    assert (dict(loaded.snapshot.documents), loaded.diagnostics) == ({}, ())


def test_a_broken_repository_reports_all_of_its_faults_twice_alike(tmp_path: Path) -> None:
    from tests.kinds.conftest import REGISTRY, Folder

    for name in ("one", "two"):
        folder = Folder(tmp_path / name)
        for i in range(8):
            folder.thing(f"t{i}", f"{{size: x, needs: [Thing/gone{i}], zzz: 1}}")
        folder.write("specs/half.yaml", "apiVersion: chimera/v1\nkind: [\n")
    seen = []
    for name in ("one", "two"):
        loaded = load_snapshot(read_source(open_work_tree(tmp_path / name)), REGISTRY)
        seen.append(locate(loaded.diagnostics, loaded.snapshot.tree))
    assert seen[0] == seen[1]
    assert len(seen[0]) == 17
