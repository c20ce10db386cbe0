"""What plugins draft of the records that a plan owes. Refuses to write any of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chimera.plugin import PluginManager, ask

if TYPE_CHECKING:
    from chimera.workspace.planning import PlanReport


def with_drafts(report: PlanReport, plugins: PluginManager, held: str | None) -> PlanReport:
    """Return a report with the records that its plan owes and nobody wrote.

    `held` is the commit that held before, if one did. A plugin that cannot draft hinders nothing.
    """
    if not any(one.kind == "record" for one in report.plan.obligations):
        return report
    about = {"plan": report.plan, "subject": report.judgement.subject, "held": held}
    drafts, _ = ask(plugins, "chimera_draft_records", (), **about)
    return replace(report, drafts=tuple(sorted(drafts, key=lambda draft: draft.address)))
