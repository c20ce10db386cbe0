"""What stages can do: one module an operation, or a family of them; each does real work."""
