"""How sure a share of a few answers is. Pure."""

from math import sqrt

Z95 = 1.959963984540054  # the normal quantile of a two-sided 95 % interval


def wilson(numerator: int, denominator: int, z: float = Z95) -> tuple[float, float]:
    """Return Wilson's score interval (Wilson 1927) of a share; 95 % unless another `z` is given.

    It never leaves [0, 1] and is not empty at 0 % or 100 %. Raises ValueError for a share of nothing.
    """
    if not 0 <= numerator <= denominator or denominator == 0:
        raise ValueError(f"{numerator}/{denominator} is no share")
    share, square = numerator / denominator, z * z
    middle = (share + square / (2 * denominator)) / (1 + square / denominator)
    reach = (
        z
        * sqrt(share * (1 - share) / denominator + square / (4 * denominator**2))
        / (1 + square / denominator)
    )
    low = 0.0 if numerator == 0 else max(0.0, middle - reach)
    high = 1.0 if numerator == denominator else min(1.0, middle + reach)
    return low, high
