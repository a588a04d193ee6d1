"""A ledger (台账) read: from a file's bytes to rows, from a row to the moves it tells of. Plain Python, no I/O."""
