"""A team at its command line: people with keys, a clock that is given, commands in this process."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from chimera.cli.main import run
from chimera.context import Context, FixedClock
from chimera.model import Actor
from tests.workspace.signing import Team, document, key_file

__all__ = ["ANN", "Console", "console", "document"]

ANN = Actor("ann", "human")
_SYSTEM = Context.system


@dataclass
class Console(Team):
    """Runs commands as somebody, at a moment."""

    actor: Actor = ANN
    capsys: Any = None
    said: str = ""

    def context(self, **given: Any) -> Context:
        """Return what `Context.system` would, at this team's moment and as its actor."""
        moment = given.pop("now", None) or self.now
        made = _SYSTEM(**given)
        return replace(made, clock=FixedClock(moment), actor=self.actor, trust_ref=self.trust_ref)

    def tell(self, *arguments: str, code: int = 0) -> str:
        """Run a command and return all that it says; fails unless it ends with `code`."""
        self.capsys.readouterr()
        ended = run(["-C", str(self.root), *arguments])
        out, err = self.capsys.readouterr()
        self.said = out + err
        assert ended == code, f"{' '.join(arguments)} ended with {ended}:\n{self.said}"
        return out if "-o" in arguments else self.said

    def json(self, *arguments: str, code: int = 0) -> Any:
        """Run a command and return what it says as JSON."""
        return json.loads(self.tell(*arguments, "-o", "json", code=code))

    def key(self, name: str) -> str:
        """Return the file of somebody's key."""
        return str(key_file(name, self.root.parent))

    def passes(self, **time: float) -> None:
        """Let time go by."""
        self.now += timedelta(**time)


def console(repository: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> Console:
    """Return a team in a repository, whose commands run at its own moment."""
    made = Console(repository, capsys=capsys)
    monkeypatch.setattr(Context, "system", staticmethod(made.context))
    return made
