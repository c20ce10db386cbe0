"""The kind Service: where something listens, what it needs, and how it is looked at.

Owns the fields. Refuses to look: that is `services.health`'.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from chimera.builtin.services.spec.checks import Check, Count, Period
from chimera.kinds import (
    AddressText,
    Field,
    Items,
    Model,
    Name,
    Reference,
    StringConstraints,
)

Host = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]+$", max_length=253)]
Port = Annotated[int, Field(ge=1, le=65535)]
Protocol = Literal["http", "https", "tcp", "redis", "postgresql"]
EnvironmentText = Annotated[AddressText, Reference("Environment", cites=True)]


class Elsewhere(Model):
    """Where an endpoint is in one environment."""

    environment: EnvironmentText = Field(description="Environment in which it is there.")
    host: Host = Field(description="Name or address of the host there.")
    port: Port | None = Field(
        default=None, description="Port there; the endpoint's own if left out."
    )


class Endpoint(Model):
    """One port on which a service listens."""

    id: Name = Field(description="Name of the endpoint, unique in the service.")
    host: Host = Field(default="localhost", description="Name or address of the host.")
    port: Port = Field(description="Port on which it listens.")
    protocol: Protocol = Field(default="tcp", description="What is spoken there.")
    elsewhere: Items[Elsewhere] = Field(
        default=(), description="Environments in which it is somewhere else."
    )


class Breaker(Model):
    """When a service that keeps failing is left alone for a while."""

    failures: Count = Field(default=5, description="Failing looks within the window that open it.")
    window: Period = Field(default=timedelta(minutes=10), description="How long a failure counts.")
    cool_down: Period = Field(
        default=timedelta(minutes=1), description="How long nothing is asked once it is open."
    )
    trials: Count = Field(
        default=1, description="Looks that have to succeed then, until it is closed."
    )


class ServiceSpec(Model):
    """Something that runs and answers; `chimera health` looks whether it is well."""

    environments: Items[EnvironmentText] = Field(
        default=(), description="Environments in which it is looked at; all if left out."
    )
    endpoints: Items[Endpoint] = Field(default=(), description="Where it listens.")
    depends_on: Items[Annotated[AddressText, Reference("Service")]] = Field(
        default=(),
        description="Services that it cannot work without; while one is down, it is not blamed.",
    )
    checks: Annotated[Items[Check], Field(min_length=1)] = Field(
        description="How it is looked at; all of them have to succeed."
    )
    breaker: Breaker | None = Field(
        default=None,
        description="When it is left alone for a while; looked at each time if left out.",
    )
