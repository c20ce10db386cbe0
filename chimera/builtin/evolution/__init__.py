"""Evolution: searches declared in YAML, run by compiled kernels, reproducible bit for bit.

Refuses randomness without a seed, and arithmetic that differs from machine to machine.
"""
