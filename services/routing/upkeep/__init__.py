"""How a street's lists get into its registry and out of it: read, compared with what is known, written, recorded."""
