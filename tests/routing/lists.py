"""A street's lists as an engineer of the district keeps them: written as CSV or xlsx, read by the product."""

import csv
import io

import orjson
import xlsxwriter

from services.routing.upkeep.kinds import BY_NAME
from services.routing.upkeep.run import File

STEP = 0.01


def as_csv(name, rows, *, titles=True):
    """A list as CSV; `rows` are dicts by column, all alike; headers in Chinese or as the columns are called."""
    header = {c.name: c.title for c in BY_NAME[name].columns}
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header[c] if titles else c for c in rows[0])
    writer.writerows(row.values() for row in rows)
    return File(f"{BY_NAME[name].title}.csv", out.getvalue().encode())


def as_workbook(lists):
    """One xlsx with a sheet for each list."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        for name, rows in lists.items():
            sheet = book.add_worksheet(BY_NAME[name].title)
            sheet.write_row(
                0, 0, [next(c.title for c in BY_NAME[name].columns if c.name == n) for n in rows[0]]
            )
            for line, row in enumerate(rows, start=1):
                sheet.write_row(line, 0, row.values())
    return File("登记簿.xlsx", out.getvalue())


def square(west, south, east, north):
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def as_geojson(areas, **more):
    """Boundaries; `areas`: code → rings."""
    features = [
        {
            "type": "Feature", "properties": {"code": code, **more},
            "geometry": {"type": "Polygon", "coordinates": rings},
        }
        for code, rings in areas.items()
    ]  # fmt: skip
    return File("边界.geojson", orjson.dumps({"type": "FeatureCollection", "features": features}))


def whole(code, communities=2, grids=3):
    """All lists of a street laid out as a lattice: a column for each community, a cell for each grid."""
    places = [f"{code}{n:03d}" for n in range(1, communities + 1)]
    cells = [(place, f"{place}{n:03d}") for place in places for n in range(1, grids + 1)]
    people = [f"w{cell}" for _, cell in cells] + ["d1", "d2", "boss"]
    return {
        "communities": [{"code": c, "name": f"第{n}社区"} for n, c in enumerate(places, 1)],
        "grids": [{"code": g, "community_code": c, "name": f"网格{g[-6:]}"} for c, g in cells],
        "buildings": [{"code": f"{g}01", "grid_code": g, "name": "1号楼"} for _, g in cells],
        "stations": [{"code": f"{g}Z", "grid_code": g, "name": "服务站", "premium": "是"} for _, g in cells],
        "units": [
            {"code": "above", "name": "区平台", "kind": "区级平台", "level": "区", "parent_code": "", "is_desk": ""},
            {"code": "wuye", "name": "物业办", "kind": "街道科室", "level": "街道", "parent_code": "街道办", "is_desk": ""},
            {"code": "desk", "name": "街道办", "kind": "desk", "level": "街道", "parent_code": "above", "is_desk": "是"},
        ],
        "staff": [{"code": p, "name": f"王{n}"} for n, p in enumerate(people)],
        "posts": [
            *({"staff_code": f"w{g}", "role": "网格员", "unit_code": "物业办", "area_code": g} for _, g in cells),
            {"staff_code": "d1", "role": "派单员", "unit_code": "街道办", "area_code": ""},
            {"staff_code": "d1", "role": "受理员", "unit_code": "街道办", "area_code": ""},
        ],
        "crews": [{"grid_code": g, "staff_code": f"w{g}", "kind": "网格员"} for _, g in cells],
        "responsibles": [
            *({"area_code": g, "staff_code": f"w{g}"} for _, g in cells),
            *({"area_code": c, "staff_code": "d2"} for c in places),
        ],
        "duty": [{"unit_code": "街道办", "staff_code": "d1", "starts_at": "2026-03-02 08:00", "ends_at": "2026-03-02 20:00"}],
        "sponsors": [{"staff_code": "boss", "target_code": c} for c in places],
        "categories": [
            {
                "code": "0101", "group_name": "环境", "name": "垃圾", "lead_unit": "物业办", "level": "街道",
                "mode": "普通", "sign_limit": "1wd", "contact_limit": "1wd", "resolve_limit": "3wd",
            }
        ],
    }  # fmt: skip


def lattice(code, communities=2, grids=3):
    """The boundaries of the same street."""
    west, south = 117.0, 39.0
    return {
        f"{code}{column:03d}{row:03d}": [
            square(
                west + (column - 1) * STEP, south + (row - 1) * STEP, west + column * STEP, south + row * STEP
            )
        ]
        for column in range(1, communities + 1)
        for row in range(1, grids + 1)
    }
