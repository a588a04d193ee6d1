"""Routing rules as data: what they may ask for, what they may answer, and how the first one that matches is found."""
