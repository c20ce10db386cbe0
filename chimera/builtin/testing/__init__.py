"""What pytest gets from Chimera: proof documents as tests, and fixtures for tests in Python.

The rooms are judged by `chimera`; nothing here decides what holds. Refuses to be noticed where no
proof document is collected and no fixture is asked for.
"""
