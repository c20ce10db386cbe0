"""The rules of operations as checks: each has an id of its own, and what to do about it.

What contradicts itself stops everything: nobody can tell what such a record says. What people are
late with fails a check and stops nothing: the rollback of an incident does not wait for its review.
What can no longer be mended, such as an acknowledgement that came late, is a warning.
"""
