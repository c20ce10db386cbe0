"""A proof can name an operation: it is performed in the export, and what it puts out is judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from chimera import Workspace
from chimera.model import ChimeraError
from chimera.runtime.proving import perform

PROOF = """\
apiVersion: chimera/v1
kind: Proof
metadata: {{name: digest}}
spec:
  claim: the file is what was reviewed
  covers: {{paths: [data.txt]}}
  inputs: [data.txt]
  steps:
    - run: file.digest
      inputs: {{paths: {paths}}}
      expect: {expect}
  controls:
    - {{mutate: replace, path: data.txt, old: content, new: other}}
"""


def prove(root: Path, expect: str, paths: str = "[data.txt]") -> tuple[str, tuple[str, ...]]:
    (root / "proofs").mkdir(exist_ok=True)
    (root / "proofs/digest.yaml").write_text(PROOF.format(expect=expect, paths=paths))
    (root / "data.txt").write_text("content\n")
    result = Workspace.open(root).prove()
    assert not result.diagnostics, result.diagnostics
    (report,) = result.value.proven
    return report.finding.value, report.reasons


@pytest.fixture
def digest(tmp_path: Path) -> str:
    (tmp_path / "data.txt").write_text("content\n")
    from chimera.documents import open_work_tree

    return open_work_tree(tmp_path).digest(["data.txt"])


def test_an_operation_passes_by_the_outputs_that_are_expected(tmp_path: Path, digest: str) -> None:
    assert prove(tmp_path, f'{{digest: "{digest}"}}') == ("pass", ())


def test_an_operation_with_other_outputs_fails(tmp_path: Path) -> None:
    finding, reasons = prove(tmp_path, '{digest: "sha256:0"}')
    assert finding == "fail"
    assert "digest" in reasons[0]


def test_an_operation_that_expects_nothing_cannot_fail(tmp_path: Path) -> None:
    finding, reasons = prove(tmp_path, "{}")
    assert finding == "fail"
    assert "cannot fail" in reasons[0]


def test_an_operation_that_fails_is_named_as_the_author_wrote_it(tmp_path: Path) -> None:
    finding, reasons = prove(tmp_path, "{count: 1}", paths="[missing.txt]")
    assert finding == "fail"
    assert reasons[0].startswith("step 1: operation file.digest: no file matches missing.txt; ")
    assert not any("chimera.runtime" in reason for reason in reasons)


def test_an_operation_that_acts_elsewhere_is_refused_before_and_when_it_is_run(
    tmp_path: Path,
) -> None:
    (tmp_path / "proofs").mkdir()
    text = PROOF.format(expect="{}", paths="[data.txt]").replace("file.digest", "http.get")
    text = text.replace(
        "{paths: [data.txt]}\n      expect", "{url: 'http://localhost/'}\n      expect"
    )
    (tmp_path / "proofs/digest.yaml").write_text(text)
    (tmp_path / "data.txt").write_text("content\n")
    faults = Workspace.open(tmp_path).check().diagnostics
    assert {fault.rule for fault in faults} == {"proof-step-reaches-out"}
    asked = {"operation": "http.get", "inputs": {"url": "http://localhost/"}, "proof": "Proof/p"}
    with pytest.raises(ChimeraError, match="acts outside the exported folder"):
        perform(asked)
