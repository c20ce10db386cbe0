"""What the core says of a period: its runs, what failed, what gates decided, what was proven."""
