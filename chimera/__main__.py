"""`python -m chimera`."""

from __future__ import annotations

from chimera.cli.main import main

if __name__ == "__main__":
    main()
