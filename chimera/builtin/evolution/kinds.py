"""The kinds `Evolution`, a search for the genome of best fitness, and `Genome`, what one found.

Names what the modules of `spec` define. Single fields are validated there; what several fields say
together is judged in `checks`.
"""

from __future__ import annotations

from chimera.builtin.evolution.spec.algorithms import (
    Algorithm,
    AlgorithmName,
    CmaEs,
    Genetic,
    LShade,
    Nsga2,
    Parameters,
)
from chimera.builtin.evolution.spec.evolution import EvolutionSpec
from chimera.builtin.evolution.spec.fitness import (
    Fitness,
    FunctionName,
    Objective,
    ObjectiveName,
    OperationFitness,
    PythonFitness,
    WorkflowFitness,
)
from chimera.builtin.evolution.spec.genes import (
    BitGene,
    CategoricalGene,
    Constraint,
    Gene,
    GenomeLayout,
    IntegerGene,
    PermutationGene,
    RealGene,
)
from chimera.builtin.evolution.spec.genome import (
    FrontMember,
    GeneValue,
    GenomeSpec,
    ObjectiveValue,
    Provenance,
    StopReason,
)
from chimera.builtin.evolution.spec.operators import (
    BlendCrossover,
    Crossover,
    GaussianMutation,
    Mutation,
    OnePointCrossover,
    Operators,
    PermutationOperators,
    PolynomialMutation,
    RankSelection,
    ResetMutation,
    RouletteSelection,
    SbxCrossover,
    Selection,
    TournamentSelection,
    TruncationSelection,
    TwoPointCrossover,
    UniformCrossover,
)
from chimera.builtin.evolution.spec.running import Budget, Diversity, Islands, Termination

__all__ = [
    "Algorithm",
    "AlgorithmName",
    "BitGene",
    "BlendCrossover",
    "Budget",
    "CategoricalGene",
    "CmaEs",
    "Constraint",
    "Crossover",
    "Diversity",
    "EvolutionSpec",
    "Fitness",
    "FrontMember",
    "FunctionName",
    "GaussianMutation",
    "Gene",
    "GeneValue",
    "Genetic",
    "GenomeLayout",
    "GenomeSpec",
    "IntegerGene",
    "Islands",
    "LShade",
    "Mutation",
    "Nsga2",
    "Objective",
    "ObjectiveName",
    "ObjectiveValue",
    "OnePointCrossover",
    "OperationFitness",
    "Operators",
    "Parameters",
    "PermutationGene",
    "PermutationOperators",
    "PolynomialMutation",
    "Provenance",
    "PythonFitness",
    "RankSelection",
    "RealGene",
    "ResetMutation",
    "RouletteSelection",
    "SbxCrossover",
    "Selection",
    "StopReason",
    "Termination",
    "TournamentSelection",
    "TruncationSelection",
    "TwoPointCrossover",
    "UniformCrossover",
    "WorkflowFitness",
]
