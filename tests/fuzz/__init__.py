"""Everything that can come in over HTTP, and nothing of it may give a 500."""
