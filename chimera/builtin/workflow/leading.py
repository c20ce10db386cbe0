"""Whether references lead somewhere: to what there is, in order, surely there, and allowed.

Owns the faults of references by themselves; whether what they bring fits is `flow`'s to say.
Refuses to evaluate anything.
"""

from __future__ import annotations

from collections.abc import Iterable

from chimera.builtin.workflow.faults import Faults
from chimera.builtin.workflow.references import INPUT, SECRET, Malformed, Reference, Slot
from chimera.builtin.workflow.scope import Scope
from chimera.model import Route


class Leads:
    """Judges the references of one workflow."""

    def __init__(self, scope: Scope, faults: Faults) -> None:
        self._scope = scope
        self._faults = faults

    def judge(
        self,
        slot: Slot,
        where: Route,
        stage: int | None,
        *,
        itself: bool = False,
        item: bool = True,
        secrets: bool = False,
    ) -> None:
        """Note what is wrong with the references in a slot of a stage, or of an output.

        `itself` says that the stage has finished by then, `item` that it has an item, `secrets`
        that one may stand there.
        """
        for part in slot.parts:
            if isinstance(part, Malformed):
                self._report_malformed(part.text, where)
            elif isinstance(part, Reference):
                is_known, is_secret = True, False
                for one in part.alternatives:
                    is_known &= self._leads(one, where, stage, itself=itself, item=item)
                    is_secret |= one.source == SECRET
                if is_known and not self._scope.is_steady:
                    self._judge_presence(part, where, stage, itself=itself)
                if is_secret:
                    self._judge_exposure(part, where, secrets=secrets)

    def _report_malformed(self, text: str, where: Route) -> None:
        self._faults.report(
            "workflow-reference-malformed",
            f"{text!r} is no reference",
            where,
            "write ${stage.output}, ${input.name} or ${secret.name}; where it may be missing "
            '${stage.output ?? "text"}, with JSON or another reference after ??; and $${ for a '
            "literal ${",
        )

    def _leads(
        self, reference: Reference, where: Route, stage: int | None, *, itself: bool, item: bool
    ) -> bool:
        """Note why a reference, made by the stage at a position or by an output, leads nowhere."""
        source = reference.source
        if source == SECRET:
            return self._judge_secret(reference, where)
        position = self._scope.position
        if source not in position and not self._scope.knows(source, stage):
            if not reference.path and reference.default is None:
                self._report_malformed(f"${{{source}}}", where)
            else:
                self._report_unknown("stage", source, position, reference, where)
            return False
        is_item = source not in position and source == self._scope.variable(stage)
        if is_item and not item:
            self._report_malformed(f"${{{reference.bare}}}", where)
            return False
        if self._scope.shape(reference, stage, itself=itself) is None:
            self._report_nowhere(reference, where, stage)
            return False
        is_stage = source != INPUT and not is_item
        return not is_stage or self._is_in_order(source, where, stage, itself=itself)

    def _is_in_order(self, source: str, where: Route, stage: int | None, *, itself: bool) -> bool:
        first = self._scope.position[source]
        if stage is None or (itself and first == stage):
            return True
        if self._scope.order.is_before(first, stage):
            return True
        self._faults.report(
            "workflow-reference-order",
            f"the stage {source!r} may not have finished when this one starts",
            where,
            f"add {source} to the stage's dependencies",
        )
        return False

    def _judge_presence(
        self, reference: Reference, where: Route, stage: int | None, *, itself: bool
    ) -> None:
        """Note a reference that may bring nothing: all that it names may be skipped."""
        if reference.literal is not None:
            return
        position, missed = self._scope.position, []
        for one in reference.alternatives:
            index = position.get(one.source)
            is_itself = itself and index == stage
            if index is None or is_itself or not self._scope.presence.may_miss(index, stage):
                return
            missed.append(one)
        named = " and ".join(repr(one.source) for one in missed)
        what = "stage" if len(missed) == 1 else "stages"
        guard = f", or guard this stage: when: has({missed[0].bare})" if stage is not None else ""
        self._faults.report(
            "workflow-reference-missing",
            f"${{{reference}}} may be missing: the {what} {named} may be skipped",
            where,
            f"end it with a default, as in ${{{reference} ?? null}}{guard}",
        )

    def _report_nowhere(self, reference: Reference, where: Route, stage: int | None) -> None:
        source = self._scope.source(reference.source, stage)
        member = source.member(reference.name)
        if member is None:
            what = "input" if reference.source == INPUT else "output"
            self._report_unknown(what, reference.name, source.properties, reference, where)
            return
        self._faults.report(
            "workflow-output-unknown",
            f"${{{reference.bare}}} leads nowhere: {reference.name} has nothing at "
            f"{'.'.join(reference.path[1:])}",
            where,
            f"{reference.name} is {member}",
        )

    def _judge_secret(self, reference: Reference, where: Route) -> bool:
        if reference.name in self._scope.spec.secrets and len(reference.path) == 1:
            return True
        self._report_unknown(
            "secret", ".".join(reference.path), self._scope.spec.secrets, reference, where
        )
        return False

    def _judge_exposure(self, reference: Reference, where: Route, *, secrets: bool) -> None:
        """Note a secret anywhere but in the inputs of an operation: all else is kept."""
        if not secrets:
            what = "an output" if where[0] == "outputs" else "part of this"
            self._faults.report(
                "workflow-secret-exposed",
                f"the secret {reference.name!r} cannot be {what}",
                where,
                "this is kept in the state: a secret can only be an input of an operation",
            )

    def _report_unknown(
        self, what: str, name: str, known: Iterable[str], reference: Reference, where: Route
    ) -> None:
        owner = f" of {reference.source}" if what == "output" else ""
        self._faults.report(
            f"workflow-{what}-unknown",
            f"${{{reference.bare}}} leads nowhere: there is no {what} {name!r}{owner}",
            where,
            self._faults.meant(name, known),
        )
