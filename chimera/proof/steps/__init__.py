"""Kinds of proof step: what an author writes, what a step is given, and how the core ones run."""
