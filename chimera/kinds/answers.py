"""How a record answers an obligation: by naming the target and the digest that it is for."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from chimera.kinds.document import Document
from chimera.kinds.fields import Model, Text
from chimera.model import Change

DigestText = Annotated[str, StringConstraints(pattern=r"^(sha256:[0-9a-f]{64}|deleted)$")]

DELETED = "deleted"


class Answer(Model):
    """What a record is about, so that an old record does not serve a new change."""

    target: Text = Field(
        description="Address (Kind/name) or path set (paths:GLOB,GLOB) that the record is about."
    )
    after: DigestText = Field(
        description="Digest of the target after the change, as `chimera plan` shows it; or deleted."
    )


def answers(record: Document[Model], change: Change) -> bool:
    """Tell whether a record of a kind with the field `answers` is about exactly this change."""
    given: tuple[Answer, ...] = getattr(record.spec, "answers", ())
    wanted = (str(change.target), change.after or DELETED)
    return any((answer.target, answer.after) == wanted for answer in given)
