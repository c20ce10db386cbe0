"""How a record answers an obligation: by naming the target and the digest that it is for."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from chimera.kinds.document import Document
from chimera.kinds.fields import Model, Text
from chimera.model import Change

DigestText = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
"""A SHA-256 digest as it is written everywhere."""
AfterText = Annotated[str, StringConstraints(pattern=r"^(sha256:[0-9a-f]{64}|deleted)$")]
"""What a change leaves of its target: the digest of that, or `deleted`."""

DELETED = "deleted"
_SHOWN = len("sha256:") + 12


class Answer(Model):
    """What a record is about, so that an old record does not serve a new change."""

    target: Text = Field(
        description="Address (Kind/name) or path set (paths:GLOB,GLOB) that the record is about."
    )
    after: AfterText = Field(
        description="Digest of the target after the change, as `chimera plan` shows it; or deleted."
    )


def answers(record: Document[Model], change: Change) -> bool:
    """Tell whether a record of a kind with the field `answers` is about exactly this change."""
    given: tuple[Answer, ...] = getattr(record.spec, "answers", ())
    wanted = (str(change.target), change.after or DELETED)
    return any((answer.target, answer.after) == wanted for answer in given)


def mismatch(record: Document[Model], change: Change) -> str | None:
    """Say why a record that is offered for a change is about another one; `None` if it is not.

    One that does not name the change's target is not offered for it.
    """
    given: tuple[Answer, ...] = getattr(record.spec, "answers", ())
    about = [answer.after for answer in given if answer.target == str(change.target)]
    if not about or answers(record, change):
        return None
    digests = ", ".join(digest[:_SHOWN] for digest in about)
    now = (change.after or DELETED)[:_SHOWN]
    return f"{record.address} is about another change: after {digests}, and this is after {now}"
