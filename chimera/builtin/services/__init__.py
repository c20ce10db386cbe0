"""Services: what runs, how it is, what is promised of it, and what people do when it is not well.

Every figure was measured, and every procedure is started by a person. Refuses to act by itself.
"""
