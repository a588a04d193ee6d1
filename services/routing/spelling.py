"""What several ways of writing the same words have in common."""

import unicodedata


def plain(text: str) -> str:
    """Return a text with width, case and blanks left aside."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())
