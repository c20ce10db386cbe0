"""The operations `file.*`: read, write, append, copy and digest files of the tree.

Owns no path rule of its own: `tree` keeps every path inside, and writes below `.chimera/out`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from chimera.builtin.workflow.operations.parsing import parse_json
from chimera.builtin.workflow.operations.tree import (
    OUT,
    OutPath,
    TreePath,
    append_bytes,
    read_bytes,
    write_bytes,
)
from chimera.kinds import Field, Glob, Items, Model
from chimera.model import digest_bytes, digest_paths
from chimera.runtime import Operation, OperationCall, PermanentError

_LARGEST = 1 << 30

MaxBytes = Annotated[int, Field(ge=0, le=_LARGEST)]


class ReadInputs(Model):
    """Which file to read."""

    path: TreePath = Field(description="File of the tree.")
    json_output: bool = Field(
        default=False, description="Whether the file is JSON, to be given as the output json."
    )
    max_bytes: MaxBytes = Field(default=1 << 20, description="Largest size that is read.")


class ReadOutputs(Model):
    """What the file holds."""

    text: str = Field(description="The content as UTF-8 text.")
    json_value: Any = Field(
        default=None, alias="json", description="What it says as JSON, if that was asked for."
    )
    size: int = Field(description="Size in bytes.")
    digest: str = Field(description="Digest of the content.")


class WriteInputs(Model):
    """What to write where."""

    path: OutPath = Field(description="File below .chimera/out; folders are made.")
    content: str = Field(description="Text to write, as UTF-8.")


class WrittenOutputs(Model):
    """What was written."""

    path: str = Field(description="The file.")
    size: int = Field(description="Its size in bytes.")
    digest: str = Field(description="Digest of what was written.")


class CopyInputs(Model):
    """What to copy where."""

    source: TreePath = Field(description="File of the tree.")
    destination: OutPath = Field(description="File below .chimera/out; folders are made.")
    max_bytes: MaxBytes = Field(default=64 << 20, description="Largest size that is copied.")


class DigestInputs(Model):
    """Which files to digest."""

    paths: Annotated[Items[Glob], Field(min_length=1)] = Field(
        description="Git :(glob) patterns; files that Git ignores do not count, except those "
        "below .chimera/out."
    )


class DigestOutputs(Model):
    """What the files are, all together."""

    digest: str = Field(description="Digest of the path set: paths, modes and contents.")
    count: int = Field(description="How many files there are.")


def read(call: OperationCall[ReadInputs]) -> Mapping[str, Any]:
    """Read a text file."""
    data = read_bytes(call.root, call.inputs.path, call.inputs.max_bytes)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise PermanentError(
            f"{call.inputs.path!r} is not UTF-8 text: {error.reason} at byte {error.start}",
            help="digest or copy it instead",
        ) from error
    value = parse_json(text, repr(call.inputs.path)) if call.inputs.json_output else None
    return {"text": text, "json": value, "size": len(data), "digest": digest_bytes(data)}


def write(call: OperationCall[WriteInputs]) -> Mapping[str, Any]:
    """Write a text file, whole or not at all; the same again changes nothing."""
    data = call.inputs.content.encode()
    write_bytes(call.root, call.inputs.path, data, call.key[:16])
    return _written(call.inputs.path, data)


def append(call: OperationCall[WriteInputs]) -> Mapping[str, Any]:
    """Put text at the end of a file; an interrupted one may have been put there already."""
    data = call.inputs.content.encode()
    size = append_bytes(call.root, call.inputs.path, data)
    return {**_written(call.inputs.path, data), "size": size}


def copy(call: OperationCall[CopyInputs]) -> Mapping[str, Any]:
    """Copy a file, whole or not at all."""
    data = read_bytes(call.root, call.inputs.source, call.inputs.max_bytes)
    write_bytes(call.root, call.inputs.destination, data, call.key[:16])
    return _written(call.inputs.destination, data)


def _written(path: str, data: bytes) -> Mapping[str, Any]:
    return {"path": path, "size": len(data), "digest": digest_bytes(data)}


def digest(call: OperationCall[DigestInputs]) -> Mapping[str, Any]:
    """Digest files of the work tree and of what stages have written."""
    from chimera.documents import Globs, open_work_tree

    tree = open_work_tree(call.root)
    globs = Globs(call.inputs.paths)
    found = [
        (entry.path, entry.mode, digest_bytes(tree.read(entry.path)))
        for entry in tree.entries()
        if globs.matches(entry.path)
    ]
    found += (
        (path, "100644", digest_bytes(read_bytes(call.root, path, _LARGEST)))
        for path in _written_files(call.root)
        if globs.matches(path)
    )
    if not found:
        raise PermanentError(
            f"no file matches {', '.join(call.inputs.paths)}",
            help="a digest of nothing shows nothing: correct the patterns",
        )
    return {"digest": digest_paths(found), "count": len(found)}


def _written_files(root: Path) -> Iterator[str]:
    """Yield the regular files below `.chimera/out`; symlinks are not followed."""
    for folder, _, names in os.walk(root / OUT):
        for path in (Path(folder, name) for name in names):
            if path.is_file() and not path.is_symlink():
                yield path.relative_to(root).as_posix()


_operation = partial(Operation, reach="tree")

OPERATIONS = (
    _operation("file.read", "Read a text file.", ReadInputs, ReadOutputs, read, effects=False),
    _operation("file.write", "Write a text file.", WriteInputs, WrittenOutputs, write),
    _operation(
        "file.append", "Put text at the end of a file.", WriteInputs, WrittenOutputs, append
    ),
    _operation("file.copy", "Copy a file.", CopyInputs, WrittenOutputs, copy),
    _operation("file.digest", "Digest files.", DigestInputs, DigestOutputs, digest, effects=False),
)
