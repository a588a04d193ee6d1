"""Telephone numbers as they are found again: the digits alone, without the country's code."""

_COUNTRY, _NATIONAL_DIGITS, _FEWEST_DIGITS = "86", 11, 5


def digits_of(phone: str) -> str | None:
    """Return the digits of a number: +86-138-1234-5678 is 13812345678.

    None where there are too few, or some are masked (138****5678): that number is not known.
    """
    if "*" in phone:
        return None
    digits = "".join(c for c in phone if c.isdigit())
    if len(digits) < _FEWEST_DIGITS:
        return None
    national = digits.removeprefix("00").removeprefix(_COUNTRY)
    return national if len(national) == _NATIONAL_DIGITS else digits
