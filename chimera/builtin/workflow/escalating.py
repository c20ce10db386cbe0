"""How somebody hears of a failure that no retry helped: the operation `notify`, as a step.

A notice is a line in the run's log, and in `.chimera/out/notices.jsonl` unless its rule names
another file; a rule can name a program or a webhook, too. Refuses to decide what is told: that is
recovery's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chimera.builtin.workflow.handling import EscalationSpec
from chimera.builtin.workflow.references import SECRET, parse, replace_strings, resolve, slots
from chimera.builtin.workflow.secrets import secrets_in
from chimera.kinds import Model, validate_model
from chimera.model import Diagnostic, Place
from chimera.runtime.secrets import SecretSpec, read_secret

if TYPE_CHECKING:  # rules are judged by whoever runs nothing
    from chimera.runtime import Json, Operation, StepCall
    from chimera.runtime.recovery import Escalation

NOTICES = ".chimera/out/notices.jsonl"
_TOLD = ("to", "severity")
_GIVEN = (*_TOLD, "message", "details")
"""What a notice says by itself; a rule says how it is delivered."""


def escalation(rule: EscalationSpec, secrets: Mapping[str, SecretSpec]) -> Escalation:
    """Return a rule as the runtime has it; the values of secrets are not in it."""
    from chimera.runtime.recovery import Escalation

    delivery: Json = None
    if rule.notify:
        read = {
            text: spec.model_dump(mode="json", exclude_none=True)
            for text, spec in secrets_in(rule.notify, secrets).items()
        }
        delivery = {"inputs": rule.notify, "secrets": read}
    return Escalation((rule.condition,), rule.severity, rule.to, rule.action, delivery)


def tell(operation: Operation[Any, Any], root: Path, call: StepCall) -> Json:
    """Tell what recovery owes somebody, which the call has as its inputs."""
    assert isinstance(call.inputs, dict)
    owed = call.inputs
    inputs = {"file": NOTICES, **_delivered(owed.get("delivery"), root, call)}
    inputs |= {name: owed[name] for name in _TOLD}
    inputs["message"] = f"{owed['step']} {owed['outcome']}: {owed['message']}"
    apart = (*_TOLD, "delivery")
    inputs["details"] = {name: value for name, value in owed.items() if name not in apart}
    return operation.perform(replace(call, inputs=inputs), root)


def _delivered(delivery: Any, root: Path, call: StepCall) -> dict[str, Any]:
    """Return the inputs that a rule gives, with its secrets in place."""
    if delivery is None:
        return {}
    secrets = {
        text: read_secret(text, SecretSpec.model_validate(spec), call.context, root, call.cancelled)
        for text, spec in delivery["secrets"].items()
    }
    found: dict[str, Any] = resolve(delivery["inputs"], secrets)
    return found


def delivery_faults(
    rule: EscalationSpec,
    inputs: type[Model] | None,
    secrets: Mapping[str, SecretSpec],
    place: Place,
    address: str,
) -> Iterator[Diagnostic]:
    """Yield what is wrong with how a rule is delivered by an operation that takes `inputs`."""
    faulty = [name for name in _GIVEN if name in rule.notify]
    for name in faulty:
        yield Diagnostic(
            "workflow-escalation-invalid",
            f"{name} is not for a rule to say: it comes from the failure",
            place.at(name, on="key"),
            "remove it; condition, severity and to are fields of the rule",
            address=address,
        )
    found = slots(rule.notify)
    for slot in found:
        named = [one for ref in slot.references for one in ref.alternatives]
        if not named or any(
            one.source != SECRET or one.path != (one.name,) or one.name not in secrets
            for one in named
        ):
            yield Diagnostic(
                "workflow-escalation-invalid",
                "there is nothing to refer to but secrets of the workflow",
                place.at(*slot.route),
                "write ${secret.name} with a name under secrets, or the value itself",
                address=address,
            )
    if inputs is not None:
        plain = {
            name: replace_strings(value, _unescaped)
            for name, value in rule.notify.items()
            if name not in faulty
        }
        unknown = {(*place.route, *slot.route) for slot in found}
        _, faults = validate_model(inputs, {**plain, "message": "-"}, place, address)
        for fault in faults:
            at = fault.where.route if isinstance(fault.where, Place) else ()
            if at not in unknown:
                yield fault


def _unescaped(text: str) -> str:
    parts = parse(text)
    return parts[0] if len(parts) == 1 and isinstance(parts[0], str) else text
