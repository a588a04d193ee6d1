"""Boundaries as surveyors give them: a GeoJSON FeatureCollection of Polygon and MultiPolygon, turned to GCJ-02."""

from dataclasses import dataclass
from datetime import date
from math import isfinite
from typing import Any

import orjson
import shapely

from services.routing.geometry import convert
from services.routing.upkeep import cells
from services.routing.upkeep.faults import BadCell, Fault, Place
from shared.sheets.faults import NotATable

_CODES = (
    "code",
    "grid_code",
    "community_code",
    "area_code",
    "代码",
    "网格代码",
    "社区代码",
    "片区代码",
    "街道代码",
)
_SINCE = ("valid_from", "生效日期")
_LEAST_CORNERS = 4  # the first once more at the end


@dataclass(frozen=True, slots=True)
class Feature:
    """The polygons of one area; `since` is empty where the file does not say."""

    place: Place
    code: str
    since: date | None
    polygons: list[list[list[list[float]]]]


def features(name: str, content: bytes, crs: str) -> tuple[list[Feature], list[Fault]]:
    """Return the areas of a file and what is wrong with others (`line` counts features); raise NotATable."""
    try:
        document = orjson.loads(content.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise NotATable("这不是 GeoJSON 文件:JSON 格式有误") from error
    if not (isinstance(document, dict) and isinstance(document.get("features"), list)):
        raise NotATable("GeoJSON 应为 FeatureCollection,带 features 列表")
    found, faults = [], []
    for number, feature in enumerate(document["features"], start=1):
        place = Place(name, "features", number)
        try:
            found.append(_feature(place, feature, crs))
        except BadCell as fault:
            faults.append(Fault(place, None, str(fault)))
    return found, faults


def _feature(place: Place, feature: Any, crs: str) -> Feature:
    if not isinstance(feature, dict) or not isinstance(feature.get("geometry"), dict):
        raise BadCell("缺少 geometry")
    known = feature.get("properties")
    properties: dict[str, Any] = known if isinstance(known, dict) else {}
    code = next((c for name in _CODES if (c := cells.code(properties.get(name)))), None)
    if code is None:
        raise BadCell("properties 里没有代码(code)")
    since = next((d for name in _SINCE if (d := cells.day(properties.get(name)))), None)
    shape = feature["geometry"]
    if shape.get("type") not in {"Polygon", "MultiPolygon"}:
        raise BadCell("几何类型应为 Polygon 或 MultiPolygon")
    parts = [shape.get("coordinates")] if shape["type"] == "Polygon" else shape.get("coordinates")
    if not isinstance(parts, list) or not parts:
        raise BadCell("coordinates 是空的")
    return Feature(place, code, since, [_polygon(part, crs) for part in parts])


def _polygon(part: Any, crs: str) -> list[list[list[float]]]:
    if not isinstance(part, list) or not part:
        raise BadCell("多边形没有环")
    rings = [_ring(ring, crs) for ring in part]
    shape = shapely.Polygon(rings[0], rings[1:])
    if not shape.is_valid or shape.area == 0:
        raise BadCell("多边形自相交或没有面积")
    return rings


def _ring(ring: Any, crs: str) -> list[list[float]]:
    if not isinstance(ring, list) or len(ring) < _LEAST_CORNERS:
        raise BadCell("环至少要有四个点,首尾相同")
    return [list(convert(*_corner(corner), crs)) for corner in ring]


def _corner(corner: Any) -> tuple[float, float]:
    if not (isinstance(corner, list) and len(corner) > 1 and all(_is_number(x) for x in corner[:2])):
        raise BadCell("坐标应为 [经度, 纬度]")
    longitude, latitude = corner[0], corner[1]
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):  # noqa: PLR2004 - the globe
        raise BadCell("坐标超出范围,应为 [经度, 纬度],单位为度")
    return longitude, latitude


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
