"""A gate whose reviewers say at each stage what a test lets them say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import pluggy

from chimera.gate import ESSENTIAL_REVIEWERS, STAGES, Stage
from chimera.model import Finding, Verdict
from chimera.plugin import hookimpl, hookspecs

PASS = Verdict("j", "s", Finding.PASS)
FAIL = Verdict("j", "s", Finding.FAIL, ("no",))
ESSENTIAL = sorted({name for names in ESSENTIAL_REVIEWERS.values() for name in names})


class Reviewers:
    """Every essential reviewer, each of which passes every stage that is its own."""

    def __init__(self, said: Mapping[Stage, Any] | None = None) -> None:
        self.manager = pluggy.PluginManager("chimera")
        self.manager.add_hookspecs(hookspecs)
        for name in ESSENTIAL:
            self.add(name, self._essential(name, said or {}))

    def _essential(self, name: str, said: Mapping[Stage, Any]) -> Callable[[Stage], Any]:
        def answer(stage: Stage) -> Any:
            mine = name in ESSENTIAL_REVIEWERS[stage]
            return said.get(stage, [PASS]) if mine else []

        return answer

    def add(self, name: str, answer: Callable[[Stage], Any], **options: Any) -> None:
        def chimera_review_plan(stage: Stage, weighing: Any) -> Any:
            return answer(stage)

        module = ModuleType(name)
        module.chimera_review_plan = hookimpl(**options)(chimera_review_plan)  # type: ignore[attr-defined]
        self.manager.register(module, name)

    def replace(self, name: str, answer: Callable[[Stage], Any], **options: Any) -> None:
        self.manager.unregister(name=name)
        self.add(name, answer, **options)


EVERY_REVIEWER = [(stage, name) for stage in STAGES for name in ESSENTIAL_REVIEWERS[stage]]
