"""Which secrets a template refers to. Refuses to read one: that is `chimera.runtime.secrets`'."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chimera.builtin.workflow.references import SECRET, references_in
from chimera.runtime.secrets import SecretSpec


def secrets_in(template: Any, secrets: Mapping[str, SecretSpec]) -> dict[str, SecretSpec]:
    """Return where the secrets come from that inputs refer to, by the text of the reference."""
    found = (ref for ref in references_in(template) if ref.source == SECRET)
    return {str(ref): secrets[ref.name] for ref in found}
