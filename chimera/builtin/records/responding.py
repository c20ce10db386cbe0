"""What people do about an incident that is open: answer it, hand it over, note, and end it.

Every edit leaves a line in the timeline, in order of time. Refuses what the record says already,
and an end that nobody vouches for.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from chimera.builtin.records.finding import (
    incident_named,
    level_named,
    require_name,
    require_said,
)
from chimera.builtin.records.kinds import Level, RollbackSpec, SeverityModelSpec, person, written
from chimera.builtin.records.occasions import Occasion, Response
from chimera.builtin.records.standing import Incident, freezes_of, model_of
from chimera.builtin.records.writing import Draft
from chimera.kinds import when
from chimera.model import Address, UsageError

if TYPE_CHECKING:
    from chimera.workspace import Workspace


class Responding:
    """The edits of an incident that is open."""

    def __init__(
        self,
        workspace: Workspace,
        name: str | None,
        what: str,
        at: datetime | None = None,
        by: str | None = None,
    ) -> None:
        self._workspace = workspace
        self._occasion = Occasion.of(workspace, what, at, by)
        now = workspace.context.clock.now()
        self.incident: Incident = incident_named(workspace.loaded.snapshot, name, now)
        self.spec = self.incident.spec
        self.response = Response(self.incident.address, Draft(workspace), self._occasion)
        if self.spec.resolved is not None:
            raise UsageError(
                f"{self.incident.address} was resolved at {self.spec.resolved.at}",
                help="open another one where it came back: `chimera incident open TITLE`",
            )
        if self._occasion.at < when(self.spec.opened.at):
            raise UsageError(
                f"{written(self._occasion.at)} is before it was opened, at {self.spec.opened.at}",
                help="give a later --at",
            )

    def acknowledge(self) -> Response:
        """Propose that it was answered."""
        if self.spec.acknowledged is not None:
            stamp = self.spec.acknowledged
            raise UsageError(
                f"{stamp.by} acknowledged it already, at {stamp.at}",
                help="`chimera incident assign WHO` hands the command over",
            )
        self._put("acknowledged", self._occasion.stamp())
        self.response.note("acknowledged", "acknowledgement")
        self.response.done.append(f"{self._occasion.by} acknowledged {self.incident.address}")
        return self._kept_up()

    def assign(self, who: str) -> Response:
        """Propose that somebody else commands from now on, and nobody else does."""
        require_name(who)
        at = written(self._occasion.at)
        for index, command in enumerate(self.spec.commands):
            if command.until is not None and when(command.until) <= self._occasion.at:
                continue
            if when(command.since) >= self._occasion.at:
                raise UsageError(
                    f"{command.by} commands it from {command.since} on",
                    help="give a later --at: commands follow one another",
                )
            if person(command.by) == person(who):
                raise UsageError(f"{who} commands it already", help="nothing is to be done")
            self._put_at(("commands", index, "until"), at)
        self.response.draft.append(self.incident.address, ("commands",), {"by": who, "from": at})
        self.response.note(f"{who} commands", "command")
        self.response.done.append(f"{who} commands {self.incident.address}")
        return self._kept_up(commander=who)

    def delegate(self, who: str, what: str) -> Response:
        """Propose that somebody does a piece of work; the decision stays with the commander."""
        delegation = {"to": require_name(who), "what": what, "at": written(self._occasion.at)}
        self.response.draft.append(self.incident.address, ("delegated",), delegation)
        self.response.note(f"{who} takes over: {what}", "action")
        self.response.done.append(f"{who} takes over: {what}; the commander decides as before")
        return self._kept_up()

    def update(self, text: str, *, level: str | None = None, is_action: bool = False) -> Response:
        """Propose a line of the timeline, and with it another level, for which it is the reason."""
        if level is None:
            self.response.note(text, "action" if is_action else "update")
            self.response.done.append(f"noted in {self.incident.address}")
            return self._kept_up()
        model = self._model()
        found = level_named(model, level)
        if when(self.spec.assessments[-1].at) > self._occasion.at:
            raise UsageError(
                f"it was assessed after that, at {self.spec.assessments[-1].at}",
                help="give a later --at: the last assessment is current",
            )
        before = self.spec.current
        assessment = {"level": found.id, **self._occasion.stamp(), "reason": text}
        self.response.draft.append(self.incident.address, ("assessments",), assessment)
        self.response.note(f"{before} → {found.id}: {text}", "assessment")
        self.response.done.append(f"{self.incident.address} is at {found.id} ({found.name}) now")
        commander = self.spec.commander(self._occasion.at)
        if found.commander_owed and not self.spec.commands:
            commander = self._occasion.by
            command = {"by": commander, "from": written(self._occasion.at)}
            self.response.draft.append(self.incident.address, ("commands",), command)
            self.response.note(f"{commander} commands", "command")
            self.response.done.append(f"{commander} commands it")
        return self._kept_up(level=found, commander=commander)

    def mitigate(self, how: str) -> Response:
        """Propose that its effects ended, for now."""
        if self.spec.mitigated is not None:
            raise UsageError(
                f"it was mitigated at {self.spec.mitigated.at}: {self.spec.mitigated.how}",
                help="`chimera incident update TEXT` notes what else was done",
            )
        self._put("mitigated", {**self._occasion.stamp(), "how": how})
        self.response.note(f"mitigated: {how}", "mitigation")
        self.response.done.append(f"{self.incident.address} is mitigated; it is open still")
        return self._kept_up()

    def resolve(self, impact: str, risk: str, monitoring: str) -> Response:
        """Propose that it is over: the impact is gone, the risk mitigated, and that is confirmed.

        Its commander ends it, and with it the freeze that stands for it.
        """
        self.require_resolvable()
        require_said({"--impact": impact, "--risk": risk, "--monitoring": monitoring})
        stamp = self._occasion.stamp()
        # Its freezes come first: where writing ends in between, this can be done again.
        lifted = self._lift(stamp)
        if self.spec.mitigated is None:
            self._put("mitigated", {**stamp, "how": risk})
        said = {"impact": impact, "risk": risk, "monitoring": monitoring}
        self._put("resolved", {**stamp, **said})
        self.response.note("resolved", "resolution")
        self.response.done += [f"{self.incident.address} is resolved", *lifted]
        return self.response

    def _lift(self, stamp: dict[str, Any]) -> list[str]:
        """Propose that the freezes that stand for it end."""
        lifted = []
        for freeze in freezes_of(self.incident, self._workspace.loaded.snapshot):
            if freeze.spec.lifted is None and not freeze.spec.is_over(self._occasion.at):
                reason = f"{self.incident.address} is resolved"
                self.response.draft.put(freeze.address, ("lifted",), {**stamp, "reason": reason})
                lifted.append(f"{freeze.address} is lifted")
        return lifted

    def require_resolvable(self) -> None:
        """Raise `UsageError` where this person cannot say that it is over, or nobody can yet."""
        self._require_commander()
        self._require_watched()

    def _kept_up(self, *, level: Level | None = None, commander: str | None = None) -> Response:
        """Propose the freeze that it owes and that nobody declared, too."""
        snapshot = self._workspace.loaded.snapshot
        at = self._occasion.at
        commander = commander or self.spec.commander(at)
        model = model_of(self.incident, snapshot)
        level = level or (model.level(self.spec.current) if model else None)
        owed = level is not None and level.freeze_owed
        if owed and commander and not freezes_of(self.incident, snapshot):
            assert level is not None
            reason = f"{level.id}: {self.spec.title}"
            self.response.freeze(commander, self.spec.environment, reason)
        return self.response

    def _model(self) -> SeverityModelSpec:
        model = model_of(self.incident, self._workspace.loaded.snapshot)
        if model is None:
            raise UsageError(
                f"there is no valid {self.spec.model}", help="restore it: levels are of a model"
            )
        return model

    def _require_commander(self) -> None:
        commander = self.spec.commander(self._occasion.at)
        if commander is not None and person(commander) != person(self._occasion.by):
            raise UsageError(
                f"{commander} commands it, and it is theirs to declare its resolution",
                help=f"`chimera incident assign {self._occasion.by}` first, where that was agreed",
            )

    def _require_watched(self) -> None:
        """Raise `UsageError` while the rollback that ends it is watched."""
        if self.spec.rollback is None:
            return
        found = self._workspace.loaded.snapshot.get(Address.parse(self.spec.rollback))
        watched = found is not None and isinstance(found.spec, RollbackSpec) and found.spec
        if watched and watched.observation.result is None:
            raise UsageError(
                f"no observation of {self.spec.rollback} is recorded: nothing confirms stability"
                " yet",
                help=f"`chimera rollback watch {self.spec.rollback.partition('/')[2]}` records it"
                " once its time is over and its checklist done, or says what is left",
            )

    def _put(self, name: str, value: Any) -> None:
        self._put_at((name,), value)

    def _put_at(self, route: tuple[str | int, ...], value: Any) -> None:
        self.response.draft.put(self.incident.address, route, value)
