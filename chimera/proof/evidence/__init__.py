"""Evidence of a proving: what it says, where it is kept, who vouches for it, and how it stands."""
