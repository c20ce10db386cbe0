"""Documents: YAML with places, from the work tree or any commit. The owner of YAML and Git.

Parsers and GitPython are loaded by the call that needs them.
"""

from typing import TYPE_CHECKING

from chimera.model.lazily import import_lazily

if TYPE_CHECKING:
    from chimera.documents.commands import authorization, check_remote, git_command
    from chimera.documents.commit import open_commit
    from chimera.documents.differences import Difference, differences
    from chimera.documents.dump import dump
    from chimera.documents.edit import edit, splice
    from chimera.documents.foreign import load_foreign, parse_foreign
    from chimera.documents.format import format_text
    from chimera.documents.globs import Globs
    from chimera.documents.history import Commit, commits_of, has_commit, is_contained
    from chimera.documents.insert import add_field, insert_item
    from chimera.documents.listing import Listing, list_documents
    from chimera.documents.merge import Merge, open_merge
    from chimera.documents.overlay import OverlayTree
    from chimera.documents.own import own_files
    from chimera.documents.parse import (
        RawDocument,
        contents,
        load_documents,
        not_read,
        parse,
        without_collector,
    )
    from chimera.documents.partial import PartialTree
    from chimera.documents.portions import is_document
    from chimera.documents.refs import head, is_shallow, is_there
    from chimera.documents.repository import find_root, tracked_below
    from chimera.documents.scan import MAX_BYTES, Extensions
    from chimera.documents.spans import Contents, locate, locate_each, span_of, spans_of
    from chimera.documents.trees import (
        YAML_SUFFIXES,
        Entry,
        Tree,
        export,
        is_below,
        is_link,
        is_root,
    )
    from chimera.documents.worktree import conversions, open_work_tree

__all__ = [
    "MAX_BYTES",
    "YAML_SUFFIXES",
    "Commit",
    "Contents",
    "Difference",
    "Entry",
    "Extensions",
    "Globs",
    "Listing",
    "Merge",
    "OverlayTree",
    "PartialTree",
    "RawDocument",
    "Tree",
    "add_field",
    "authorization",
    "check_remote",
    "commits_of",
    "contents",
    "conversions",
    "differences",
    "dump",
    "edit",
    "export",
    "find_root",
    "format_text",
    "git_command",
    "has_commit",
    "head",
    "insert_item",
    "is_below",
    "is_contained",
    "is_document",
    "is_link",
    "is_root",
    "is_shallow",
    "is_there",
    "list_documents",
    "load_documents",
    "load_foreign",
    "locate",
    "locate_each",
    "not_read",
    "open_commit",
    "open_merge",
    "open_work_tree",
    "own_files",
    "parse",
    "parse_foreign",
    "span_of",
    "spans_of",
    "splice",
    "tracked_below",
    "without_collector",
]

import_lazily(
    __name__,
    {
        ".commands": "authorization check_remote git_command",
        ".commit": "open_commit",
        ".differences": "Difference differences",
        ".dump": "dump",
        ".edit": "edit splice",
        ".foreign": "load_foreign parse_foreign",
        ".format": "format_text",
        ".globs": "Globs",
        ".history": "Commit commits_of has_commit is_contained",
        ".insert": "add_field insert_item",
        ".listing": "Listing list_documents",
        ".merge": "Merge open_merge",
        ".overlay": "OverlayTree",
        ".own": "own_files",
        ".parse": "RawDocument contents load_documents not_read parse without_collector",
        ".partial": "PartialTree",
        ".portions": "is_document",
        ".refs": "head is_shallow is_there",
        ".repository": "find_root tracked_below",
        ".scan": "MAX_BYTES Extensions",
        ".spans": "Contents locate locate_each span_of spans_of",
        ".trees": "YAML_SUFFIXES Entry Tree export is_below is_link is_root",
        ".worktree": "conversions open_work_tree",
    },
)
