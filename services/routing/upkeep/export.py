"""A street's registry as the files that an import takes: one CSV for each list, and the boundaries as GeoJSON."""

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import orjson

from services.routing.upkeep.kinds import AREA_BOUNDARIES, GRID_BOUNDARIES, KINDS, Column, Kind
from services.routing.upkeep.state import Row, State
from shared import clock
from shared.clock import EVER

BOUNDARIES = "边界.geojson"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def files(state: State) -> Iterator[tuple[str, bytes]]:
    """Yield (name, content) of every list that has rows; CSV in UTF-8 with BOM, as Excel wants it.

    What ledgers named is left out: nobody has said yet what it is, and its codes are whatever the ledgers wrote.
    """
    for kind in KINDS:
        known = state.rows[kind.name]
        rows = [known[key] for key in sorted(known, key=str) if not known[key].get("imported")]
        if rows:
            yield f"{kind.title}.csv", _csv(kind, rows)
    features = [
        _feature(row[area], row)
        for kind, area in ((AREA_BOUNDARIES, "area_code"), (GRID_BOUNDARIES, "grid_code"))
        for row in state.rows[kind.name].values()
        if state.lasts(row)
    ]
    if features:
        yield BOUNDARIES, orjson.dumps({"type": "FeatureCollection", "features": features})


def _csv(kind: Kind, rows: list[Row]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(column.title for column in kind.columns)
    writer.writerows([_cell(column, row[column.name]) for column in kind.columns] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _cell(column: Column, value: Any) -> str:
    if value is None or value == EVER:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, datetime):
        return clock.to_local(value).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    if column.vocabulary is not None:
        return column.vocabulary(value).text
    text = str(value)
    # An apostrophe keeps a spreadsheet from taking a text for a formula, and from rounding a long code.
    guarded = text.startswith(_FORMULA) or (text.isdecimal() and (text[0] == "0" or len(text) > 15))  # noqa: PLR2004 - Excel's digits
    return f"'{text}" if guarded else text


def _feature(code: str, row: Row) -> dict[str, Any]:
    since = {} if row["valid_from"] == EVER else {"valid_from": row["valid_from"].isoformat()}
    return {
        "type": "Feature",
        "properties": {"code": code, **since},
        "geometry": {"type": "MultiPolygon", "coordinates": row["polygons"]},
    }
