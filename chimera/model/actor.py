"""Who acts: a person, or automation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Actor:
    """Who runs a command.

    The name is recorded, and proves nothing. The kind is what the login or a CI service's variable
    says where nobody signed: what is not protected is judged by it, and answers to a run's
    questions are; it is written nowhere else.
    """

    name: str
    kind: Literal["human", "automation"]
