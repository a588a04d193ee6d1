"""积分: what people earn by their work on tickets, as rules say, in a ledger that is only ever added to."""
