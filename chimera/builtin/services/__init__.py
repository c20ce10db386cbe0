"""Services: what runs, whether it is well, how well it has to be, and what is done when it is not.

Knows a service by what it answers. Refuses to call well what did not answer in time.
"""
