"""The kind `Schema`, as its authors write it. Refuses to judge anything."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from chimera.kinds import Field, Glob, Governs, Items, Model, StringConstraints, Text

SchemaFile = Annotated[Glob, StringConstraints(pattern=r"^[^*?\[\]\\]+$"), Governs()]
"""The path of one file in the tree: a glob without wildcards."""


Tag = Annotated[str, StringConstraints(pattern=r"^![\w:/.-]+$")]
"""A tag of an application's own; those of YAML itself say what a value is and stay refused."""


class SchemaSpec(Model):
    """Maps files of other systems to a JSON Schema, and makes them known to policies and plans."""

    paths: Annotated[Items[Annotated[Glob, Governs()]], Field(min_length=1)] = Field(
        description="Files that the Schema is about, as Git :(glob) patterns. Of .md and other "
        "prose the front matter is read, .json is read as JSON, and all else as YAML. Documents of "
        "Chimera's own folders are left out."
    )
    selects: dict[str, Text] = Field(
        default_factory=dict,
        description="Fields at the top of a document and the texts that they must hold for it to "
        "be meant, as in {apiVersion: apps/v1, kind: Deployment}; every document if left out.",
    )
    documents: Literal["each", "first"] = Field(
        default="each", description="Whether each document of a file is meant, or only its first."
    )
    read_by: Literal["yaml-1.1", "yaml-1.2"] | None = Field(
        default=None,
        description="Version of YAML that the files' own tools read. A plain scalar that the "
        "versions read apart is an error with yaml-1.1 (Kubernetes), in order with yaml-1.2, and a "
        "warning if left out. Merge keys (<<) merge with yaml-1.1, are an error with yaml-1.2, and "
        "merge with a warning if left out.",
    )
    tags: Items[Tag] = Field(
        default=(),
        description="Tags of the files' own tools that are let in, as in ['!Ref', '!Sub']: what "
        "they mark is read as plain data, a scalar as text. Any other tag is an error.",
    )
    inline: dict[str, Any] | None = Field(
        default=None,
        alias="schema",
        description="The JSON Schema, of the dialect 2020-12 unless its $schema names draft-07 or "
        "2019-09. Without it and without `file`, the files are read, so that policies can judge "
        "them, and no more.",
    )
    file: SchemaFile | None = Field(
        default=None, description="File of the tree that holds the JSON Schema, as JSON or YAML."
    )
    uses: Items[Annotated[Glob, Governs()]] = Field(
        default=(),
        description="Files of the tree that a $ref may name, by its path relative to the file in "
        "which it stands or by their $id. Nothing else is looked up, the network least of all.",
    )
