"""The demo: a street with its registry, and three months of its tickets."""

from services.console import owner
from services.console.demo.places import BLUEPRINTS
from services.console.demo.registry import ensure_street


def install(code: str) -> str:
    """Install the street with this code; say what was done. RuntimeError for a code without a blueprint."""
    blueprint = BLUEPRINTS.get(code)
    if blueprint is None:
        there = "、".join(f"{b.code}({b.name})" for b in BLUEPRINTS.values())
        raise RuntimeError(f"没有代码为 {code} 的演示街道;可选:{there}")
    new = owner.run(lambda opened: ensure_street(opened, blueprint))
    size = f"{len(blueprint.communities)} 个社区、{sum(blueprint.grids)} 个网格"
    return f"{blueprint.name}{'已装入' if new else '已存在,缺的已补齐'}:{size}"
