"""What is compiled: random numbers, arithmetic that gives the same bits everywhere, algorithms."""
