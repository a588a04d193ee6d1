"""What the street has promised: lists of commitments, their items, projects, and what of them has come about."""
