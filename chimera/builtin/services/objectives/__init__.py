"""Objectives: measurements gathered, made into one value, and held to what was promised.

For the same measurements and the same `now` the answer is the same. Refuses to call anything met
of which too little was measured.
"""
