"""What the operations `git.*` take and give.

Refuses the name of a remote, Git's own and Chimera's own paths, and what Git could read as an
option.
"""

from __future__ import annotations

from typing import Annotated, Literal

from chimera.builtin.workflow.operations.tree import TreePath
from chimera.documents import check_remote
from chimera.kinds import AfterValidator, Field, Glob, Items, Model, StringConstraints, Text, refuse
from chimera.model import UsageError


def _check_url(url: str) -> str:
    try:
        return check_remote(url)
    except UsageError as error:
        raise refuse("git-remote-invalid", f"{error.message}: {error.help}") from error


def _check_content(path: str) -> str:
    if path.split("/", maxsplit=1)[0].lower() == ".chimera":
        raise refuse("path-not-writable", f"{path!r} is Chimera's own and belongs in no commit")
    return path


Remote = Annotated[str, AfterValidator(_check_url)]
RefName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/+-]*$")]
Revision = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9@][A-Za-z0-9@._/+~^{}-]*$")]
CommitId = Annotated[str, StringConstraints(pattern=r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")]
Identity = Annotated[str, StringConstraints(pattern=r"^[^<>\x00-\x1f]+ <[^<>\x00-\x20]*>$")]
ContentPath = Annotated[TreePath, AfterValidator(_check_content)]


class ResolveInputs(Model):
    """Which revision."""

    revision: Revision = Field(default="HEAD", description="Branch, tag, HEAD~1 or commit id.")


class CommitOutputs(Model):
    """A commit."""

    commit: str = Field(description="Full id of the commit.")


class DiffInputs(Model):
    """What is compared with what."""

    before: Revision = Field(description="Revision that is compared with.")
    after: Revision = Field(default="HEAD", description="Revision that is compared.")
    paths: Items[Glob] = Field(
        default=(), description="Git :(glob) patterns of the paths that count; all if left out."
    )
    limit: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=10_000, description="Paths that there may be; more is a failure."
    )


class ChangedPath(Model):
    """One path that differs."""

    path: str = Field(description="The path.")
    change: Literal["created", "updated", "deleted"] = Field(description="What became of it.")


class DiffOutputs(Model):
    """What differs."""

    changes: Items[ChangedPath] = Field(description="Paths that differ, in order of path.")
    paths: Items[str] = Field(description="The same paths by themselves.")


class LogInputs(Model):
    """Which commits."""

    revision: Revision = Field(default="HEAD", description="Revision to begin with.")
    since: Revision | None = Field(default=None, description="Revision whose commits are left out.")
    paths: Items[Glob] = Field(
        default=(), description="Git :(glob) patterns: only commits that touch them."
    )
    limit: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=100, description="Commits that are listed at most, the newest first."
    )


class LogEntry(Model):
    """One commit."""

    commit: str = Field(description="Full id of the commit.")
    author: str = Field(description="Name of its author.")
    email: str = Field(description="Mail address of its author.")
    time: str = Field(description="When it was committed, ISO 8601.")
    subject: str = Field(description="First paragraph of its message.")


class LogOutputs(Model):
    """The commits."""

    commits: Items[LogEntry] = Field(description="Commits, the newest first.")


class CommitInputs(Model):
    """What is put on top of which branch."""

    branch: RefName = Field(
        description="Branch that gets the commit; one that is checked out is refused."
    )
    base: Revision = Field(
        default="HEAD", description="Revision that the branch begins at where there is none yet."
    )
    files: dict[ContentPath, TreePath] = Field(
        default_factory=dict,
        description="Path in the commit, and file of the tree or below .chimera/out with its "
        "content.",
    )
    delete: Items[ContentPath] = Field(default=(), description="Paths to remove.")
    message: Text = Field(description="Message of the commit.")
    author: Identity = Field(
        default="chimera <chimera@localhost>", description="Author and committer, Name <mail>."
    )


class CommittedOutputs(CommitOutputs):
    """The branch as it is then; where nothing differs it stays as it was."""

    branch: str = Field(description="Full name of the branch.")


class TagInputs(Model):
    """What is named how."""

    name: RefName = Field(description="Name of the tag; one that names something else is refused.")
    revision: Revision = Field(default="HEAD", description="Revision that it names.")


class PushInputs(Model):
    """What is sent where."""

    remote: Remote = Field(
        description="Address of the repository: https, ssh or a path; the name of a remote is none."
    )
    revision: Revision = Field(description="Revision that is sent.")
    to: Annotated[RefName, StringConstraints(pattern="^refs/(heads|tags)/.")] = Field(
        description="Full name of the ref there, such as refs/heads/release."
    )
    replaces: CommitId | None = Field(
        default=None,
        description="Commit that may be replaced although it is not contained in what is sent; "
        "without it the push only goes forward.",
    )
    token: str = Field(
        default="", description="Token for an https remote; put ${secret.name} here."
    )


class FetchInputs(Model):
    """What is fetched."""

    remote: Remote = Field(description="Address of the repository: https, ssh or a path.")
    ref: RefName = Field(default="HEAD", description="Ref there.")
    name: RefName = Field(
        default="fetched", description="It is kept as refs/chimera/NAME, so that it can be named."
    )
    token: str = Field(
        default="", description="Token for an https remote; put ${secret.name} here."
    )
