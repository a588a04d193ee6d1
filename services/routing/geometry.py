"""Which cell a point lies in, and the three coordinate systems of a Chinese map. Plain arithmetic.

Points are (longitude, latitude) in degrees; an index answers in the system its polygons were drawn in. GCJ-02 is
what map tiles and WeChat's place picker use, WGS-84 what a telephone's receiver measures, BD-09 what Baidu's maps
show; in China they lie 50 to 1,500 metres apart.
"""

import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from statistics import median
from typing import Generic, TypeVar

Point = tuple[float, float]
Key = TypeVar("Key", bound=Hashable)

_MANY_BINS = 1024
"""A polygon over more bins than this is kept aside and asked every time: it must not flood the index."""
_MIN_CORNERS = 3

# Krasovsky's ellipsoid and the rectangle outside which nothing is shifted, as in every published copy of the formula.
_AXIS = 6378245.0
_ECCENTRICITY = 0.00669342162296594323
_CHINA = (72.004, 0.8293, 137.8347, 55.8271)
_ROUNDS = 20
_CLOSE = 1e-10  # degrees, a hundredth of a millimetre
_BAIDU_TURN = math.pi * 3000.0 / 180.0
_BAIDU_OFFSET = (0.0065, 0.006)  # degrees


class Polygon:
    """An outer ring and its holes, each closed or not, in either direction; a point on an edge belongs to one side.

    Edges are half-open (left and bottom in, right and top out) and always computed from their lower end, so two
    neighbours that share an edge reach the same verdict to the last bit: tiles leave no gap and no overlap.
    """

    __slots__ = ("_edges", "box")

    def __init__(self, *rings: Iterable[Sequence[float]]) -> None:
        """Take the rings; one without an inside or with a number that is none is a ValueError in Chinese."""
        outer, *holes = [_corners(ring) for ring in rings]
        xs, ys = [x for x, _ in outer], [y for _, y in outer]
        self.box = (min(xs), min(ys), max(xs), max(ys))
        self._edges = [edge for corners in (outer, *holes) for edge in _edges(corners)]

    def contains(self, lng: float, lat: float) -> bool:
        """Say whether the point lies inside (an odd number of edges to its right)."""
        left, bottom, right, top = self.box
        if not (left <= lng <= right and bottom <= lat <= top):  # also where a coordinate is NaN
            return False
        inside = False
        for low, high, x, slope in self._edges:
            if low <= lat < high and lng < x + (lat - low) * slope:
                inside = not inside
        return inside


def _corners(ring: Iterable[Sequence[float]]) -> list[Point]:
    corners = [(float(corner[0]), float(corner[1])) for corner in ring]
    if not all(math.isfinite(x) and math.isfinite(y) for x, y in corners):
        raise ValueError("多边形的坐标必须是有限的数")
    if len(set(corners)) < _MIN_CORNERS:
        raise ValueError("多边形至少要有三个不同的顶点")
    return corners


def _edges(corners: list[Point]) -> Iterator[tuple[float, float, float, float]]:
    return (_edge(a, b) for a, b in zip(corners, corners[1:] + corners[:1], strict=True) if a[1] != b[1])


def _edge(a: Point, b: Point) -> tuple[float, float, float, float]:
    (x, low), (x2, high) = (a, b) if a[1] < b[1] else (b, a)
    return low, high, x, (x2 - x) / (high - low)


class GridIndex(Generic[Key]):
    """Finds the cell of a point among thousands: a net of bins, then the few polygons that touch the point's bin.

    A polygon is given as its rings; a cell of several parts, as several polygons with the same key. Where cells
    overlap, the one given first wins. The bins are as large as a middling polygon, so one stray corner far away costs nothing.
    """

    def __init__(self, cells: Iterable[tuple[Key, Iterable[Iterable[Sequence[float]]]]]) -> None:
        self._cells = [(key, Polygon(*rings)) for key, rings in cells]
        boxes = [polygon.box for _, polygon in self._cells]
        self._width = max(median([box[2] - box[0] for box in boxes]), 1e-6) if boxes else 1.0
        self._height = max(median([box[3] - box[1] for box in boxes]), 1e-6) if boxes else 1.0
        self._bins: dict[tuple[int, int], list[int]] = {}
        self._large: list[int] = []
        for number, box in enumerate(boxes):
            self._place(number, *box)

    def __len__(self) -> int:
        return len(self._cells)

    def find(self, lng: float, lat: float) -> Key | None:
        """Return the key of the cell the point lies in; None outside all cells and for NaN or infinity."""
        return next(self.hits(lng, lat), None)

    def hits(self, lng: float, lat: float) -> Iterator[Key]:
        """Yield the keys of all cells the point lies in, in the order given."""
        if not (math.isfinite(lng) and math.isfinite(lat)):
            return
        near = self._bins.get(self._bin(lng, lat), [])
        for number in sorted(near + self._large) if self._large else near:
            key, polygon = self._cells[number]
            if polygon.contains(lng, lat):
                yield key

    def _bin(self, lng: float, lat: float) -> tuple[int, int]:
        return math.floor(lng / self._width), math.floor(lat / self._height)

    def _place(self, number: int, left: float, bottom: float, right: float, top: float) -> None:
        (x0, y0), (x1, y1) = self._bin(left, bottom), self._bin(right, top)
        if (x1 - x0 + 1) * (y1 - y0 + 1) > _MANY_BINS:
            self._large.append(number)
            return
        for x in range(x0, x1 + 1):
            for y in range(y0, y1 + 1):
                self._bins.setdefault((x, y), []).append(number)


def wgs84_to_gcj02(lng: float, lat: float) -> Point:
    """Shift a measured position onto Chinese maps; outside China (and for NaN) it is returned as it came."""
    if not in_china(lng, lat):
        return lng, lat
    east, north = _shift(lng, lat)
    return lng + east, lat + north


def gcj02_to_wgs84(lng: float, lat: float) -> Point:
    """Undo the shift, by iteration, to well under a centimetre (the one-step formula is off by metres)."""
    return _undone(wgs84_to_gcj02, lng, lat)


def gcj02_to_bd09(lng: float, lat: float) -> Point:
    """Shift a position on Chinese maps onto Baidu's; outside China it is returned as it came."""
    if not in_china(lng, lat):
        return lng, lat
    radius = math.hypot(lng, lat) + 0.00002 * math.sin(lat * _BAIDU_TURN)
    angle = math.atan2(lat, lng) + 0.000003 * math.cos(lng * _BAIDU_TURN)
    return radius * math.cos(angle) + _BAIDU_OFFSET[0], radius * math.sin(angle) + _BAIDU_OFFSET[1]


def bd09_to_gcj02(lng: float, lat: float) -> Point:
    """Undo Baidu's shift, by iteration likewise."""
    return _undone(gcj02_to_bd09, lng, lat)


def _undone(shift: Callable[[float, float], Point], lng: float, lat: float) -> Point:
    if not in_china(lng, lat):
        return lng, lat
    x, y = lng, lat
    for _ in range(_ROUNDS):
        shifted_x, shifted_y = shift(x, y)
        off_x, off_y = shifted_x - lng, shifted_y - lat
        x, y = x - off_x, y - off_y
        if abs(off_x) < _CLOSE and abs(off_y) < _CLOSE:
            break
    return x, y


# By way of GCJ-02, in which everything is kept.
_TO_GCJ02: dict[str, Callable[[float, float], Point]] = {"wgs84": wgs84_to_gcj02, "bd09": bd09_to_gcj02}
_FROM_GCJ02: dict[str, Callable[[float, float], Point]] = {"wgs84": gcj02_to_wgs84, "bd09": gcj02_to_bd09}


def convert(lng: float, lat: float, source: str | None, target: str = "gcj02") -> Point:
    """Return a point of one system (gcj02, wgs84, bd09; None is the first) in another."""
    if source == target:
        return lng, lat
    if source in _TO_GCJ02:
        lng, lat = _TO_GCJ02[source](lng, lat)
    return _FROM_GCJ02[target](lng, lat) if target in _FROM_GCJ02 else (lng, lat)


def in_china(lng: float, lat: float) -> bool:
    """Say whether the shift applies: the rough rectangle of the published formula, neighbours included."""
    west, south, east, north = _CHINA
    return west <= lng <= east and south <= lat <= north


def _shift(lng: float, lat: float) -> Point:
    """Return the shift at a WGS-84 position, in degrees east and north."""
    x, y = lng - 105.0, lat - 35.0
    ripple = 20.0 * math.sin(6.0 * x * math.pi) + 20.0 * math.sin(2.0 * x * math.pi)
    root = math.sqrt(abs(x))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north += (ripple + _waves(y, 20.0, 1.0, 40.0, 3.0) + _waves(y, 160.0, 12.0, 320.0, 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east += (ripple + _waves(x, 20.0, 1.0, 40.0, 3.0) + _waves(x, 150.0, 12.0, 300.0, 30.0)) * 2.0 / 3.0
    radians = math.radians(lat)
    curve = 1.0 - _ECCENTRICITY * math.sin(radians) ** 2
    meridian = _AXIS * (1.0 - _ECCENTRICITY) / (curve * math.sqrt(curve))
    parallel = _AXIS / math.sqrt(curve) * math.cos(radians)
    return math.degrees(east / parallel), math.degrees(north / meridian)


def _waves(t: float, one: float, period: float, two: float, other: float) -> float:
    return one * math.sin(t / period * math.pi) + two * math.sin(t / other * math.pi)
