"""The first documents: a repository that applies, and one document of any kind.

Refuses to overwrite anything, and to judge: whether a repository holds is `check`'s to say.
"""
