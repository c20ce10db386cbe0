"""The commands of records: what people do, as edits of the work tree, and how records stand."""
