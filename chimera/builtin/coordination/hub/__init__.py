"""The hub: messages between modules, each to whom it is for or to whoever subscribed to its topic.

What is sent waits in the store, is delivered by durable steps, and is a dead letter where it cannot
be. Refuses to keep anything of its own: all of it stands in the store of the environment.
"""
