"""Evidence: what there is of it, one piece whole, and what moved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from chimera.model import Actor, Result
from chimera.render.diagnostics import FINDING_STYLES
from chimera.render.paint import Paint, Style, count, plain, table, unbroken

if TYPE_CHECKING:
    from chimera.proof.evidence.signatories import Signatory
    from chimera.workspace.evidence import Imported, Listing, Row, Shown
    from chimera.workspace.sharing import Exchange
    from chimera.workspace.signing import Signed

_HEADER = ("EVIDENCE", "PROOF", "VERDICT", "WHEN", "BY", "SIGNED BY", "CONTENT")
_FITS: dict[str, Style] = {"fits": "good", "stale": "warn", "no such proof": "dim"}
_MOST_REFUSED = 20


def listing_text(listing: Listing, paint: Paint = plain) -> str:
    """Return a table of evidence, and the files that are not what they should be."""
    lines = [table(map(_cells, listing.rows), _HEADER, paint)] if listing.rows else []
    if not listing.rows and not listing.damaged:
        lines.append("no evidence yet: `chimera prove` makes it")
    lines += (
        f"{paint('damaged', 'bad')}  {path}: its content is not what its name says"
        for path in listing.damaged
    )
    if listing.damaged:
        lines.append("delete what is damaged; `chimera prove --fresh` or a pull brings it back")
    return "\n".join(lines)


def _cells(row: Row) -> tuple[str, ...]:
    said = row.said
    return tuple(
        unbroken(cell or "?")
        for cell in (
            short(row.digest),
            said.proof,
            said.finding,
            said.moment,
            by(row.actor),
            _signers(row.signed_by),
            row.fit,
        )
    )


def short(digest: str) -> str:
    """Return as much of a digest as people read."""
    return digest.removeprefix("sha256:")[:12]


def by(actor: Actor) -> str:
    """Return who proved something."""
    return f"{actor.name or '?'}{' (automation)' if actor.kind == 'automation' else ''}"


def _signers(signed_by: tuple[Signatory, ...]) -> str:
    counting = sorted({str(s.identity) for s in signed_by if s.counts})
    if counting:
        return ", ".join(counting)
    return "nobody who counts" if signed_by else "-"


def listing_json(listing: Listing) -> dict[str, Any]:
    """Return evidence as JSON."""
    return {
        "format": "chimera-evidence/1",
        "evidence": [_row_json(row) for row in listing.rows],
        "damaged": list(listing.damaged),
    }


def _row_json(row: Row) -> dict[str, Any]:
    said = row.said
    return {
        "digest": row.digest,
        "proof": said.proof,
        "finding": said.finding,
        "at": said.at,
        "actor": {"name": row.actor.name, "kind": row.actor.kind},
        "environment": said.environment,
        "revision": said.revision or None,
        "signedBy": [
            {
                "key": signatory.keyid,
                "identity": str(signatory.identity) if signatory.identity else None,
                "counts": signatory.counts,
                "reason": signatory.refusal,
            }
            for signatory in row.signed_by
        ],
        "content": row.fit,
        "madeHere": row.is_own,
    }


def shown_text(shown: Shown, paint: Paint = plain) -> str:
    """Return one piece of evidence for reading."""
    return "\n".join(_shown_lines(shown, paint))


def _shown_lines(shown: Shown, paint: Paint) -> Iterator[str]:
    row, said = shown.row, shown.row.said
    known = {finding.value: style for finding, style in FINDING_STYLES.items()}
    yield f"evidence {paint(row.digest, 'bold')}"
    yield f"  proof        {unbroken(said.proof)}"
    yield f"  verdict      {paint(unbroken(said.finding), known.get(said.finding, 'bad'))}"
    yield f"  proven       {unbroken(said.moment or '?')} by {unbroken(by(row.actor))}"
    yield f"  environment  {unbroken(said.environment or '?')}"
    yield f"  commit       {unbroken(said.revision or 'none: a work tree')}"
    yield f"  isolation    {unbroken(', '.join(shown.isolation) or 'none')}"
    yield f"  content      {paint(row.fit, _FITS[row.fit])}"
    yield f"  origin       {'made here' if row.is_own else 'brought in'}"
    for signatory in row.signed_by:
        yield f"  signed by    {_signatory(signatory, paint)}"
    if not row.signed_by:
        yield "  signed by    nobody"
    for name, digest in shown.subjects:
        yield f"  subject      {unbroken(name)} {short(digest)}"
    yield from (f"  reason       {unbroken(reason)}" for reason in shown.reasons)


def _signatory(signatory: Signatory, paint: Paint) -> str:
    who = f"{signatory.identity} {signatory.keyid}" if signatory.identity else signatory.keyid
    if signatory.counts:
        return f"{who}, which {paint('counts', 'good')}"
    return f"{unbroken(who)}, which {paint('does not count', 'warn')}: {signatory.refusal}"


def shown_json(shown: Shown) -> dict[str, Any]:
    """Return one piece of evidence as JSON, its statement included."""
    return {
        "format": "chimera-evidence-item/1",
        **_row_json(shown.row),
        "statement": shown.statement,
    }


def signed_text(signed: Signed, paint: Paint = plain) -> str:
    """Return what was signed, and by which key."""
    lines = [f"{paint('signed', 'good')}  {short(digest)}" for digest in signed.signed]
    lines += [f"{paint('already', 'dim')} {short(digest)}" for digest in signed.already]
    total = count(len(signed.signed), "signature")
    return "\n".join((*lines, f"{total} by {signed.fingerprint}"))


def signed_json(signed: Signed) -> dict[str, Any]:
    """Return what was signed as JSON."""
    return {
        "format": "chimera-evidence-signed/1",
        "key": signed.fingerprint,
        "signed": list(signed.signed),
        "already": list(signed.already),
    }


def exchange_text(done: str, exchange: Exchange, paint: Paint = plain) -> str:
    """Return what was pushed or pulled, and what was left."""
    moved = [
        count(number, noun)
        for number, noun in (
            (exchange.statements, "statement"),
            (exchange.signatures, "signature"),
            (exchange.approvals, "approval"),
        )
        if number
    ]
    where = f"{'to' if done == 'pushed' else 'from'} {unbroken(exchange.remote)}"
    lines = [f"{done} {', '.join(moved)} {where}" if moved else f"nothing new {where}"]
    if exchange.unsigned:
        lines.append(
            f"left {exchange.unsigned} unsigned here: it counts nowhere else"
            " (`chimera evidence sign` signs it)"
        )
    return "\n".join((*lines, *_refused(exchange.refused, paint)))


def exchange_json(result: Result[Exchange]) -> dict[str, Any]:
    """Return what was pushed or pulled as JSON."""
    exchange = result.value
    return {
        "format": "chimera-evidence-exchange/1",
        "outcome": result.outcome.value,
        "remote": exchange.remote,
        "commit": exchange.commit,
        "statements": exchange.statements,
        "signatures": exchange.signatures,
        "approvals": exchange.approvals,
        "unsigned": exchange.unsigned,
        "refused": list(exchange.refused),
    }


def imported_text(imported: Imported, file: str, paint: Paint = plain) -> str:
    """Return what a bundle brought."""
    total = count(len(imported.digests), "piece")
    lines = [f"took in {total} of evidence from {unbroken(file)}"]
    lines += [f"  {short(digest)}" for digest in imported.digests]
    return "\n".join((*lines, *_refused(imported.refused, paint)))


def imported_json(result: Result[Imported]) -> dict[str, Any]:
    """Return what a bundle brought as JSON."""
    return {
        "format": "chimera-evidence-imported/1",
        "outcome": result.outcome.value,
        "imported": list(result.value.digests),
        "refused": list(result.value.refused),
    }


def _refused(refused: tuple[str, ...], paint: Paint) -> Iterator[str]:
    for reason in refused[:_MOST_REFUSED]:
        yield f"{paint('refused', 'bad')}  {unbroken(reason)}"
    if len(refused) > _MOST_REFUSED:
        yield f"and {len(refused) - _MOST_REFUSED} more refused"
