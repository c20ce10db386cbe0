"""How a service is looked at: by HTTP, TCP, Redis' PING, PostgreSQL's greeting, or a command.

Owns the fields. Refuses a shell, and a secret that is written down: each is a reference.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from chimera.builtin.services.spec.matching import Match
from chimera.kinds import (
    AfterValidator,
    Discriminator,
    Duration,
    Field,
    Items,
    Model,
    Name,
    StringConstraints,
    Text,
    refuse,
)
from chimera.runtime.secrets import Secret

_LONGEST = timedelta(minutes=5)


def _check_positive(value: timedelta) -> timedelta:
    if value <= timedelta():
        raise refuse("duration-zero", "0s is no length of time; write at least 1ms")
    return value


def _check_timeout(value: timedelta) -> timedelta:
    if value > _LONGEST:
        raise refuse("service-timeout-long", "nobody waits longer than 5m to see a service is well")
    return _check_positive(value)


Period = Annotated[Duration, AfterValidator(_check_positive)]
Timeout = Annotated[Duration, AfterValidator(_check_timeout)]
Count = Annotated[int, Field(ge=1, le=1000)]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
HeaderValue = Annotated[str, StringConstraints(pattern=r"^[\t -~]*$")]
Path = Annotated[str, StringConstraints(pattern=r"^/[!-~]*$")]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Word = Annotated[str, StringConstraints(pattern=r"^[^\x00]+$", max_length=512)]


class _Check(Model):
    """What every check has."""

    id: Name = Field(description="Name of the check, unique in the service.")
    timeout: Timeout = Field(
        default=timedelta(seconds=5),
        description="Longest time that a look may take as a whole, with all its attempts.",
    )
    attempts: Annotated[int, Field(ge=1, le=10)] = Field(
        default=1, description="How often it is asked in one look until it answers as it should."
    )
    pause: Duration = Field(
        default=timedelta(milliseconds=100), description="Time between two attempts of a look."
    )
    unhealthy_after: Count = Field(
        default=1, description="Looks in a row that have to fail until it is called unhealthy."
    )
    healthy_after: Count = Field(
        default=1,
        description="Looks in a row that have to succeed until it is called healthy again.",
    )


class _AtEndpoint(_Check):
    """What every check has that asks over the network."""

    endpoint: Name | None = Field(
        default=None, description="Endpoint that is asked; the service's only one if left out."
    )


class HttpCheck(_AtEndpoint):
    """A request by HTTP or HTTPS, whose answer has to have a status and may have to say something.

    Redirects are answers, not followed: what is asked is this service.
    """

    type: Literal["http"] = Field(description="A request by HTTP.")
    path: Path = Field(default="/", description="Path and query that are asked for.")
    method: Literal["GET", "HEAD"] = Field(default="GET", description="Method of the request.")
    headers: dict[HeaderName, HeaderValue] = Field(
        default_factory=dict, description="Headers of the request by name."
    )
    secret_headers: dict[HeaderName, Secret] = Field(
        default_factory=dict, description="Headers whose values are secrets, such as Authorization."
    )
    statuses: Items[Annotated[int, Field(ge=200, le=599)]] = Field(
        default=(), description="Statuses that are well; any from 200 to 299 if left out."
    )
    body: Match | None = Field(default=None, description="What the answer has to say.")
    max_bytes: Annotated[int, Field(ge=0, le=16 << 20)] = Field(
        default=1 << 20, description="Largest answer that is read; a larger one is a failure."
    )


class TcpCheck(_AtEndpoint):
    """A connection by TCP that is taken."""

    type: Literal["tcp"] = Field(description="A connection by TCP.")


class RedisCheck(_AtEndpoint):
    """Redis' PING, which has to be answered with PONG."""

    type: Literal["redis"] = Field(description="PING, as Redis understands it.")
    username: Word | None = Field(
        default=None, description="User of Redis' ACL; the default one if left out."
    )
    password: Secret | None = Field(
        default=None, description="Password that AUTH gives before the PING."
    )


class PostgresCheck(_AtEndpoint):
    """Whether PostgreSQL accepts connections, judged as pg_isready does: nobody logs in."""

    type: Literal["postgres"] = Field(description="Readiness, as pg_isready judges it.")
    user: Word = Field(default="postgres", description="User that the server is asked for.")
    database: Word | None = Field(
        default=None, description="Database that it is asked for; the user's own if left out."
    )


class CommandCheck(_Check):
    """A command without a shell, whose exit code says how the service is."""

    type: Literal["command"] = Field(description="A command, run without a shell.")
    argv: Annotated[Items[Text], Field(min_length=1)] = Field(
        description="Program and arguments; it is run at the root of the tree."
    )
    env: dict[Variable, str] = Field(
        default_factory=dict, description="Variables that it gets beside PATH, HOME, TMPDIR, LANG."
    )
    secrets: dict[Variable, Secret] = Field(
        default_factory=dict, description="Variables whose values are secrets."
    )
    exits: Annotated[Items[Annotated[int, Field(ge=0, le=255)]], Field(min_length=1)] = Field(
        default=(0,), description="Exit codes that are well."
    )
    output: Match | None = Field(default=None, description="What it has to say on standard output.")


Check = Annotated[
    HttpCheck | TcpCheck | RedisCheck | PostgresCheck | CommandCheck, Discriminator("type")
]
