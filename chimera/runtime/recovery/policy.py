"""How often something is tried again, as documents say it: seed 003's retryPolicy.

Owns the one shape of it, which stages and orchestrators share. Refuses to decide anything: what it
says is a `Retry`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from chimera.kinds import Duration, Field, Model
from chimera.runtime.recovery.words import Backoff

if TYPE_CHECKING:
    from chimera.runtime.recovery.retrying import Retry

Retried = Literal["transient", "any"]


class RetryPolicySpec(Model):
    """How often what failed is tried again, and how long is waited between."""

    max_retries: Annotated[int, Field(ge=0, le=100)] = Field(
        default=3, description="Attempts after the first one."
    )
    backoff_strategy: Backoff = Field(
        default="exponential",
        description="How the wait grows from attempt to attempt: it doubles, grows by baseDelay, "
        "or stays.",
    )
    base_delay: Duration = Field(
        default=timedelta(seconds=1), description="Wait before the second attempt."
    )
    max_delay: Duration = Field(
        default=timedelta(minutes=1), description="Longest wait between two attempts."
    )
    on: Retried = Field(
        default="any",
        description="Which failures are tried again: transient ones, or all that are not "
        "permanent.",
    )

    def as_retry(self) -> Retry:
        """Return it as the engine has it, which counts attempts."""
        from chimera.runtime.recovery.retrying import Retry

        return Retry(
            max_attempts=self.max_retries + 1,
            base_delay=self.base_delay,
            max_delay=max(self.max_delay, self.base_delay),
            strategy=self.backoff_strategy,
            on=self.on,
        )
