"""Records of operations: what happened, as documents that the gate weighs.

Refuses anything that is planned or applied.
"""
