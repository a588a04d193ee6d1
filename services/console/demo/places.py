"""The streets that can be installed: real codes of real streets, invented communities."""

from dataclasses import dataclass

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Blueprint:
    """A street to be laid out. `grids` is their number in each community; `box` west, south, east, north (GCJ-02)."""

    code: str
    name: str
    city: str
    district: str
    prefix: str
    above: str
    box: Box
    rows: tuple[int, ...]
    communities: tuple[str, ...]
    grids: tuple[int, ...]

    @property
    def id(self) -> int:
        """The street's id is its administrative code."""
        return int(self.code)

    def community_code(self, number: int) -> str:
        """Return the code of the community with this number, counted from 1."""
        return f"{self.code}{number:03d}"


_XINBEI = [
    "堰宾里",
    "新新家园",
    "晨晖里",
    "海棠苑",
    "紫云里",
    "远洋城",
    "贻成里",
    "福州道",
    "杭州道",
    "云山道",
    "春风里",
    "秋霞里",
    "望海园",
    "碧海里",
    "蓝湾",
    "银河里",
    "金岸里",
    "静安里",
    "福泽里",
    "康宁里",
    "和睦里",
    "丹桂苑",
    "翠亨里",
    "听涛苑",
    "北塘里",
    "三河里",
    "润泽园",
    "首创里",
    "欣嘉园",
    "民乐里",
    "观澜里",
    "同心里",
    "朝阳里",
    "滨河里",
]

# 34 communities hold 358 cells: eighteen of 11, sixteen of 10.
XINBEI = Blueprint(
    code="120116005",
    name="新北街道",
    city="天津市",
    district="滨海新区",
    prefix="XB",
    above="滨海新区网格化管理中心",
    box=(117.62, 39.005, 117.68, 39.055),
    rows=(6, 6, 6, 6, 5, 5),
    communities=tuple(f"{name}社区" for name in _XINBEI),
    grids=(11,) * 18 + (10,) * 16,
)
HEFEILU = Blueprint(
    code="370203011",
    name="合肥路街道",
    city="青岛市",
    district="青岛市市北区",
    prefix="HFL",
    above="市北区党建引领基层治理推进中心",
    box=(120.415, 36.105, 120.445, 36.125),
    rows=(3, 3),
    communities=("劲松三路社区", "河马石社区", "浮山后社区", "同安路社区", "裕环路社区", "四季景园社区"),
    grids=(6, 6, 5, 5, 5, 5),
)
SHIXI = Blueprint(
    code="371602002",
    name="市西街道",
    city="滨州市",
    district="滨州市滨城区",
    prefix="SX",
    above="滨城区社会治理服务中心",
    box=(117.985, 37.365, 118.015, 37.385),
    rows=(4, 4),
    communities=(
        "清怡社区",
        "渤海社区",
        "新街社区",
        "黄河社区",
        "花园社区",
        "福海社区",
        "锦绣社区",
        "惠民社区",
    ),
    grids=(5, 5, 5, 5, 4, 4, 4, 4),
)
BLUEPRINTS = {blueprint.code: blueprint for blueprint in (XINBEI, HEFEILU, SHIXI)}
