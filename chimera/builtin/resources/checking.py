"""What is asked of pools and claims: amounts that can be counted, pools that could serve.

Reads documents alone: what a machine holds is found out when a pool is applied. Refuses to judge
whether all claims together can be served: `resources.optimize` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from chimera.builtin.resources.kinds import ResourceClaimSpec, ResourcePoolSpec
from chimera.builtin.resources.quantities import AUTO, shown, units, worded
from chimera.kinds import Document, Snapshot, Subject, suggestion
from chimera.model import Address, Diagnostic, Finding, Route, Severity, Verdict, has_errors

if TYPE_CHECKING:
    from chimera.builtin.resources.finding import Claiming, Use

_MEASURED = {"cpu", "memory", "gpu"}
Pool = Document[ResourcePoolSpec]
Claim = Document[ResourceClaimSpec]


def judge_document(document: Document[Any]) -> Verdict:
    """Judge a pool or a claim by itself."""
    is_pool = document.address.kind == "ResourcePool"
    return _verdict(document, _pool_faults(document) if is_pool else _claim_faults(document))


def judge(subject: Subject) -> Iterator[Verdict]:
    """Return one verdict for each claim."""
    snapshot = subject.snapshot
    for claim in snapshot.of_model(ResourceClaimSpec):
        yield _verdict(claim, (*_unserved(claim, snapshot), *_unused(claim, snapshot)))


def judge_workflows(snapshot: Snapshot, claiming: Iterable[Claiming]) -> Iterator[Verdict]:
    """Return one verdict for each workflow that names a claim which is not there."""
    for workflow, uses in sorted(claiming, key=lambda found: found[0].address):
        faults = tuple(_unknown_claims(workflow, uses, snapshot))
        if faults:
            yield _verdict(workflow, faults)


def _verdict(document: Document[Any], found: Iterable[Diagnostic]) -> Verdict:
    faults = tuple(found)
    return Verdict(
        "resources",
        str(document.address),
        Finding.FAIL if has_errors(faults) else Finding.PASS,
        tuple(fault.message for fault in faults),
        faults,
    )


def _pool_faults(pool: Pool) -> Iterator[Diagnostic]:
    spec = pool.spec
    for resource, pooled in spec.resources.items():
        where = ("spec", "resources", resource)
        if pooled.capacity == AUTO:
            if spec.where == "elsewhere" or resource not in _MEASURED:
                yield _fault(
                    *(pool, "resource-capacity-unmeasurable", (*where, "capacity")),
                    f"the capacity of {resource} is auto, and nothing here can measure it",
                    "write how much there is; cpu, memory and gpu are measured where: here",
                )
        else:
            yield from _uncountable(pool, resource, pooled.capacity, (*where, "capacity"))
        share = pooled.maximum_utilisation or spec.maximum_utilisation
        if share > 1 and resource in {"memory", "gpu"}:
            what = "a program that uses what it was promised is killed"
            what = "programs share a GPU and its memory" if resource == "gpu" else what
            on_own = pooled.maximum_utilisation is not None
            yield _fault(
                pool,
                "resource-overcommitted",
                (*where, "maximumUtilisation") if on_own else ("spec", "maximumUtilisation"),
                f"{share:g} times the {resource} that there is may be promised: {what}",
                f"give {resource} a maximumUtilisation of 1 or less",
                Severity.WARNING,
            )


def _claim_faults(claim: Claim) -> Iterator[Diagnostic]:
    spec = claim.spec
    asked: dict[str, int] = {}
    for name, written in spec.requests.items():
        where: Route = ("spec", "requests", name)
        faults = tuple(_uncountable(claim, name, written, where))
        yield from faults
        if not faults:
            asked[name] = units(name, written)
    if asked and not any(asked.values()):
        yield _fault(
            *(claim, "resource-request-empty", ("spec", "requests")),
            "it asks for nothing of anything",
            "ask for some of one resource at least, or delete the claim",
        )
    for name, written in spec.minimum.items():
        where = ("spec", "minimum", name)
        faults = tuple(_uncountable(claim, name, written, where))
        yield from faults
        if not faults and units(name, written) > asked.get(name, 0):
            listed = shown(name, asked[name]) if name in asked else "none"
            yield _fault(
                *(claim, "resource-minimum-excessive", where),
                f"the minimum of {name} is {written}, and the request is {listed}",
                "ask for as much as the minimum, or for more",
            )


def _uncountable(
    document: Document[Any], resource: str, written: str, where: Route
) -> Iterator[Diagnostic]:
    try:
        units(resource, written)
    except ValueError as error:
        yield _fault(
            *(document, "resource-quantity-uncountable", where),
            str(error),
            "cpu is counted in thousandths (500m), memory in bytes, everything else in whole units",
        )


def _unserved(claim: Claim, snapshot: Snapshot) -> Iterator[Diagnostic]:
    """Tell of a claim that no pool could serve if nothing else were asked of it."""
    named = set(claim.spec.pools)
    pools = [
        pool
        for pool in snapshot.of_model(ResourcePoolSpec)
        if not named or str(pool.address) in named
    ]
    if not pools and not named:
        yield _fault(
            *(claim, "resource-pool-missing", ("spec", "requests")),
            "there is no ResourcePool that could serve it",
            "`chimera new ResourcePool` writes a first one",
            Severity.WARNING,
        )
        return
    reasons = []
    for pool in pools:
        short = _short(claim.spec, pool.spec)
        if not short:
            return
        reasons.append(f"{pool.address.name} lacks {worded(short)}")
    if named and not pools:
        return  # they dangle, which is told at their own place
    yield _fault(
        *(claim, "resource-claim-unsatisfiable", ("spec", "requests")),
        f"no pool can serve it: {'; '.join(reasons)}",
        "ask for less, add a minimum, or give a pool more",
    )


def _short(claim: ResourceClaimSpec, pool: ResourcePoolSpec) -> Mapping[str, int]:
    """Return what a pool lacks for the least of a claim; what is measured later counts as there."""
    short = {}
    for name, written in sorted(claim.requests.items()):
        pooled = pool.resources.get(name)
        try:
            asked = units(name, claim.minimum.get(name, written) if claim.minimum else written)
            if pooled is None:
                there = 0
            elif pooled.capacity == AUTO:
                continue
            else:
                share = pooled.maximum_utilisation or pool.maximum_utilisation
                there = int(units(name, pooled.capacity) * Fraction(str(share)))
        except ValueError:
            continue  # told where it is written
        if asked > there:
            short[name] = asked - there
    return short


def _unused(claim: Claim, snapshot: Snapshot) -> Iterator[Diagnostic]:
    """Warn of selectors that mean nobody."""
    claimant = claim.spec.claimant
    labels = claimant.labels
    if labels and not any(
        labels.items() <= workflow.labels.items() for workflow in snapshot.of_kinds({"Workflow"})
    ):
        yield _fault(
            *(claim, "resource-claimant-unknown", ("spec", "for", "labels")),
            "no workflow carries these labels",
            "label a workflow so, or change the labels here",
            Severity.WARNING,
        )
    known = snapshot.registry.modules
    for index, name in enumerate(claimant.modules):
        if name not in known:
            listed = f"there is: {', '.join(sorted(known)) or 'none'}"
            yield _fault(
                *(claim, "resource-claimant-unknown", ("spec", "for", "modules", index)),
                f"there is no type of module {name!r}",
                suggestion(name, known, listed),
                Severity.WARNING,
            )


def _unknown_claims(
    workflow: Document[Any], uses: Iterable[Use], snapshot: Snapshot
) -> Iterator[Diagnostic]:
    """Tell of stages that name a claim which is in no document."""
    for index, number, name in uses:
        if snapshot.get(Address("ResourceClaim", name)) is None:
            known = sorted(d.address.name for d in snapshot.of_model(ResourceClaimSpec))
            listed = f"there is: {', '.join(known) or 'none'}"
            yield _fault(
                workflow,
                "resource-claim-missing",
                ("spec", "stages", index, "inputs", "claims", number),
                f"there is no ResourceClaim/{name}",
                suggestion(name, known, listed),
            )


def _fault(
    document: Document[Any],
    rule: str,
    route: Route,
    message: str,
    help: str,
    severity: Severity = Severity.ERROR,
) -> Diagnostic:
    return Diagnostic(
        rule, message, document.at(*route), help, severity, address=str(document.address)
    )
