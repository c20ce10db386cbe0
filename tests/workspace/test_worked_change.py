"""The worked change of DESIGN §1, without the signatures that a later version brings.

A pull request edits code and no spec. A gate governs the paths: it owes a proof and a changelog
entry. Evidence is bound to the content, not to the commit.
"""

from __future__ import annotations

from typing import Any

import pytest

PAYMENTS = "paths:src/payments/**"


@pytest.fixture
def payments(repository: Any) -> Any:
    """A team whose payments code is governed."""
    repository.write(
        "src/payments/refund.py", "def refund(paid, asked):\n    return min(paid, asked)\n"
    )
    repository.write("src/other.py", "x = 1\n")
    repository.write(
        "tests/payments/check_refund.py",
        """\
        import sys
        sys.path.insert(0, "src/payments")
        from refund import refund
        assert refund(10, 3) == 3
        assert refund(10, 30) == 10
        print("two refunds checked")
        """,
    )
    repository.write(
        "specs/gates/payments.yaml",
        """\
        apiVersion: chimera/v1
        kind: Gate
        metadata: {name: payments}
        spec:
          match: {paths: ["src/payments/**"]}
          requires:
            proofs: [Proof/refund-invariants]
            records: [ChangelogEntry]
        """,
    )
    repository.write(
        "proofs/refund-invariants.yaml",
        """\
        apiVersion: chimera/v1
        kind: Proof
        metadata: {name: refund-invariants}
        spec:
          claim: nobody is refunded more than was paid
          phase: apply
          inputs: ["src/payments/**", "tests/payments/**"]
          steps:
            - run: command
              argv: [python, tests/payments/check_refund.py]
              expect: {exitCode: 0, stdout: {contains: [two refunds checked]}}
          controls:
            - mutate: replace
              path: src/payments/refund.py
              old: min(paid, asked)
              new: asked
        """,
    )
    return repository


def entry(after: str) -> str:
    return f"""\
        apiVersion: chimera/v1
        kind: ChangelogEntry
        metadata: {{name: refunds}}
        spec:
          date: 2026-11-20
          environment: local
          summary: refunds are capped
          scope: code
          risk: low
          verification: refund 10 of 3 in the shop
          rollback: revert the commit and apply
          answers:
            - target: {PAYMENTS}
              after: {after}
        """


def after_of(plan: Any, target: str) -> str:
    (item,) = (i for i in plan["items"] if i["target"] == target)
    return str(item["after"])


def test_a_change_of_governed_code_is_applied_once_its_proof_and_its_record_are_there(
    payments: Any,
) -> None:
    payments.commit()

    planned = payments.chimera("plan", "-o", "json").json
    owed = {(o["kind"], o["subject"]) for i in planned["items"] for o in i["obligations"]}
    assert owed == {("proof", "Proof/refund-invariants"), ("record", "ChangelogEntry")}

    refused = payments.chimera("apply")
    assert refused.code == 1
    assert "specs/gates/payments.yaml:6:" in refused.out
    assert "no ChangelogEntry names paths:src/payments/**" in refused.out

    payments.write("changelog/2026-11-20-refunds.yaml", entry(after_of(planned, PAYMENTS)))
    payments.commit("enter the change")
    again = payments.chimera("plan", "-o", "json").json
    assert again["digest"] == planned["digest"], "a record never changes the plan"

    applied = payments.chimera("apply", "-o", "json")
    assert applied.code == 0, applied.out + applied.err
    assert [r["proof"] for r in applied.json["reused"]] == ["Proof/refund-invariants"]
    assert payments.chimera("apply").out.endswith("nothing to do\n")


def test_what_a_pull_request_is_told_holds_of_what_its_merge_leaves(payments: Any) -> None:
    payments.commit()
    first = payments.chimera("plan", "-o", "json").json
    payments.write("changelog/first.yaml", entry(after_of(first, PAYMENTS)))
    payments.commit("enter the first change")
    assert payments.chimera("apply").code == 0

    payments.git("checkout", "-q", "-b", "feature")
    payments.write(
        "src/payments/refund.py", "def refund(paid, asked):\n    return min(asked, paid)\n"
    )
    proof = payments.root / "proofs/refund-invariants.yaml"
    proof.write_text(proof.read_text().replace("min(paid, asked)", "min(asked, paid)"))
    payments.commit("refund")
    told = payments.chimera("plan", "--base", "main", "--env", "production", "-o", "json").json
    items = {i["target"]: i["paths"] for i in told["items"] if i["action"] != "no-op"}
    assert items == {
        PAYMENTS: ["src/payments/refund.py"],
        "Proof/refund-invariants": ["proofs/refund-invariants.yaml"],
    }
    second = entry(after_of(told, PAYMENTS)).replace("name: refunds", "name: second")
    payments.write("changelog/second.yaml", second)
    payments.commit("enter the change")
    again = payments.chimera("plan", "--base", "main", "--env", "production", "-o", "json").json
    assert again["digest"] == told["digest"], "a record never changes the plan"

    payments.git("checkout", "-q", "main")
    payments.write("src/other.py", "x = 2\n")
    payments.commit("meanwhile")
    payments.git("merge", "-q", "--no-edit", "feature")
    applied = payments.chimera("apply", "-o", "json")
    assert applied.code == 0, applied.out + applied.err
    assert [r["proof"] for r in applied.json["proven"]] == ["Proof/refund-invariants"]


def test_evidence_survives_an_unrelated_commit_and_dies_with_the_first_relevant_byte(
    payments: Any,
) -> None:
    payments.commit()
    first = payments.chimera("prove", "refund-invariants", "-o", "json")
    assert first.code == 0, first.out + first.err

    payments.write("src/other.py", "x = 2\n")
    payments.commit("unrelated")
    reused = payments.chimera("prove", "refund-invariants", "-o", "json").json
    assert [r["proof"] for r in reused["reused"]] == ["Proof/refund-invariants"]

    payments.write(
        "src/payments/refund.py", "def refund(paid, asked):\n    return asked  # min(paid, asked)\n"
    )
    broken = payments.chimera("prove", "refund-invariants", "-o", "json")
    assert broken.code == 1
    assert broken.json["proven"][0]["finding"] == "fail"


def test_an_entry_for_other_content_does_not_serve(payments: Any) -> None:
    payments.commit()
    planned = payments.chimera("plan", "-o", "json").json
    payments.write("changelog/2026-11-20-refunds.yaml", entry(after_of(planned, PAYMENTS)))
    payments.write("src/payments/fee.py", "FEE = 1\n")
    refused = payments.chimera("apply")
    assert refused.code == 1
    assert "no ChangelogEntry names" in refused.out


def test_an_unmet_proof_stops_apply_and_cites_the_gate(payments: Any) -> None:
    payments.write(
        "src/payments/refund.py", "def refund(paid, asked):\n    return asked  # min(paid, asked)\n"
    )
    refused = payments.chimera("apply")
    assert refused.code == 1
    assert "Proof/refund-invariants" in refused.out
    assert "specs/gates/payments.yaml:" in refused.out
    assert payments.chimera("status", "-o", "json").json["environments"][0]["applied"] == 0


def test_a_protected_environment_verifies_and_never_proves(payments: Any) -> None:
    payments.commit()
    refused = payments.chimera("apply", "--env", "production")
    assert refused.code in (1, 5)
    assert "was never run" in refused.out


def test_a_saved_plan_that_no_longer_fits_is_refused_and_can_still_be_shown(payments: Any) -> None:
    payments.chimera("plan", "--out", "plan.json")
    payments.write("src/payments/fee.py", "FEE = 1\n")
    stale = payments.chimera("apply", "plan.json")
    assert stale.code == 7
    assert "no longer fits" in stale.err
    assert payments.chimera("show", "plan.json").code == 0


def test_a_governed_file_that_git_would_store_otherwise_is_told(payments: Any) -> None:
    payments.commit()
    assert "git-converted-path" not in payments.chimera("plan").out
    payments.write(".gitattributes", "src/payments/*.py text\n")
    (payments.root / "src/payments/fee.py").write_bytes(b"FEE = 1\r\n")
    planned = payments.chimera("plan")
    assert planned.code == 0
    assert "src/payments/fee.py:1:1: warning[git-converted-path]" in planned.out


def test_a_proof_of_the_merge_phase_is_owed_where_the_environment_is_protected(
    payments: Any,
) -> None:
    proof = payments.root / "proofs/refund-invariants.yaml"
    proof.write_text(proof.read_text().replace("phase: apply", "phase: merge"))
    payments.commit()

    def owed(environment: str) -> set[str]:
        planned = payments.chimera("plan", "--env", environment, "-o", "json").json
        return {o["kind"] for item in planned["items"] for o in item["obligations"]}

    assert owed("local") == {"record"}
    assert owed("production") == {"record", "proof"}
