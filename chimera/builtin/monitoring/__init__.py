"""Monitoring: metrics, traces, health and a table of what runs, from the journal and the kernel.

Every number was measured. Refuses to invent one: what nothing measures is left out.
"""
