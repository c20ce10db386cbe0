"""What is asked of services: checks that name endpoints, and dependencies that end somewhere.

Reads documents alone. Refuses to judge whether anything listens: `chimera health` looks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from chimera.builtin.services.spec.checks import CommandCheck, HttpCheck
from chimera.builtin.services.spec.service import Endpoint, ServiceSpec
from chimera.kinds import Document, Snapshot, suggestion
from chimera.model import Address, Diagnostic, Finding, Route, Verdict

Service = Document[ServiceSpec]
_SPOKEN = {
    "http": ("http", "https"),
    "redis": ("redis",),
    "postgres": ("postgresql",),
    "tcp": ("tcp", "http", "https", "redis", "postgresql"),
}
"""Which protocols of endpoints a check can ask."""


def judge_document(service: Service) -> Verdict:
    """Judge one service by itself."""
    return _verdict(service, (*_duplicates(service), *_targets(service)))


def judge(snapshot: Snapshot) -> Iterator[Verdict]:
    """Return one verdict for each service that depends on others."""
    services = {one.address: one for one in snapshot.of_model(ServiceSpec)}
    for service in services.values():
        if service.spec.depends_on:
            faults = (*_cycles(service, services), *_absent(service, services))
            yield _verdict(service, faults)


def _verdict(service: Service, found: Iterable[Diagnostic]) -> Verdict:
    faults = tuple(found)
    return Verdict(
        "services",
        str(service.address),
        Finding.FAIL if faults else Finding.PASS,
        tuple(fault.message for fault in faults),
        faults,
    )


def _duplicates(service: Service) -> Iterator[Diagnostic]:
    spec = service.spec
    for what, items in (("endpoints", spec.endpoints), ("checks", spec.checks)):
        counts = Counter[str]()
        for index, item in enumerate(items):
            counts[item.id] += 1
            if counts[item.id] == 2:
                yield _fault(
                    *(service, "service-name-repeated", ("spec", what, index, "id")),
                    f"another of the {what} is called {item.id!r}, too",
                    "give each its own id: what is found is told by it",
                )
    for index, endpoint in enumerate(spec.endpoints):
        where: Route = ("spec", "endpoints", index, "elsewhere")
        names = Counter(one.environment for one in endpoint.elsewhere)
        for name in (name for name, count in names.items() if count > 1):
            yield _fault(
                *(service, "service-name-repeated", where),
                f"the endpoint {endpoint.id!r} is in two places in {name}",
                "say once where it is there",
            )


def _targets(service: Service) -> Iterator[Diagnostic]:
    """Yield what is wrong with the endpoints that checks ask."""
    endpoints = {one.id: one for one in service.spec.endpoints}
    for index, check in enumerate(service.spec.checks):
        if isinstance(check, CommandCheck):
            continue
        where: Route = ("spec", "checks", index)
        if check.endpoint is None and len(endpoints) != 1:
            there = f"there are {len(endpoints)}" if endpoints else "there is none"
            yield _fault(
                *(service, "service-endpoint-unclear", where),
                f"the check {check.id!r} names no endpoint, and {there}",
                "name one of spec.endpoints" if endpoints else "add it to spec.endpoints",
            )
            continue
        found = endpoint_of(check.endpoint, service.spec)
        if found is None:
            yield _fault(
                *(service, "service-endpoint-unknown", (*where, "endpoint")),
                f"there is no endpoint {check.endpoint!r}",
                suggestion(str(check.endpoint), endpoints, f"there is: {', '.join(endpoints)}"),
            )
        elif isinstance(check, HttpCheck) and check.method == "HEAD" and check.body:
            yield _fault(
                *(service, "service-match-impossible", (*where, "body")),
                "an answer to HEAD has no body, and this one has to say something",
                "ask with GET, or leave out the body",
            )
        elif found.protocol not in _SPOKEN[check.type]:
            spoken = " or ".join(_SPOKEN[check.type])
            yield _fault(
                *(service, "service-protocol-mismatch", (*where, "type")),
                f"a check of type {check.type} asks an endpoint that speaks {found.protocol}",
                f"have it ask an endpoint that speaks {spoken}, or correct the protocol",
            )


def endpoint_of(name: str | None, spec: ServiceSpec) -> Endpoint | None:
    """Return the endpoint that a check asks; the only one where it names none."""
    if name is None:
        return spec.endpoints[0] if len(spec.endpoints) == 1 else None
    return next((one for one in spec.endpoints if one.id == name), None)


def _cycles(service: Service, services: Mapping[Address, Service]) -> Iterator[Diagnostic]:
    for index, name in enumerate(service.spec.depends_on):
        way = _way(Address.parse(name), service.address, services)
        if way:
            told = " → ".join(map(str, (service.address, *way)))
            yield _fault(
                *(service, "service-dependency-cycle", ("spec", "dependsOn", index)),
                f"it depends on itself: {told}",
                "leave one of these out: of services that all wait for another none can start",
            )


def _way(
    start: Address, end: Address, services: Mapping[Address, Service]
) -> tuple[Address, ...] | None:
    """Return the shortest way along dependencies from one service to another, both included."""
    ways: list[tuple[Address, ...]] = [(start,)]
    seen = {start}
    for way in ways:  # grows as it goes: breadth first
        if way[-1] == end:
            return way
        here = services.get(way[-1])
        for name in here.spec.depends_on if here else ():
            following = Address.parse(name)
            if following not in seen:
                seen.add(following)
                ways.append((*way, following))
    return None


def _absent(service: Service, services: Mapping[Address, Service]) -> Iterator[Diagnostic]:
    """Yield the dependencies that are nowhere to be found where the service is."""
    for index, name in enumerate(service.spec.depends_on):
        needed = services.get(Address.parse(name))
        if needed is None or not needed.spec.environments:
            continue
        missing = sorted(set(service.spec.environments) - set(needed.spec.environments))
        everywhere = not service.spec.environments
        if missing or everywhere:
            where = "everywhere" if everywhere else f"in {', '.join(missing)}"
            yield _fault(
                *(service, "service-dependency-absent", ("spec", "dependsOn", index)),
                f"it is looked at {where}, and {name}, on which it depends, is not",
                f"add to spec.environments of {name} what is missing, or leave out the dependency",
            )


def _fault(service: Service, rule: str, route: Route, message: str, help: str) -> Diagnostic:
    return Diagnostic(rule, message, service.at(*route), help, address=str(service.address))
