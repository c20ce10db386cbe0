"""Chimera: operations contracts in Git that a pull request can break."""
