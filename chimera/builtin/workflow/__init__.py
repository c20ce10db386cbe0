"""Workflows: stages over registered operations, compiled and run as durable steps.

Owns the Workflow kind, its references, and the operations `command`, `http.*` and `file.*`.
Refuses to keep a journal: that is `runtime`'s.
"""
