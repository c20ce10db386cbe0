"""Stages of one run on the workers of a Ray cluster, or of one that is started for the run.

The journal stays with whoever coordinates: Ray's own retries are off, every result is taken into
the journal at once, and a stage whose worker was lost is retried elsewhere as any other failure
is. Refuses nothing that a process could do; needs `chimera[distributed]`.
"""
