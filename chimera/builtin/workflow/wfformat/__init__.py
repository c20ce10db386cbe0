"""Traces of scientific workflows in WfCommons' WfFormat, made into Workflows.

Owns reading of WfFormat 1.3 to 1.6, and documents whose runs prove that every task was done, once
and in order. Refuses older traces, and to run anything of what a trace names.
"""
