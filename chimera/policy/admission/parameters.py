"""Which parameters a policy is judged with: those that its binding names, or all of its kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chimera.model import Diagnostic, Severity
from chimera.policy.admission.matching import Request, Undecided, selects
from chimera.policy.admission.models import ParamKind, ParamRef
from chimera.policy.admission.reading import Binding, Found, Policy
from chimera.policy.admission.resources import labels_of


@dataclass(frozen=True, slots=True)
class Parameters:
    """One document with parameters, or none: `bound` is what is bound for it."""

    name: str
    bound: Mapping[str, Any]


_NONE = Parameters("", {"params": None})
_NOT_GIVEN = Parameters("", {})


def parameters_of(
    policy: Policy, binding: Binding | None, request: Request, given: Iterable[Found]
) -> Sequence[Parameters] | Undecided:
    """Return the parameters to judge with, one judging for each.

    They are null where the policy takes none or its binding names none, as in a cluster; where
    there is no binding to name any and none is given, they are not known.
    """
    kind = policy.spec.param_kind
    if kind is None:
        return (_NONE,)
    found = [one for one in given if _is_of(kind, one)]
    if binding is None:
        return [_parameters(one) for one in found] or (_NOT_GIVEN,)
    ref = binding.spec.param_ref
    if ref is None:
        return (_NONE,)
    named = [one for one in found if _refers(ref, one, request.resource.namespace)]
    if named:
        return [_parameters(one) for one in named]
    what = f"{kind.kind}/{ref.name}" if ref.name else f"a {kind.kind} that it selects"
    return Undecided(
        f"its binding {binding.name} takes parameters from {what}, not given: --param FILE "
        f"(where there are none a cluster would {ref.parameter_not_found_action.lower()})"
    )


def unused(given: Iterable[Found], policies: Sequence[Policy]) -> Iterator[Diagnostic]:
    """Warn of parameters that no policy takes."""
    kinds = [policy.spec.param_kind for policy in policies if policy.spec.param_kind]
    for one in given:
        if not any(_is_of(kind, one) for kind in kinds):
            wanted = sorted({f"{kind.kind} of {kind.api_version}" for kind in kinds})
            yield Diagnostic(
                "admission-param-unused",
                "no policy takes parameters from this",
                one.place.at("kind"),
                f"they take: {', '.join(wanted) or 'none'}",
                Severity.WARNING,
            )


def _is_of(kind: ParamKind, one: Found) -> bool:
    return (one.value.get("apiVersion"), one.value.get("kind")) == (kind.api_version, kind.kind)


def _refers(ref: ParamRef, one: Found, namespace: str) -> bool:
    metadata = one.value.get("metadata")
    own = metadata.get("namespace") if isinstance(metadata, dict) else None
    wanted = ref.namespace or namespace
    if own is not None and wanted and own != wanted:
        return False
    if ref.selector is not None:
        return selects(ref.selector, labels_of(one.value))
    return isinstance(metadata, dict) and metadata.get("name") == ref.name


def _parameters(one: Found) -> Parameters:
    metadata = one.value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return Parameters(str(name or ""), {"params": one.value})
