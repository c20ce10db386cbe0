"""What makes one candidate better than another: from what an author wrote to values."""
