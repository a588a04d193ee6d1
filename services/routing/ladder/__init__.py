"""The ladder of supervision: what a street's policy says, when the next step is due, and the orders it gives."""
