"""What makes one candidate better than another: computed here, by Python, or by anything at all."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from chimera.builtin.evolution.spec.values import Finite, Variable
from chimera.kinds import (
    AddressText,
    Duration,
    Field,
    Glob,
    Governs,
    Items,
    Model,
    Reference,
    StringConstraints,
    Text,
)
from chimera.runtime.recovery.policy import RetryPolicySpec

FunctionName = Literal[
    "sphere",
    "rastrigin",
    "rosenbrock",
    "ackley",
    "griewank",
    "schwefel",
    "ellipsoid",
    "zakharov",
    "levy",
    "styblinski-tang",
    "onemax",
    "leading-ones",
    "trap",
    "royal-road",
]
"""Test functions of `fitness.functions`; from "onemax" on they are of bits, to be maximised."""

_INPUTS = "Its inputs; ${genes.NAME} stands for the value of a gene, ${candidate} for all of them."
_CACHE = (
    "Whether equal candidates have equal fitnesses: each is then computed once, in this run and "
    "all others of the same fitness. Failures are not kept."
)
_TIMEOUT = "Longest time that one attempt may take."
_LIMITS = "Limits that a candidate counts against, by name, while it runs."

ObjectiveName = Literal["minimize", "maximize"]
ExpressionText = Annotated[Text, Field(max_length=4000)]
Parameter = Finite | Items[Finite] | Items[Items[Finite]]
ModulePath = Annotated[Glob, StringConstraints(pattern=r"^[^*?\[\]\\:]+\.py$"), Governs()]


class PythonFitness(Model):
    """A function of a Python module inside the tree, called in worker processes.

    It gets one candidate, a mapping of gene names to values (a list where the gene is a vector),
    and returns a number. What it draws from `random` or `numpy.random` is seeded for each candidate
    from its genes and the run's seed, so that no number of workers shows in the result.
    """

    module: ModulePath = Field(
        description="File of the module, relative to the root of the tree. A change of its content "
        "is a change of this document."
    )
    function: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = Field(
        default="fitness",
        description="Name of the function in the module. It gets one candidate, a mapping of gene "
        "names to values (a list where the gene is a vector), and returns a number.",
    )
    batch: bool = Field(
        default=False,
        description="Whether it gets many candidates at a time, float64[M, D] with a row of genes "
        "for each, and returns M numbers: for what NumPy computes at once. A category is its "
        "position among the values.",
    )
    compiled: bool = Field(
        default=False,
        description="Have numba compile it: it gets the genes as one float64 array and returns a "
        "float, and runs inside the search's own loop, as fast as an expression.",
    )
    timeout: Duration | None = Field(
        default=None,
        description="Longest time for one candidate, or for one batch of at most 256: the worker "
        "is then ended, and the candidate is invalid. A timeout makes the result depend on the "
        "machine's speed, and the record says so where it struck.",
    )


class OperationFitness(Model):
    """An operation of a workflow's stages, such as `command`, executed for each candidate."""

    name: Text = Field(description="Name of the operation, as in a stage's `operation`.")
    inputs: dict[str, Any] = Field(default_factory=dict, description=_INPUTS)
    output: Text = Field(
        default="fitness",
        description="Which field of its output is the fitness; fields inside fields by dots. Text "
        "that is a number counts as one, such as `stdout`.",
    )
    cache: bool = Field(default=True, description=_CACHE)
    timeout: Duration | None = Field(default=None, description=_TIMEOUT)
    limits: Items[Text] = Field(default=(), description=_LIMITS)
    retry_policy: RetryPolicySpec | None = Field(
        default=None,
        description="How often a candidate that failed is tried again; never if left out.",
    )


class WorkflowFitness(Model):
    """A Workflow that is run for each candidate."""

    address: Annotated[AddressText, Reference("Workflow")] = Field(
        description="Address of the Workflow, as in Workflow/measure."
    )
    inputs: dict[str, Any] = Field(default_factory=dict, description=_INPUTS)
    output: Text = Field(
        default="fitness",
        description="Which of its outputs is the fitness; fields inside fields by dots.",
    )
    cache: bool = Field(default=True, description=_CACHE)
    timeout: Duration | None = Field(default=None, description=_TIMEOUT)
    limits: Items[Text] = Field(default=(), description=_LIMITS)


class Fitness(Model):
    """What makes one candidate better than another: exactly one way to compute it."""

    function: FunctionName | None = Field(
        default=None,
        description="A published test function over all genes. From onemax on they are of bits, "
        "and to be maximised; the others are of numbers, and to be minimised.",
    )
    expression: ExpressionText | None = Field(
        default=None,
        description="Arithmetic over the genes, as in: sum(g ** 2 for g in genes) + abs(x - 1). "
        "Genes and parameters are indexed, by genes too: distance[tour[k], tour[k + 1]]; "
        "categories are compared: 3 if kind == 'fast' else 1. There are pi, e, abs, ceil, cos, "
        "exp, floor, log, max, min, sin, sqrt, sum and prod of what is written for a vector or a "
        "range, len, and leading: the ones before the first zero of a vector of bits. "
        "A result that is NaN or infinite ranks after every other and is never the champion.",
    )
    python: PythonFitness | None = Field(
        default=None, description="A function of a Python module inside the tree."
    )
    operation: OperationFitness | None = Field(
        default=None, description="An operation executed for each candidate."
    )
    workflow: WorkflowFitness | None = Field(
        default=None, description="A Workflow run for each candidate."
    )
    parameters: dict[Variable, Parameter] = Field(
        default_factory=dict,
        description="Data that the expressions of fitness, objectives and constraints use by name: "
        "numbers, lists and tables of them, as in: weights: [3, 1, 4].",
    )
    paths: Items[Annotated[Glob, Governs()]] = Field(
        default=(),
        description="Files that computing it reads, besides the module: a change of their content "
        "is a change of this document.",
    )
    on_failure: Literal["worst", "stop"] = Field(
        default="worst",
        description="What becomes of a candidate whose computation fails: with `worst` it counts "
        "as invalid, ranks after every other and the search goes on; with `stop` the run fails and "
        "says why.",
    )

    @property
    def ways(self) -> tuple[str, ...]:
        """The ways to compute it that are given: one, in a sound document."""
        words = ("function", "expression", "python", "operation", "workflow")
        return tuple(word for word in words if getattr(self, word) is not None)

    @property
    def is_outside(self) -> bool:
        """Tell whether values come from outside of the kernels."""
        python = self.python is not None and not self.python.compiled
        return python or self.is_stepwise

    @property
    def is_stepwise(self) -> bool:
        """Tell whether each candidate is a step of the run."""
        return self.operation is not None or self.workflow is not None


class Objective(Model):
    """One of several aims, which no weights turn into one."""

    name: Variable = Field(description="What the objective is called in records and plots.")
    objective: ObjectiveName = Field(
        default="minimize", description="Whether a smaller or a larger value is better."
    )
    expression: ExpressionText = Field(
        description="Arithmetic over the genes, as `fitness.expression` has it."
    )
