"""Whether grids cover a street: no gap, no overlap, no grid without a boundary or outside its community. Pure.

Areas are in square metres. What is narrower than `WIDTH` or smaller than `AREA` is how surveyors round, not a fault.
Gaps are looked for within the outline of the street, else of its communities; where neither is given, a gap is what
the grids enclose, and a cleft between them of less than `CLEFT` that opens to the outside.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import shapely
from shapely import Polygon as Shape
from shapely.geometry.base import BaseGeometry

from services.routing.boundaries import Rings
from shared.terms import Term

WIDTH, AREA, CLEFT = 0.2, 1.0, 10.0
"""Metres, square metres, metres."""
_DEGREE = 111_320.0  # metres of a degree of longitude at the equator (WGS-84: 111,319.5)
# Metres of a degree of latitude, to some centimetres: the series that atlases print.
_MERIDIAN = (111_132.92, -559.82, 1.175)


class Trouble(Term):
    NO_BOUNDARY = "no_boundary", "网格没有边界"
    NO_GRID = "no_grid", "边界没有对应的网格"
    INVALID = "invalid", "边界自相交"
    OVERLAP = "overlap", "重叠"
    GAP = "gap", "空白"
    OUTSIDE = "outside", "超出所属范围"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, with which areas, how large it is and where to look (GCJ-02)."""

    trouble: Trouble
    codes: tuple[str, ...]
    square_metres: float | None
    point: tuple[float, float] | None


def examine(
    grids: Mapping[str, str],
    boundaries: Mapping[str, Sequence[Rings]],
    outlines: Mapping[str, Sequence[Rings]],
    street: str,
) -> list[Finding]:
    """Return every fault of one day: `grids` tells each grid's community; `outlines` are of communities and `street`."""
    found = [Finding(Trouble.NO_BOUNDARY, (code,), None, None) for code in sorted(grids.keys() - boundaries)]
    if not boundaries and not outlines:
        return found
    plane = _Plane(chain(boundaries.values(), outlines.values()))
    cells = {code: plane.laid(polygons) for code, polygons in sorted(boundaries.items())}
    around = {code: plane.laid(polygons) for code, polygons in sorted(outlines.items())}
    for code, shape in (*cells.items(), *around.items()):
        if not shape.is_valid:
            found.append(plane.finding(Trouble.INVALID, (code,), shapely.make_valid(shape)))
    cells = {code: shapely.make_valid(shape) for code, shape in cells.items()}
    around = {code: shapely.make_valid(shape) for code, shape in around.items()}
    found += [plane.finding(Trouble.NO_GRID, (code,), cells[code]) for code in sorted(cells.keys() - grids)]
    found += _overlaps(plane, cells)
    found += _gaps(plane, cells, around, street)
    found += _outside(plane, cells, around, grids, street)
    return found


def words(finding: Finding) -> str:
    """Return a finding as one line."""
    size = f",{finding.square_metres:,.1f} 平方米" if finding.square_metres is not None else ""
    where = f",位置 {finding.point[0]:.6f},{finding.point[1]:.6f}" if finding.point is not None else ""
    return f"{finding.trouble.text}:{'、'.join(finding.codes) or '周边没有网格'}{size}{where}"


class _Plane:
    """A flat map in metres around the middle of everything: true to a millionth within a district."""

    def __init__(self, everything: Iterable[Sequence[Rings]]) -> None:
        points = [
            corner[:2] for polygons in everything for rings in polygons for ring in rings for corner in ring
        ]
        self._origin = np.mean(points, axis=0)
        latitude = np.radians(self._origin[1])
        north = _MERIDIAN[0] + _MERIDIAN[1] * np.cos(2 * latitude) + _MERIDIAN[2] * np.cos(4 * latitude)
        self._scale = np.array([_DEGREE * np.cos(latitude), north])

    def laid(self, polygons: Sequence[Rings]) -> BaseGeometry:
        """Return polygons on this plane."""
        shapes = [
            Shape(self._metres(outer), [self._metres(hole) for hole in holes]) for outer, *holes in polygons
        ]
        return shapely.MultiPolygon(shapes)

    def _metres(self, ring: Sequence[Sequence[float]]) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
        corners = np.asarray([corner[:2] for corner in ring], dtype=np.float64)
        return np.asarray((corners - self._origin) * self._scale)

    def finding(self, trouble: Trouble, codes: tuple[str, ...], shape: BaseGeometry) -> Finding:
        """Return a finding about a shape."""
        middle = shapely.point_on_surface(shape)
        lng, lat = np.array([middle.x, middle.y]) / self._scale + self._origin
        return Finding(
            trouble, codes, round(float(shape.area), 1), (round(float(lng), 7), round(float(lat), 7))
        )


def _overlaps(plane: _Plane, cells: Mapping[str, BaseGeometry]) -> Iterator[Finding]:
    codes, shapes = list(cells), list(cells.values())
    pairs = shapely.STRtree(shapes).query(shapes, predicate="intersects").T
    for one, other in sorted((int(a), int(b)) for a, b in pairs if a < b):
        for piece in _pieces(shapes[one].intersection(shapes[other])):
            yield plane.finding(Trouble.OVERLAP, (codes[one], codes[other]), piece)


def _gaps(
    plane: _Plane, cells: Mapping[str, BaseGeometry], around: Mapping[str, BaseGeometry], street: str
) -> Iterator[Finding]:
    covered = shapely.union_all(list(cells.values()))
    if street in around:
        whole = around[street]
    elif around:
        whole = shapely.union_all(list(around.values()))
    else:
        closed = covered.buffer(CLEFT / 2, join_style="mitre").buffer(-CLEFT / 2, join_style="mitre")
        whole = shapely.union_all([Shape(part.exterior) for part in shapely.get_parts(closed)])
    codes, shapes = list(cells), list(cells.values())
    tree = shapely.STRtree(shapes)
    for piece in _pieces(whole.difference(covered)):
        near = sorted(codes[int(n)] for n in tree.query(piece.buffer(WIDTH), predicate="intersects"))
        yield plane.finding(Trouble.GAP, tuple(near), piece)


def _outside(
    plane: _Plane,
    cells: Mapping[str, BaseGeometry],
    around: Mapping[str, BaseGeometry],
    grids: Mapping[str, str],
    street: str,
) -> Iterator[Finding]:
    for code, shape in cells.items():
        home = grids.get(code, street)
        home = home if home in around else street
        if home in around:
            for piece in _pieces(shape.difference(around[home])):
                yield plane.finding(Trouble.OUTSIDE, (code, home), piece)


def _pieces(shape: BaseGeometry) -> Iterator[BaseGeometry]:
    """Yield the parts of a shape that are more than rounding."""
    for part in shapely.get_parts(shape):
        if part.area >= AREA and not part.buffer(-WIDTH / 2).is_empty:
            yield part
