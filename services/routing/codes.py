"""How areas are numbered: twelve digits from the city down to the community (2 + 2 + 2, three for the street, three more)."""

MUNICIPALITIES = frozenset({"11", "12", "31", "50"})
"""Cities that are provinces themselves: Beijing, Tianjin, Shanghai, Chongqing."""
DIGITS = 12


def standard(code: str) -> str:
    """Return a code with the zeros that fill it up to twelve digits; longer ones (of grids) as they are."""
    return code.ljust(DIGITS, "0")


def city_of(street_code: str) -> str:
    """Return the six digits of a street's city."""
    province = street_code[:2]
    return f"{province}0000" if province in MUNICIPALITIES else f"{street_code[:4]}00"


def district_of(street_code: str) -> str:
    """Return the six digits of a street's district."""
    return street_code[:6]
