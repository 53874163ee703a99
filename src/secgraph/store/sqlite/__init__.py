"""SQLite: one file, many readers, one process that writes."""
