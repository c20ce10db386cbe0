"""Controls: mutations of a proof's inputs under which it must fail.

A control shows that a proof can fail at all. Refuses to touch anything but the exported copy, and
a mutation that changes nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from chimera.documents import splice
from chimera.kinds import AfterValidator, Field, Items, Model, Text, refuse
from chimera.model import ChimeraError, Place


def _check_path(path: str) -> str:
    if path.startswith("/") or ".." in path.split("/") or "\0" in path:
        raise refuse("proof-control-outside-tree", f"{path!r} is not a path inside the tree")
    return path


FilePath = Annotated[Text, AfterValidator(_check_path)]


class ReplaceText(Model):
    """Replaces a text in an input file."""

    mutate: Literal["replace"] = Field(description="Replace a text in a file.")
    path: FilePath = Field(description="The input file.")
    old: Text = Field(description="Text that must occur in it; every occurrence is replaced.")
    new: str = Field(description="What stands there instead.")


class DeleteFile(Model):
    """Deletes an input file."""

    mutate: Literal["delete"] = Field(description="Delete a file.")
    path: FilePath = Field(description="The input file.")


class SetValue(Model):
    """Sets one value in an input document."""

    mutate: Literal["set"] = Field(description="Set a value in a YAML document.")
    path: FilePath = Field(description="The input file.")
    document: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Which document of the file, counted from zero."
    )
    field: Annotated[Items[str | int], Field(min_length=1)] = Field(
        description="Keys and list positions that lead to the value, as in [spec, seed]."
    )
    value: str | int | float | bool | None = Field(
        description="The value that stands there instead."
    )


class SetVariable(Model):
    """Sets an environment value for the steps."""

    mutate: Literal["environment"] = Field(description="Set an environment variable.")
    name: Annotated[Text, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = Field(
        description="The variable."
    )
    value: str = Field(description="Its value.")


Control = Annotated[
    ReplaceText | DeleteFile | SetValue | SetVariable, Field(discriminator="mutate")
]
"""One mutation under which the proof must fail."""


def describe(control: Control) -> str:
    """Say what a control does, for reports."""
    match control:
        case ReplaceText():
            return f"replacing {control.old!r} in {control.path}"
        case DeleteFile():
            return f"deleting {control.path}"
        case SetValue():
            return f"setting {'.'.join(map(str, control.field))} in {control.path}"
        case SetVariable():
            return f"setting the variable {control.name}"


def mutate(control: ReplaceText | DeleteFile | SetValue, tree: Path) -> None:
    """Change the exported copy; raises `ChimeraError` where that would change nothing."""
    path = tree / control.path
    if path.is_symlink() or not path.is_file():
        raise ChimeraError(f"{describe(control)}: there is no such file among the inputs")
    before = path.read_bytes()
    if isinstance(control, DeleteFile):
        path.unlink()
        return
    after = mutated(control, before)
    if after == before:
        raise ChimeraError(f"{describe(control)}: nothing changes")
    path.write_bytes(after)


def mutated(control: ReplaceText | SetValue, data: bytes) -> bytes:
    """Return the content of a file after the mutation."""
    if isinstance(control, ReplaceText):
        return data.replace(control.old.encode(), control.new.encode())
    place = Place(control.path, control.document, tuple(control.field))
    return splice(data.decode("utf-8"), place, control.value).encode()
