"""Numbers in, numbers out; no files, no settings."""
