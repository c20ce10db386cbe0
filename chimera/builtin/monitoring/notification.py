"""The kind Notification: who is told when something is no longer well, or well again.

Owns the fields. Refuses a secret that is written down: each is a reference.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from chimera.kinds import (
    AddressText,
    AfterValidator,
    Duration,
    Field,
    Items,
    Model,
    Plays,
    Reference,
    Role,
    StringConstraints,
    Text,
    refuse,
)
from chimera.runtime.secrets import Secret

_LONGEST = timedelta(minutes=1)


def _check_timeout(value: timedelta) -> timedelta:
    if not timedelta() < value <= _LONGEST:
        raise refuse("notification-timeout", "a notification is sent within 1ms to 1m")
    return value


HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
HeaderValue = Annotated[str, StringConstraints(pattern=r"^[\t -~]*$")]


class Webhook(Model):
    """Where a change is posted to, as JSON."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://[!-~]+$")] | None = Field(
        default=None, description="An http or https URL."
    )
    secret_url: Secret | None = Field(
        default=None, description="The URL, where it is a secret itself, instead of url."
    )
    headers: dict[HeaderName, HeaderValue] = Field(
        default_factory=dict, description="Headers of the post by name."
    )
    secret_headers: dict[HeaderName, Secret] = Field(
        default_factory=dict, description="Headers whose values are secrets, such as Authorization."
    )


def _check_url(webhook: Webhook) -> Webhook:
    if (webhook.url is None) == (webhook.secret_url is None):
        raise refuse("notification-url", "a webhook has either url or secretUrl")
    return webhook


class NotificationSpec(Model):
    """Tells somebody of each change once, by a file or a webhook."""

    environments: Items[Annotated[AddressText, Reference("Environment", cites=True)]] = Field(
        default=(), description="Environments of which it tells; all if left out."
    )
    subjects: Annotated[Items[Text], Field(min_length=1)] = Field(
        default=("*",),
        description="What it tells of, as patterns: Service/redis, Service/*, Alert/*, disk.",
    )
    least: Literal["degraded", "unhealthy"] = Field(
        default="unhealthy", description="How bad something has to be to be told of."
    )
    recoveries: bool = Field(default=True, description="Whether it tells what is well again, too.")
    to: Annotated[Text, Plays(Role.PARTICIPANT)] = Field(
        default="administrator", description="Who is told, for whoever delivers it."
    )
    file: Text | None = Field(
        default=None,
        description="File below .chimera/out that gets a line of JSON for each message.",
    )
    webhook: Annotated[Webhook, AfterValidator(_check_url)] | None = Field(
        default=None,
        description="Where it is posted to instead, as the definition says that was applied.",
    )
    timeout: Annotated[Duration, AfterValidator(_check_timeout)] = Field(
        default=timedelta(seconds=10),
        description="Longest time that a message may take, with all its attempts.",
    )
    attempts: Annotated[int, Field(ge=1, le=10)] = Field(
        default=3, description="How often it is tried in one look; the next look tries again."
    )
