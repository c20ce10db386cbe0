"""JSON Schemas of the kinds, for editors: export, and a check of them against the metaschema."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from chimera.kinds.kind import API_VERSION, Kind, Metadata
from chimera.kinds.registry import Registry

DIALECT = "https://json-schema.org/draft/2020-12/schema"


@cache
def envelope(kind: Kind) -> type[BaseModel]:
    """Return the model of a whole document of `kind`, as editors and `explain` see it."""
    fields: dict[str, Any] = {
        "apiVersion": (
            Literal[API_VERSION],
            Field(description="Version of the document format."),
        ),
        "kind": (Literal[kind.name], Field(description=kind.summary)),
        "metadata": (Metadata, Field(description="Who the document is.")),
        "spec": (kind.spec, Field(description=f"What the {kind.name} says.")),
    }
    config = ConfigDict(extra="forbid")
    return create_model(kind.name, __config__=config, __doc__=kind.summary, **fields)


def kind_schema(kind: Kind) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of documents of `kind`."""
    return {"$schema": DIALECT, **envelope(kind).model_json_schema(by_alias=True)}


def export_schemas(registry: Registry) -> dict[str, dict[str, Any]]:
    """Return one schema a kind by file name, and `chimera.json`, which accepts any kind.

    Each has been checked against the metaschema of its dialect.
    """
    import jsonschema

    schemas = {f"{kind.name}.json": kind_schema(kind) for kind in registry}
    schemas["chimera.json"] = _any_kind([kind.name for kind in registry])
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    return schemas


def _any_kind(names: list[str]) -> dict[str, Any]:
    """Return the schema that takes any kind, by the schema of the kind that a document names.

    A `oneOf` would say of a fault that no alternative fits, and judge each document by all.
    """
    return {
        "$schema": DIALECT,
        "title": "A Chimera document",
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": names}},
        "allOf": [
            {
                "if": {"required": ["kind"], "properties": {"kind": {"const": name}}},
                "then": {"$ref": f"{name}.json"},
            }
            for name in names
        ],
    }
