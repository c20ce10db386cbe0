"""The plugin wing: rooms that are independent of one another and imported by nobody."""
