"""Fitness from outside of the kernels: Python functions, operations, and workflows."""
