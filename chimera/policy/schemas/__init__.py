"""Schemas: JSON Schema over files of other systems.

The only room that knows jsonschema-rs, which runs in a child that can be ended. Refuses the
network, files outside the tree, and to let a file that could not be decided count as valid.
"""
