"""What is open, with whom and how urgent: worklist, board, loads and gaps, all narrowed alike."""
