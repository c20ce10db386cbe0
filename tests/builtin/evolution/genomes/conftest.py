"""A repository with an Evolution and a workflow, and Genomes as if runs had found them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from chimera.builtin.evolution.genomes.kinds import FieldTarget, FileTarget
from chimera.builtin.evolution.genomes.promoting import promote, rollback
from chimera.builtin.evolution.genomes.values import champion_digest
from chimera.builtin.evolution.kinds import EvolutionSpec, GeneValue
from chimera.builtin.testing.repository import Repository
from chimera.cli.main import run
from chimera.context import Context
from chimera.documents import dump
from chimera.model import Actor, Address
from chimera.workspace import Workspace

EVOLUTION = """\
# Finds how long to wait.
apiVersion: chimera/v1
kind: Evolution
metadata:
  name: tune
spec:
  genome:
    genes:
      - {name: wait, min: 0.5, max: 20}
      - {name: factor, min: 1, max: 4, count: 2}
      - {name: tries, type: integer, min: 1, max: 9}
  fitness: {expression: "wait + sum(f for f in factor) + tries"}
  algorithm: genetic
  population: 10
  termination: {generations: 5}
  seed: c0ffee  # kept
"""
WORKFLOW = """\
# Waits a while.
apiVersion: chimera/v1
kind: Workflow
metadata:
  name: pause
spec:
  trigger: human
  inputs:
    wait: {type: number, default: 5.50}   # minutes; the search knows better
    factor:
      type: array
      default: [1, 1.5]     # twice

    tries: {type: integer, default: 3}
  stages:
    - id: say
      operation: command
      inputs: {argv: [echo, "wait ${input.wait}"]}
      timeout: 1m   # generous
  outputs: {said: "${say.stdout}"}
"""
INPUTS = "/spec/inputs/{}/default"
FIRST = {"wait": [3.25], "factor": [1.5, 2.0], "tries": [4]}
SECOND = {"wait": [1e-07 + 0.5], "factor": [1.0, 4.0], "tries": [1]}
VERSIONS = {
    "randomScheme": "philox/1",
    "kernels": "sha256:" + "e" * 64,
    "numba": "0.61",
    "numpy": "2.1",
    "platform": "Linux-x86_64",
}


ANN = Actor("ann", "human")


@dataclass
class House:
    """A repository in which genomes are promoted."""

    repository: Repository
    actor: Actor = ANN

    @property
    def root(self):
        return self.repository.root

    @property
    def workspace(self):
        return Workspace(self.root, replace(Context.system(), actor=self.actor))

    def found(self, genes, name=None, evolution="Evolution/tune", **provenance):
        """Write the record of a run that found `genes`, and return its name."""
        document = self.workspace.loaded.snapshot.documents[Address.parse(evolution)]
        assert isinstance(document.spec, EvolutionSpec)
        values = [GeneValue(name=n, values=tuple(v)) for n, v in genes.items()]
        fitness = float(sum(sum(v) for v in genes.values()))
        digest = champion_digest(document.spec.genome.genes, values, [fitness])
        name = name or f"{document.metadata.name}-{digest[7:19]}"
        origin = {"evolution": evolution, "document": document.digest, "seed": "c0ffee"}
        spec = {
            "genes": [{"name": n, "values": v} for n, v in genes.items()],
            "fitness": fitness,
            "champion": digest,
            "history": "sha256:" + "f" * 64,
            "generation": 4,
            "generations": 5,
            "evaluations": 50,
            "invalid": 0,
            "stopped": "generations",
            "provenance": origin | VERSIONS | provenance,
        }
        value = {"apiVersion": "chimera/v1", "kind": "Genome", "metadata": {"name": name}}
        path = f".chimera/records/Genome/{name}.yaml"
        self.repository.write(path, dump(value | {"spec": spec}))
        return name

    def promote(self, genome, *targets, **options):
        proposed = promote(self.workspace, genome, targets, **options)
        proposed.proposal.write()
        return proposed

    def rollback(self, name="tune"):
        proposed = rollback(self.workspace, name)
        proposed.proposal.write()
        return proposed

    def read(self, path):
        return (self.root / path).read_text("utf-8")

    def edit(self, path, old, new):
        text = self.read(path)
        assert old in text
        self.repository.write(path, text.replace(old, new))

    def faults(self):
        """Return rule, line and message of everything that a check reports."""
        found = self.workspace.check().diagnostics
        return [(one.rule, str(one.span), one.message) for one in found]

    def rules(self):
        return [rule for rule, _, _ in self.faults()]

    def files(self):
        """Return all that Git would keep, by path."""
        listed = self.repository.git("ls-files", "--cached", "--others", "--exclude-standard")
        paths = [Path(self.root / path) for path in listed.splitlines()]
        return {p.relative_to(self.root).as_posix(): p.read_bytes() for p in paths if p.exists()}


def field(gene, at=None, document="Workflow/pause", unit=None):
    """Return a target: an input's default of the gene's name, unless told otherwise."""
    return FieldTarget(document=document, at=at or INPUTS.format(gene), gene=gene, unit=unit)


def file(path):
    return FileTarget(file=path)


@pytest.fixture
def house(tmp_path):
    repository = Repository.create(tmp_path / "r")
    repository.write("specs/evolutions/tune.yaml", EVOLUTION)
    repository.write("specs/workflows/pause.yaml", WORKFLOW)
    repository.commit()
    made = House(repository)
    assert made.rules() == []
    return made


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str


@pytest.fixture
def chimera(house, capsys, monkeypatch):
    """Run a command in the house's repository."""
    monkeypatch.chdir(house.root)

    def answer(*arguments):
        monkeypatch.setattr(sys, "argv", ["chimera", *arguments])
        code = run(list(arguments))
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    assert {name for name in os.environ if "CHIMERA" in name} <= {"CHIMERA_CACHE"}
    return answer
