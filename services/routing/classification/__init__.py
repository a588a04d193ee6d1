"""What a resident's text is about, what the resident wants, and whether there is danger now. Plain Python and numpy,
no I/O but the packaged files.
"""
