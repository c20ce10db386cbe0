"""Postmortems that were written as Markdown, with YAML front matter, made into records.

Refuses to guess: what is not said is not there, and what cannot be read is told with its line.
"""
