"""Resources: pools of them, claims to them, and the leases by which they are held.

Refuses to promise what is not there, and to keep anything by itself: what is held stands in the
store of the environment, and is written with the run that asked for it.
"""
