"""Ledgers brought in: taken in over HTTP and kept, then read row by row by the worker, whatever falls meanwhile."""
