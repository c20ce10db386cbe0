"""The coordination layer: modules, the objects that they keep, and what they say to one another.

Refuses to run a workflow: stages call the modules' operations through the registry.
"""
