"""Kinds: registration, validation, references, selectors, schemas and the snapshot.

Refuses to know what any kind is for; what siblings share stands here, below them.
"""

from typing import TYPE_CHECKING

from chimera.model.lazily import import_lazily

if TYPE_CHECKING:
    from chimera.kinds.answers import DELETED, AfterText, Answer, DigestText, answers, mismatch
    from chimera.kinds.coding import diagnostic_json, read_diagnostic
    from chimera.kinds.compatibility import categorize
    from chimera.kinds.diff import change_of
    from chimera.kinds.document import Document
    from chimera.kinds.downstream import affected_by
    from chimera.kinds.explain import Explanation, FieldInfo, Variant, explain, explain_model
    from chimera.kinds.fields import (
        AUTOMATIC_TRIGGERS,
        AddressText,
        AfterValidator,
        BeforeValidator,
        Discriminator,
        Duration,
        Expression,
        Field,
        Glob,
        Governs,
        Items,
        KindName,
        KindReference,
        LayerName,
        LayerRef,
        LayerReference,
        Mark,
        Marked,
        Model,
        Name,
        Plays,
        Reference,
        Role,
        StringConstraints,
        Tag,
        Text,
        TriggerName,
        ValidationError,
        WithJsonSchema,
        format_duration,
        model_serializer,
        parse_duration,
        refuse,
    )
    from chimera.kinds.former import documents_in, former_snapshot
    from chimera.kinds.kind import API_VERSION, Kind, Metadata
    from chimera.kinds.loading import (
        DEFAULT_ROOTS,
        Loaded,
        Source,
        load_snapshot,
        load_values,
        read_source,
    )
    from chimera.kinds.marking import marked
    from chimera.kinds.memo import Memo, NoMemo
    from chimera.kinds.moments import Moment, when
    from chimera.kinds.references import check_deletions, check_references
    from chimera.kinds.registry import Registry
    from chimera.kinds.repository import RepositorySpec
    from chimera.kinds.schema import export_schemas, kind_schema, schema_catalog
    from chimera.kinds.scope import Scope, in_scope
    from chimera.kinds.selectors import ActionName, PathSelector, Selector
    from chimera.kinds.shards import LoadedShard, Shard
    from chimera.kinds.snapshot import ReferenceUse, Snapshot, references_of
    from chimera.kinds.subject import EnvironmentFacts, Subject
    from chimera.kinds.validation import is_valid, salvage_model, validate, validate_model
    from chimera.kinds.wording import nearest, shown, suggestion

__all__ = [
    "API_VERSION",
    "AUTOMATIC_TRIGGERS",
    "DEFAULT_ROOTS",
    "DELETED",
    "ActionName",
    "AddressText",
    "AfterText",
    "AfterValidator",
    "Answer",
    "BeforeValidator",
    "DigestText",
    "Discriminator",
    "Document",
    "Duration",
    "EnvironmentFacts",
    "Explanation",
    "Expression",
    "Field",
    "FieldInfo",
    "Glob",
    "Governs",
    "Items",
    "Kind",
    "KindName",
    "KindReference",
    "LayerName",
    "LayerRef",
    "LayerReference",
    "Loaded",
    "LoadedShard",
    "Mark",
    "Marked",
    "Memo",
    "Metadata",
    "Model",
    "Moment",
    "Name",
    "NoMemo",
    "PathSelector",
    "Plays",
    "Reference",
    "ReferenceUse",
    "Registry",
    "RepositorySpec",
    "Role",
    "Scope",
    "Selector",
    "Shard",
    "Snapshot",
    "Source",
    "StringConstraints",
    "Subject",
    "Tag",
    "Text",
    "TriggerName",
    "ValidationError",
    "Variant",
    "WithJsonSchema",
    "affected_by",
    "answers",
    "categorize",
    "change_of",
    "check_deletions",
    "check_references",
    "diagnostic_json",
    "documents_in",
    "explain",
    "explain_model",
    "export_schemas",
    "format_duration",
    "former_snapshot",
    "in_scope",
    "is_valid",
    "kind_schema",
    "load_snapshot",
    "load_values",
    "marked",
    "mismatch",
    "model_serializer",
    "nearest",
    "parse_duration",
    "read_diagnostic",
    "read_source",
    "references_of",
    "refuse",
    "salvage_model",
    "schema_catalog",
    "shown",
    "suggestion",
    "validate",
    "validate_model",
    "when",
]

import_lazily(
    __name__,
    {
        ".answers": "DELETED AfterText Answer DigestText answers mismatch",
        ".coding": "diagnostic_json read_diagnostic",
        ".compatibility": "categorize",
        ".diff": "change_of",
        ".document": "Document",
        ".downstream": "affected_by",
        ".explain": "Explanation FieldInfo Variant explain explain_model",
        ".fields": (
            "AUTOMATIC_TRIGGERS AddressText AfterValidator BeforeValidator Discriminator Duration "
            "Expression "
            "Field Glob Governs Items KindName KindReference LayerName LayerRef "
            "LayerReference Mark Marked Model Name Plays Reference Role StringConstraints "
            "Tag Text TriggerName ValidationError WithJsonSchema format_duration "
            "model_serializer parse_duration refuse"
        ),
        ".former": "documents_in former_snapshot",
        ".kind": "API_VERSION Kind Metadata",
        ".loading": "DEFAULT_ROOTS Loaded Source load_snapshot load_values read_source",
        ".marking": "marked",
        ".memo": "Memo NoMemo",
        ".moments": "Moment when",
        ".references": "check_deletions check_references",
        ".registry": "Registry",
        ".repository": "RepositorySpec",
        ".schema": "export_schemas kind_schema schema_catalog",
        ".scope": "Scope in_scope",
        ".selectors": "ActionName PathSelector Selector",
        ".shards": "LoadedShard Shard",
        ".snapshot": "ReferenceUse Snapshot references_of",
        ".subject": "EnvironmentFacts Subject",
        ".validation": "is_valid salvage_model validate validate_model",
        ".wording": "nearest shown suggestion",
    },
)
