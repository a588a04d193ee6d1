"""What is known and what lists say, put together: each row goes in or is named. Plain Python.

A thing without a day is valid since ever when it is new, and keeps its day when it is known. Where one follows
another (who answers for an area, a boundary), the earlier ends on the day before.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from services.routing.upkeep.checks import check
from services.routing.upkeep.faults import Fault, Place, Unfit
from services.routing.upkeep.geojson import Feature
from services.routing.upkeep.kinds import AREA_BOUNDARIES, GRID_BOUNDARIES, KINDS, Kind
from services.routing.upkeep.read import Read, Row as Told
from services.routing.upkeep.state import Key, Row, State
from services.routing.validity import A_DAY, overlap
from shared.clock import EVER

CODED = frozenset({"communities", "grids", "buildings", "stations", "units", "staff", "categories"})


@dataclass
class Merge:
    """The state as it becomes, the faults of what could not go in, and how many rows there were of each list."""

    before: State
    faults: list[Fault] = field(default_factory=list)
    told: dict[str, int] = field(default_factory=dict)
    _from: dict[tuple[str, Key], Place] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.state = self.before.copy()

    def take(self, lists: Iterable[Read]) -> None:
        """Put lists in, in the order of reference whatever order they come in."""
        known = list(lists)
        for kind in KINDS:
            rows = [row for read in known if read.kind is kind for row in read.rows]
            faults = [fault for read in known if read.kind is kind for fault in read.faults]
            self.faults.extend(faults)
            if rows or faults:
                broken = len({fault.place for fault in faults if fault.place.line})
                self.told[kind.name] = len(rows) + broken
            if kind.name == "responsibles":
                rows.sort(key=lambda row: (row.values["area_code"], row.values.get("valid_from") or EVER))
            for row in rows:
                self._try(kind, row)
            if kind.name == "units" and rows:
                self._stand(rows)

    def _try(self, kind: Kind, told: Told) -> None:
        try:
            self._put(kind, told)
        except Unfit as unfit:
            self.faults.append(Fault(told.place, unfit.column, unfit.message))

    def _put(self, kind: Kind, told: Told) -> None:
        if kind.name in CODED:
            row = self._coded(kind, told.values)
        else:
            row = check(kind.name, _whole(kind, told.values, {}), self.state)
            if "valid_from" in row:
                row["valid_from"] = row["valid_from"] or self._since(kind, row)
                _ordered(row)
        if kind.name == "posts":
            identity = "/".join(str(part) for part in (self.state.street, *kind.key_of(row)))
            row["id"] = uuid5(NAMESPACE_OID, identity)
        key = kind.key_of(row)
        before = self._from.get((kind.name, key))
        if before is not None:
            raise Unfit(None, f"与 {before.file} 第 {before.line} 行重复")
        known = self.state.rows[kind.name]
        if kind.name == "responsibles":
            self._follow(kind, row, "area_code", "staff_code")
        elif kind.name not in CODED and "valid_from" in row:
            self._apart(kind, row)
        known[key] = {
            **known.get(key, {}),
            **row,
            **({"id": known[key]["id"]} if "id" in known.get(key, {}) else {}),
        }
        self._from[kind.name, key] = told.place

    def _coded(self, kind: Kind, values: Row) -> Row:
        """Return a coded thing: what the list does not tell stays as it is."""
        old = self.state.find(kind.name, values["code"]) or {}
        row = _whole(kind, values, old)
        row["valid_from"] = row["valid_from"] or old.get("valid_from") or EVER
        _ordered(row)
        if "imported" in kind.table.c:
            row["imported"] = False
        if kind.name == "staff":
            row["id"] = old.get("id") or uuid5(NAMESPACE_OID, f"{self.state.street}/{row['code']}")
        return check(kind.name, row, self.state)

    def _same(self, kind: Kind, row: Row) -> list[Row]:
        """Return the rows that differ from this one by their days only."""
        names = [name for name in kind.key if name != "valid_from"]
        return [
            known for known in self.state.rows[kind.name].values() if all(known[n] == row[n] for n in names)
        ]

    def _since(self, kind: Kind, row: Row) -> date:
        """Return since when a row is valid that does not say: since ever if new, else from now on."""
        known = self._same(kind, row)
        unchanged = [k for k in known if k.get("staff_code") == row.get("staff_code") and self.state.lasts(k)]
        if unchanged:
            latest: date = max(k["valid_from"] for k in unchanged)
            return latest
        return self.state.today if known else EVER

    def _apart(self, kind: Kind, row: Row) -> None:
        for other in self._same(kind, row):
            if other["valid_from"] != row["valid_from"] and overlap(*_days(row), *_days(other)):
                raise Unfit("valid_from", f"与 {other['valid_from']} 起的同一记录重叠")

    def _follow(self, kind: Kind, row: Row, area: str, what: str) -> None:
        """End what holds when this row begins; raise Unfit where the two would contradict each other."""
        for other in [k for k in self.state.rows[kind.name].values() if k[area] == row[area]]:
            if other["valid_from"] == row["valid_from"]:
                if other[what] != row[what] and row["valid_from"] < self.state.today:
                    raise Unfit("valid_from", f"{row['valid_from']} 起已有登记,不能改写;请写新的生效日期")
            elif other["valid_from"] < row["valid_from"] and other["valid_until"] is None:
                other["valid_until"] = row["valid_from"] - A_DAY
            elif overlap(*_days(row), *_days(other)):
                raise Unfit("valid_from", f"与 {other['valid_from']} 起的登记重叠")

    def _stand(self, rows: list[Told]) -> None:
        """Find what stands above each unit; take those out that hang on nothing or on themselves."""
        first = rows[0].place
        units, places = self.state.rows["units"], {row.values["code"]: row.place for row in rows}
        for (code,), unit in units.items():
            if unit["parent_code"] is not None and code in places:
                above = self.state.unit(unit["parent_code"])
                unit["parent_code"] = above["code"] if above is not None else unit["parent_code"]
        while wrong := {
            code: said for code in places if (code,) in units and (said := self._wrong_above(code))
        }:
            for code, said in wrong.items():
                self.faults.append(Fault(places.pop(code), "parent_code", said))
                self._back(units, code)
        desks = [unit["code"] for unit in self.state.current("units") if unit["is_desk"]]
        if len(desks) != 1:
            message = f"派单台应恰好有一个,现在有 {len(desks)} 个"
            self.faults.append(Fault(Place(first.file, first.sheet, 0), "is_desk", message))

    def _back(self, units: dict[Key, Row], code: str) -> None:
        """Let a unit stand as it was, or not at all."""
        old = self.before.find("units", code)
        if old is None:
            del units[code,]
        else:
            units[code,] = dict(old)

    def _wrong_above(self, code: str) -> str | None:
        """Return what is wrong with the units above this one."""
        seen, unit = {code}, self.state.find("units", code)
        while unit is not None and unit["parent_code"] is not None:
            above = unit["parent_code"]
            if above in seen:
                return "上级单位绕成了圈"
            seen.add(above)
            unit = self.state.find("units", above)
            if unit is None:
                return f"没有代码或名称为“{above}”的上级单位"
        return None

    def draw(self, features: Iterable[Feature], since: date | None) -> None:
        """Put boundaries in; `since` is for those that do not say from when."""
        for feature in features:
            self.told["boundaries"] = self.told.get("boundaries", 0) + 1
            try:
                self._draw(feature, feature.since or since)
            except Unfit as unfit:
                self.faults.append(Fault(feature.place, unfit.column, unfit.message))

    def _draw(self, feature: Feature, since: date | None) -> None:
        name, area = ("boundaries", "grid_code")
        if self.state.find("grids", feature.code) is None:
            name, area = "outlines", "area_code"
            if feature.code != self.state.street and self.state.find("communities", feature.code) is None:
                raise Unfit(None, f"没有代码为 {feature.code} 的网格、社区或街道")
        if (name, (feature.code,)) in self._from:
            raise Unfit(None, f"与第 {self._from[name, (feature.code,)].line} 个要素重复")
        self._from[name, (feature.code,)] = feature.place
        known = [row for row in self.state.rows[name].values() if row[area] == feature.code]
        last = max(known, key=lambda row: row["valid_from"], default=None)
        if last is not None and self.state.lasts(last) and last["polygons"] == feature.polygons:
            return
        row = {
            area: feature.code, "valid_from": since or (self.state.today if known else EVER), "valid_until": None,
            "polygons": feature.polygons,
        }  # fmt: skip
        kind = _BOUNDARIES[name]
        self._follow(kind, row, area, "polygons")
        self.state.rows[name][kind.key_of(row)] = row


_BOUNDARIES = {kind.name: kind for kind in (GRID_BOUNDARIES, AREA_BOUNDARIES)}


def _days(row: Row) -> tuple[date, date | None]:
    return row["valid_from"], row["valid_until"]


def _ordered(row: Row) -> None:
    if row["valid_until"] is not None and row["valid_until"] < row["valid_from"]:
        raise Unfit("valid_until", "有效期至早于生效日期")


def _whole(kind: Kind, values: Row, old: Row) -> dict[str, Any]:
    """Return all columns of a row: as told, else as known, else as an empty cell stands for."""
    return {c.name: values.get(c.name, old.get(c.name, c.default)) for c in kind.columns}
