"""Controls: mutations of a proof's inputs under which it must fail.

A control shows that a proof can fail at all. Refuses to touch anything but the exported copy, and
a mutation that changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from chimera.documents import splice
from chimera.kinds import AfterValidator, Field, Items, Model, Text, refuse
from chimera.model import ChimeraError, Place
from chimera.proof.patches import PatchError, apply_patch, parse_patch


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


def _check_patch(text: str) -> str:
    try:
        for patch in parse_patch(text):
            _check_path(patch.path)
    except PatchError as error:
        raise refuse("proof-patch-invalid", f"this is no unified diff: {error.message}") from None
    return text


class ApplyPatch(Model):
    """Applies a unified diff to input files."""

    mutate: Literal["patch"] = Field(description="Apply a patch.")
    patch: Annotated[str, AfterValidator(_check_patch)] = Field(
        description="A unified diff, as `git diff` writes it; paths are relative to the root."
    )


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Gives a file another content: a mutation that nobody wrote down."""

    path: str
    content: bytes
    label: str


Control = Annotated[
    ReplaceText | DeleteFile | SetValue | ApplyPatch | SetVariable, Field(discriminator="mutate")
]
"""One mutation under which the proof must fail."""
Edit = ReplaceText | DeleteFile | SetValue | ApplyPatch | Rewrite
"""A mutation of files."""


def describe(control: Control | Rewrite) -> str:
    """Say what a control does, for reports."""
    match control:
        case ReplaceText():
            return f"replacing {control.old!r} in {control.path}"
        case DeleteFile():
            return f"deleting {control.path}"
        case SetValue():
            return f"setting {'.'.join(map(str, control.field))} in {control.path}"
        case ApplyPatch():
            return f"patching {' and '.join(paths_of(control))}"
        case SetVariable():
            return f"setting the variable {control.name}"
        case Rewrite():
            return control.label


def paths_of(edit: Edit) -> tuple[str, ...]:
    """Return the files that an edit changes."""
    if isinstance(edit, ApplyPatch):
        return tuple(patch.path for patch in parse_patch(edit.patch))
    return (edit.path,)


def edited(edit: Edit, read: Callable[[str], bytes | None]) -> dict[str, bytes | None]:
    """Return the files that an edit changes with what becomes of them; `None` is no file.

    Raises `ChimeraError` where the edit does not fit or would change nothing.
    """
    before = {path: read(path) for path in paths_of(edit)}
    if isinstance(edit, ApplyPatch):
        after = {p.path: apply_patch(p, before[p.path]) for p in parse_patch(edit.patch)}
    elif (data := before[edit.path]) is None:
        raise ChimeraError("there is no such file among the inputs")
    else:
        after = {edit.path: _content(edit, data)}
    if after == before:
        raise ChimeraError("nothing would change")
    return after


def _content(edit: ReplaceText | DeleteFile | SetValue | Rewrite, data: bytes) -> bytes | None:
    match edit:
        case ReplaceText():
            return data.replace(edit.old.encode(), edit.new.encode())
        case DeleteFile():
            return None
        case SetValue():
            place = Place(edit.path, edit.document, tuple(edit.field))
            try:
                return splice(data.decode("utf-8"), place, edit.value).encode()
            except UnicodeDecodeError as error:
                raise ChimeraError(str(error)) from error
        case Rewrite():
            return edit.content


def mutate(edit: Edit, tree: Path) -> None:
    """Change the exported copy; raises `ChimeraError` where that would change nothing."""
    root = tree.resolve()

    def read(path: str) -> bytes | None:
        file = tree / path
        if file.is_symlink() or not file.parent.resolve().is_relative_to(root):
            raise ChimeraError(f"{path} leads elsewhere by a symbolic link")
        return file.read_bytes() if file.is_file() else None

    try:
        changed = edited(edit, read)
    except ChimeraError as error:
        raise ChimeraError(f"{describe(edit)}: {error.message}") from error
    for path, content in changed.items():
        if content is None:
            (tree / path).unlink()
        else:
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_bytes(content)
