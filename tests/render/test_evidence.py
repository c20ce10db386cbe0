"""What people and programs read of evidence, whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chimera.model import Address, Outcome, Result
from chimera.proof.evidence.provenance import Provenance
from chimera.proof.evidence.signatories import Signatory
from chimera.render.evidence import (
    exchange_json,
    exchange_text,
    imported_json,
    imported_text,
    listing_json,
    listing_text,
    shown_json,
    shown_text,
    signed_json,
    signed_text,
)
from chimera.signatures import IN_TOTO, Envelope
from chimera.workspace.evidence import Imported, Listing, Row, Shown
from chimera.workspace.sharing import Exchange
from chimera.workspace.signing import Signed

GOOD, OTHER = "sha256:" + "a1b2" * 16, "sha256:" + "c3d4" * 16
CI = Address("Identity", "ci")
SAID = Provenance("Proof/answer", "pass", "2026-11-21T01:02:03.456789Z", "ci", "local", "c" * 40)
COUNTS = Signatory("SHA256:good", CI)
PERSON = Signatory("SHA256:ann", Address("Identity", "ann"), human=True)
REVOKED = Signatory("SHA256:old", CI, "the key SHA256:old of Identity/ci is revoked")
UNKNOWN = Signatory("SHA256:who", None, "the key SHA256:who is unknown")


def row(**changes: Any) -> Row:
    fields: dict[str, Any] = {
        "digest": GOOD,
        "said": SAID,
        "signed_by": (COUNTS,),
        "fit": "fits",
        "is_own": True,
    }
    return Row(**(fields | changes))


def test_a_listing_says_of_each_who_signed_and_whether_it_fits() -> None:
    failed = Provenance("Proof/a", "fail", "2026-11-20T00:00:00Z", "ann", "local", "")
    rows = (
        row(signed_by=(PERSON,)),
        row(digest=OTHER, said=failed, signed_by=(REVOKED, UNKNOWN), fit="stale"),
        row(digest=OTHER, said=Provenance("", "", "", "", "", ""), signed_by=()),
    )
    assert listing_text(Listing(rows)).splitlines() == [
        (
            "EVIDENCE      PROOF         VERDICT  WHEN                  BY                SIGNED BY"
            "          CONTENT"
        ),
        (
            "a1b2a1b2a1b2  Proof/answer  pass     2026-11-21T01:02:03Z  Identity/ann      "
            "Identity/ann       fits"
        ),
        (
            "c3d4c3d4c3d4  Proof/a       fail     2026-11-20T00:00:00Z  ann (automation)  nobody"
            " who counts  stale"
        ),
        (
            "c3d4c3d4c3d4  ?             ?        ?                     ? (automation)    -"
            "                  fits"
        ),
    ]


def test_no_evidence_and_damaged_evidence_are_told() -> None:
    assert listing_text(Listing(())) == "no evidence yet: `chimera prove` makes it"
    damaged = Listing((), (".chimera/evidence/x.json",))
    assert listing_text(damaged).splitlines() == [
        "damaged  .chimera/evidence/x.json: its content is not what its name says",
        "delete what is damaged; `chimera prove --fresh` or a pull brings it back",
    ]


def test_a_listing_as_json() -> None:
    told = listing_json(Listing((row(signed_by=(COUNTS, UNKNOWN)),), ("x",)))
    assert told == {
        "format": "chimera-evidence/1",
        "evidence": [
            {
                "digest": GOOD,
                "proof": "Proof/answer",
                "finding": "pass",
                "at": "2026-11-21T01:02:03.456789Z",
                "actor": {"name": "ci", "kind": "automation"},
                "environment": "local",
                "revision": "c" * 40,
                "signedBy": [
                    {
                        "key": "SHA256:good",
                        "identity": "Identity/ci",
                        "counts": True,
                        "reason": None,
                    },
                    {
                        "key": "SHA256:who",
                        "identity": None,
                        "counts": False,
                        "reason": "the key SHA256:who is unknown",
                    },
                ],
                "content": "fits",
                "madeHere": True,
            }
        ],
        "damaged": ["x"],
    }


@pytest.fixture
def shown() -> Shown:
    """One piece of evidence that failed, with all that can be said of signatures."""
    statement = {
        "subject": [{"name": "src/**", "digest": {"sha256": "e" * 64}}],
        "predicate": {
            "reasons": ["it printed 41\nand no more"],
            "volatile": {"isolation": {"network": True, "files": True, "processes": False}},
        },
    }
    failed = Provenance("Proof/answer", "fail", SAID.at, "ann", "local", "")
    signed_by = (COUNTS, REVOKED, UNKNOWN)
    return Shown(
        row(said=failed, signed_by=signed_by, is_own=False), statement, Envelope(IN_TOTO, b"{}")
    )


def test_one_piece_of_evidence_is_shown_whole(shown: Shown) -> None:
    assert shown_text(shown).splitlines() == [
        f"evidence {GOOD}",
        "  proof        Proof/answer",
        "  verdict      fail",
        "  proven       2026-11-21T01:02:03Z by ann (automation)",
        "  environment  local",
        "  commit       none: a work tree",
        "  isolation    files, network",
        "  content      fits",
        "  origin       brought in",
        "  signed by    Identity/ci SHA256:good, which counts",
        (
            "  signed by    Identity/ci SHA256:old, which does not count: the key SHA256:old of"
            " Identity/ci is revoked"
        ),
        "  signed by    SHA256:who, which does not count: the key SHA256:who is unknown",
        "  subject      src/** eeeeeeeeeeee",
        "  reason       it printed 41\\nand no more",
    ]
    told = shown_json(shown)
    assert told["format"] == "chimera-evidence-item/1"
    assert told["statement"] == shown.statement
    assert shown.payload == b"DSSEv1 28 application/vnd.in-toto+json 2 {}"


def test_what_was_signed() -> None:
    signed = Signed("SHA256:good", (GOOD,), (OTHER,))
    assert signed_text(signed).splitlines() == [
        "signed  a1b2a1b2a1b2",
        "already c3d4c3d4c3d4",
        "1 signature by SHA256:good",
    ]
    assert signed_json(signed) == {
        "format": "chimera-evidence-signed/1",
        "key": "SHA256:good",
        "signed": [GOOD],
        "already": [OTHER],
    }


def test_what_was_pushed_and_pulled() -> None:
    moved = Exchange("origin", "c" * 40, 3, 2, 1)
    assert exchange_text("pushed", moved) == (
        "pushed 3 statements, 2 signatures, 1 approval to origin"
    )
    assert exchange_text("pulled", Exchange("origin", None)) == "nothing new from origin"
    left = Exchange("origin", None, unsigned=2, refused=tuple(f"f{n}: bad" for n in range(22)))
    lines = exchange_text("pushed", left).splitlines()
    assert lines[:3] == [
        "nothing new to origin",
        "left 2 unsigned here: it counts nowhere else (`chimera evidence sign` signs it)",
        "refused  f0: bad",
    ]
    assert lines[-1] == "and 2 more refused"
    assert exchange_json(Result(moved, Outcome.PASSED)) == {
        "format": "chimera-evidence-exchange/1",
        "outcome": "passed",
        "remote": "origin",
        "commit": "c" * 40,
        "statements": 3,
        "signatures": 2,
        "approvals": 1,
        "unsigned": 0,
        "refused": [],
    }


def test_what_a_bundle_brought() -> None:
    imported = Imported((GOOD,), ("line 2: the envelope is no JSON object",))
    assert imported_text(imported, "x.intoto.jsonl").splitlines() == [
        "took in 1 piece of evidence from x.intoto.jsonl",
        "  a1b2a1b2a1b2",
        "refused  line 2: the envelope is no JSON object",
    ]
    assert imported_json(Result(imported, Outcome.FAILED)) == {
        "format": "chimera-evidence-imported/1",
        "outcome": "failed",
        "imported": [GOOD],
        "refused": ["line 2: the envelope is no JSON object"],
    }


def test_hostile_names_forge_no_line(tmp_path: Path) -> None:
    evil = Provenance("Proof/x\nfake  Proof/y", "pass", "now", "a\nb", "e\nf", "g\nh")
    for text in (
        listing_text(Listing((row(said=evil),))),
        exchange_text("pulled", Exchange("o\nk", None, refused=("a\nb",))),
    ):
        assert "\nfake" not in text
        assert "\nb" not in text
        assert "\nk" not in text
