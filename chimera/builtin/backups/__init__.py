"""Backups of what Chimera keeps outside Git, made while runs go on, and their restoration.

Refuses to believe a backup that was not looked through, and to overwrite what is there.
"""
