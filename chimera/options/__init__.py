"""Options that commands of many rooms take, and the session in which they run.

Refuses an answer that cannot be written before anything is done for it.
"""
