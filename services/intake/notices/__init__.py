"""Notices: who is to hear of what happened, in the house always, and over lines that lead out of it."""
