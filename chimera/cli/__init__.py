"""The command line: turns arguments into calls of the workspace and results into output and an
exit code. Refuses to decide anything.
"""
