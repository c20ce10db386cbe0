"""Signatures: keys as SSH has them, SSH signatures, and DSSE envelopes.

Refuses to know whom a key belongs to: a signature says which key made it, and nothing more.
"""
