"""Many captures at once: found, judged by workers, kept in one SQLite file, counted."""
