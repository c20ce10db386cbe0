"""JSON Schemas of the kinds, for editors: export, a catalog, and a check against the metaschema."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.json_schema import GenerateJsonSchema

from chimera.documents.trees import YAML_SUFFIXES
from chimera.kinds.fields import format_duration
from chimera.kinds.kind import API_VERSION, Kind, Metadata
from chimera.kinds.registry import Registry

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _AsWritten(GenerateJsonSchema):
    """Has the defaults as a document would say them: `1h`, where ISO 8601 has `PT1H`."""

    def encode_default(self, dft: Any) -> Any:
        return format_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


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
    return {"$schema": DIALECT, **model_schema(envelope(kind))}


def model_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema of a model, as documents have its values."""
    return model.model_json_schema(by_alias=True, schema_generator=_AsWritten)


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


def schema_catalog(registry: Registry, roots: Sequence[str], base: str) -> dict[str, Any]:
    """Return a catalog of the exported schemas, as JSON Schema Store writes it.

    Editors read files below `roots` by the schema that takes any kind; those of single kinds are
    there to be named. `base` is where the folder of the schemas is reached.
    """
    everywhere = [
        f"{'' if root == '.' else f'{root}/'}**/*{suffix}"
        for root in roots
        for suffix in YAML_SUFFIXES
    ]
    entries = [("chimera", "Any Chimera document", everywhere)]
    entries += [(kind.name, kind.summary, []) for kind in registry]
    return {
        "$schema": "https://json.schemastore.org/schema-catalog.json",
        "version": 1,
        "schemas": [
            {
                "name": "Chimera" if name == "chimera" else f"Chimera {name}",
                "description": description,
                "fileMatch": files,
                "url": f"{base.rstrip('/')}/{name}.json",
            }
            for name, description, files in entries
        ],
    }


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
