"""Looking whether services are well: concurrently, each within its time, whatever answers."""
