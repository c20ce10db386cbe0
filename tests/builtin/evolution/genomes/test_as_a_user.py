"""From a new repository to a genome in use, and back: with real runs and a real proof."""

from __future__ import annotations

import json
from pathlib import Path

from numba.misc.appdirs import user_cache_dir

EVOLUTION_FILE = "specs/evolutions/tune.yaml"
WORKFLOW = "specs/workflows/pause.yaml"
PROOF = "proofs/tune.yaml"
INTO = [
    *("--into", "Workflow/pause:/spec/inputs/wait/default", "--gene", "wait"),
    *("--into", "Workflow/pause:/spec/inputs/factor/default", "--gene", "factor"),
    *("--into", "Workflow/pause:/spec/stages/0/timeout", "--gene", "wait:m"),
    *("--into-file", "config/all.json"),
]
OTHERS = """\
      - {name: rate, min: 0.0001, max: 1, scale: log, count: 3}
      - {name: mode, type: categorical, values: [slow, fast, 7], count: 2}
      - {name: flags, type: bit, count: 3}
      - {name: order, type: permutation, length: 4}
"""


def test_a_genome_is_found_promoted_proven_and_taken_back(house, chimera, monkeypatch):
    house.edit(EVOLUTION_FILE, "spec:\n", "spec:\n  trigger: apply\n")
    house.edit(EVOLUTION_FILE, "  fitness:", f"{OTHERS}  fitness:")
    house.repository.commit("start")
    assert chimera("apply").code == 0
    [genome] = json.loads(chimera("evolve", "genomes", "--best", "1", "-o", "json").out)["genomes"]
    assert genome["record"] is not None
    assert sorted(genome["genes"]["order"]) == [0, 1, 2, 3]

    # Put to use: nothing but the values changes in the workflow, and a check is content.
    answer = chimera("evolve", "promote", "latest", *INTO)
    assert answer.code == 0, answer.err
    assert chimera("check").code == 0
    assert json.loads(house.read("config/all.json")) == genome["genes"]
    # Proofs have a home of their own; this one is let in on what is compiled already.
    monkeypatch.setenv("XDG_CACHE_HOME", str(Path(user_cache_dir("chimera", False)).parent))
    house.edit(PROOF, "spec:\n", "spec:\n  environment: {allow: [XDG_CACHE_HOME]}\n")
    house.repository.commit("promote")
    before = house.files()
    answer = chimera("check", "--base", "HEAD~1")
    owed = answer.out.partition("owed in local before it may be merged:")[2]
    assert "proof Proof/tune for Promotion/tune" in owed
    answer = chimera("prove", "tune")
    assert answer.code == 0, answer.out
    assert "pass  Proof/tune: 2 repetitions, 3 assertions, 1 control" in answer.out

    # In use, it is no hindrance to runs, although its record is in the tree and never applied.
    assert chimera("apply").code == 0
    answer = chimera("run", "Workflow/pause")
    assert answer.code == 0, answer.err

    # A value that somebody changes is found.
    value = str(genome["genes"]["wait"])
    house.edit(WORKFLOW, value, "7.5")
    answer = chimera("check")
    assert answer.code == 1
    assert f"{WORKFLOW}:9:" in answer.out
    assert "promotion-value-differs" in answer.out
    house.edit(WORKFLOW, "7.5", value)

    # Another search, another genome; a rollback leaves the bytes that were there.
    house.edit(EVOLUTION_FILE, "seed: c0ffee", "seed: decade")
    house.repository.commit("another seed")
    assert chimera("apply").code == 0
    assert chimera("evolve", "promote", "latest").code == 0
    assert chimera("check").code == 0
    house.repository.commit("promote again")
    assert house.read(WORKFLOW) != before[WORKFLOW].decode()
    assert chimera("evolve", "rollback", "tune").code == 0
    after = house.files()
    assert {path for path in after if after[path] != before.get(path)} == {
        path for path in after if path.startswith("specs/genomes/") and path not in before
    }
    assert before.keys() <= after.keys()
    assert chimera("check").code == 0
