"""Which services are looked at in an environment, where they are there, and who is to blame.

Refuses to look: it reads documents alone, whatever is wrong with them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from chimera.builtin.services.checking import Service, endpoint_of
from chimera.builtin.services.spec.service import ServiceSpec
from chimera.kinds import Snapshot

Services = Mapping[str, Service]
"""Services by their addresses, in order."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where an endpoint is in an environment."""

    host: str
    port: int
    is_secure: bool


def services_of(snapshot: Snapshot, environment: str, only: Collection[str]) -> Services:
    """Return the services that are looked at: all, or `only` some and what those depend on."""
    here = f"Environment/{environment}"
    known = {
        str(service.address): service
        for service in sorted(snapshot.of_model(ServiceSpec), key=lambda one: one.address)
        if not service.spec.environments or here in service.spec.environments
    }
    if not only:
        return known
    wanted, following = set[str](), [name for name in only if name in known]
    while following:
        name = following.pop()
        if name not in wanted and name in known:
            wanted.add(name)
            following += known[name].spec.depends_on
    return {name: service for name, service in known.items() if name in wanted}


def target_of(name: str | None, spec: ServiceSpec, environment: str) -> Target | None:
    """Return where the endpoint of a check is in an environment, if there is one."""
    endpoint = endpoint_of(name, spec)
    if endpoint is None:
        return None
    here = f"Environment/{environment}"
    place = next((one for one in endpoint.elsewhere if one.environment == here), endpoint)
    return Target(place.host, place.port or endpoint.port, endpoint.protocol == "https")


def blamed(services: Services, failing: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return on which failing services each depends, by address; the last of a chain is to blame.

    One that fails may be failed by what the services need that it needs itself; one that answers
    is told only of those that it names.
    """
    return {name: tuple(sorted(_causes(name, services, failing))) for name in services}


def _causes(name: str, services: Services, failing: Collection[str]) -> set[str]:
    causes: set[str] = set()
    for needed in services[name].spec.depends_on:
        if needed in services and (needed in failing or name in failing):
            found = set(_failing_below(needed, services, failing, {name}))
            causes |= found or ({needed} & set(failing))
    return causes - {name}


def _failing_below(
    name: str, services: Services, failing: Collection[str], above: set[str]
) -> Iterator[str]:
    """Yield the failing services that one needs, those at the ends of its chains."""
    for needed in services[name].spec.depends_on:
        if needed in services and needed not in above:
            deeper = list(_failing_below(needed, services, failing, above | {name}))
            yield from deeper or ([needed] if needed in failing else ())
