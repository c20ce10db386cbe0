import pytest

from chimera.proof.mutation import Fate, try_mutants
from chimera.proof.mutation.mutants import mutants, targets

SOURCE = """
def bounded(value):
    if value > 10:
        return 10
    if value < 0:
        return 0
    return value

if __name__ == "__main__":
    print(bounded(11))
"""
WEAK = {"run": "command", "argv": ["python", "src/answer.py"], "expect": {"exitCode": 0}}
STRONG = {**WEAK, "expect": {"stdout": {"equals": "10\n"}}}


@pytest.fixture
def bounded(bench):
    bench.write("src/answer.py", SOURCE)
    bench.write("src/test_it.py", "def test_it():\n    assert 1 == 1\n")
    return bench


def trial(bench, step, number=12, seed="0", **options):
    bench.proof(steps=[step], controls=[{"mutate": "delete", "path": "src/answer.py"}])
    loaded = bench.load()
    return try_mutants(
        bench.get(loaded=loaded),
        loaded.snapshot,
        bench.context,
        lambda task: bench.plugins.hook.chimera_run_proof_step(task=task),
        number=number,
        seed=seed,
        **options,
    )


def test_survivors_are_what_the_proof_does_not_notice(bounded):
    weak, strong = trial(bounded, WEAK), trial(bounded, STRONG)
    assert len(weak.tried) == len(strong.tried) == 12
    assert [tried.mutant for tried in weak.tried] == [tried.mutant for tried in strong.tried]
    assert weak.count(Fate.SURVIVED) > strong.count(Fate.SURVIVED) > 0
    assert strong.count(Fate.KILLED) > 0
    unreached = [t.mutant for t in strong.survivors if t.mutant.line in (5, 6)]
    assert unreached  # no value below zero is ever tried
    assert all(mutant.diff[0].startswith("@@ ") for mutant in unreached)


def test_nothing_is_left_behind(bounded):
    before = {path.name for path in bounded.root.rglob("*")}
    trial(bounded, STRONG, number=3)
    assert {path.name for path in bounded.root.rglob("*")} - before <= {"proofs", "answer.yaml"}
    assert not (bounded.root / ".chimera").exists()
    assert (bounded.root / "src/answer.py").read_text() == SOURCE


def test_the_seed_chooses(bounded):
    bounded.proof()
    snapshot, proof = bounded.load().snapshot, bounded.get()
    first = mutants(proof, snapshot, 5, "0")
    assert first == mutants(proof, snapshot, 5, "0")
    assert first != mutants(proof, snapshot, 5, "1")
    assert len({(mutant.path, mutant.after) for mutant in first}) == 5


def test_there_are_no_more_mutants_than_there_are(bench):
    bench.write("src/answer.py", "print(42)\n")
    bench.proof()
    found = mutants(bench.get(), bench.load().snapshot, 50, "0")
    assert {mutant.label for mutant in found} == {
        "the number is one more",
        "the number is one less",
        "the statement is deleted",
    }


def test_tests_and_proofs_are_no_targets_unless_tests_are_asked_for(bounded):
    bounded.write("src/checks/other.py", "x = 1\n")
    bounded.write("docs/a.txt", "1\n")
    bounded.proof(
        inputs=["src/**", "docs/**", "proofs/**"],
        covers={"paths": ["src/**"]},
        steps=[{"run": "pytest", "paths": ["src/checks"]}],
    )
    proof, snapshot = bounded.get(), bounded.load().snapshot
    assert targets(proof, snapshot) == ("src/answer.py",)
    assert targets(proof, snapshot, tests=True) == (
        "src/answer.py",
        "src/checks/other.py",
        "src/test_it.py",
    )


def test_without_covered_paths_every_input_is_a_target(bounded):
    bounded.proof(covers={"kinds": ["Proof"]})
    assert targets(bounded.get(), bounded.load().snapshot) == ("src/answer.py",)


def test_a_proof_that_does_not_pass_is_not_tried(bounded):
    found = trial(bounded, {**STRONG, "expect": {"stdout": {"equals": "11\n"}}})
    assert found.tried == ()
    assert found.reasons[0].startswith("the proof does not pass as it is")


def test_a_mutant_that_goes_on_for_ever_is_killed(bench, monkeypatch):
    monkeypatch.setattr("chimera.proof.mutation.trial._LEAST_SECONDS", 0.7)
    bench.write("src/answer.py", "n = 3\nwhile n > 0:\n    n = n - 1\nprint(42)\n")
    step = {**WEAK, "expect": {"stdout": {"equals": "42\n"}}}
    found = trial(bench, step, number=30)
    endless = [tried for tried in found.tried if tried.mutant.label == "- becomes +"]
    assert [(tried.fate, tried.by_error) for tried in endless] == [(Fate.KILLED, True)]
    assert "timeout" in endless[0].reasons[0]


def test_a_document_that_is_none_any_more_is_unviable(bench):
    import chimera.gate.plugin

    bench.plugins.register(chimera.gate.plugin)
    spec = {"match": {"paths": ["src/**"]}, "requires": {"proofs": ["Proof/answer"]}}
    bench.document("src/gate.yaml", "Gate", "g", spec)
    bench.write("src/answer.py", "print(42)\n")
    bench.proof(covers={"paths": ["src/gate.yaml"]})
    loaded = bench.load()
    found = mutants(bench.get(loaded=loaded), loaded.snapshot, 30, "0")
    viable = {mutant.label: mutant.is_viable for mutant in found}
    assert not viable["spec.match is removed"]
    assert viable["spec.requires.proofs.0 is removed"]
