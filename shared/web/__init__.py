"""What the three HTTP services share: one factory, one edge, one way to refuse."""
