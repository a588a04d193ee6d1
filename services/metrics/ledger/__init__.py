"""The ledger (台账) going out: one row a ticket, its whole history in it, in the columns that an import takes in."""
