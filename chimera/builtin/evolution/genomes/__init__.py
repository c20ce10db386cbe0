"""What evolutions found: kept, looked up, handed on, and put to use by people.

Refuses to search, and to put anything to use by itself.
"""
