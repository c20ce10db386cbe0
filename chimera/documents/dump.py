"""Writing a value as a YAML document that reads back as the same value."""

from __future__ import annotations

from functools import cache
from typing import Any

from chimera.documents.scalars import core_value


def dump(value: dict[str, Any]) -> str:
    """Return `value`, which is JSON, as one YAML document in block style; keys keep their order."""
    import yaml

    return yaml.dump(
        value,
        Dumper=_dumper(),
        sort_keys=False,
        allow_unicode=True,
        width=100,
        default_flow_style=False,
    )


@cache
def _dumper() -> Any:
    import yaml

    class Dumper(yaml.CSafeDumper):
        """Quotes strings that YAML 1.2 would read as something else; PyYAML knows 1.1 only."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    def represent_text(dumper: Any, text: str) -> Any:
        lines = text.split("\n")
        style = "|" if len(lines) > 1 and all(map(str.isprintable, lines)) else None
        if not isinstance(core_value(text), str):
            style = '"'
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    Dumper.add_representer(str, represent_text)
    return Dumper
