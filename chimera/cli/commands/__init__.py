"""One module a command, or a group of commands; each is imported only when it is used."""
