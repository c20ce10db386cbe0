"""A package, because ioh 0.3.22 installs one of this name, which would hide a folder."""
