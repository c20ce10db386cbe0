"""Mutation: small changes of what a proof is about, under which it should fail.

`python`, `documents` and `text` say what may be changed in a file, `mutants` chooses, `trial` runs
the proof under each. Refuses to touch the proof's own tests unless asked, and to write evidence.
"""

from chimera.proof.mutation.mutants import Mutant
from chimera.proof.mutation.trial import Fate, Trial, Tried, try_mutants

__all__ = ["Fate", "Mutant", "Trial", "Tried", "try_mutants"]
