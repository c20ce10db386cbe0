"""What is proposed is judged as it would stand, and stands as it was judged."""

from __future__ import annotations

from chimera.builtin.evolution.genomes.proposing import Proposal, ProposedTree
from chimera.documents import open_work_tree
from tests.builtin.evolution.genomes.conftest import FIRST, field, file

WORKFLOW = "specs/workflows/pause.yaml"


def test_a_proposed_tree_is_the_tree_once_it_is_written(house):
    name = house.found(FIRST)
    proposed = house.promote(name, field("wait"), file("config/wait.yaml"))
    changed = proposed.proposal.changed
    house.repository.git("stash", "--include-untracked", "--quiet")
    before = ProposedTree(open_work_tree(house.root), changed)
    told = (
        [(entry.path, entry.mode) for entry in before.entries()],
        [(entry.path, entry.mode) for entry in before.under(("specs", "proofs/"))],
        before.read_many([WORKFLOW, "config/wait.yaml", ".gitignore"]),
        before.read_many([WORKFLOW, "config/wait.yaml"], limit=3),
        before.digest([*changed, ".gitignore"]),
        before.read(WORKFLOW),
        before.revision,
    )
    for path, data in changed.items():
        house.repository.write(path, data.decode())
    after = open_work_tree(house.root)
    assert told == (
        [(entry.path, entry.mode) for entry in after.entries()],
        [(entry.path, entry.mode) for entry in after.under(("specs", "proofs/"))],
        after.read_many([WORKFLOW, "config/wait.yaml", ".gitignore"]),
        after.read_many([WORKFLOW, "config/wait.yaml"], limit=3),
        after.digest([*changed, ".gitignore"]),
        after.read(WORKFLOW),
        after.revision,
    )


def test_what_says_the_same_as_before_is_no_change(house):
    proposal = Proposal(house.workspace)
    text = house.read(WORKFLOW)
    proposal.put(WORKFLOW, text + "# more\n")
    proposal.put(WORKFLOW, text)
    assert proposal.changed == {}
    assert proposal.write() == ()
