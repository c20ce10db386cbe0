"""The ten modules, one file each: objects, the machines of their statuses, and operations."""
