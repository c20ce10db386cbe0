"""Workflows: stages over registered operations, compiled and run as durable steps.

Owns the Workflow kind: `kinds`, `stages` and `handling` are its words; `compile`, `work`, `flow`,
`expressions` and `nesting` judge it; `running`, `making` and `performing` make steps of it. Owns
the operations of stages as well, and traces that are imported as workflows. Refuses to keep a
journal: that is `runtime`'s.
"""
