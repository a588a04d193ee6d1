"""`banjie replay`: the articles' work done again over the running services, each published figure beside the measured."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from services.console.demo.places import HEFEILU, SHIXI, XINBEI, Blueprint
from services.console.replay import hefeilu, shixi, xinbei
from services.console.replay.stage import install

CASES: dict[str, tuple[Blueprint, Callable[[], Awaitable[bool]]]] = {
    "xinbei": (XINBEI, xinbei.replay),
    "hefeilu": (HEFEILU, hefeilu.replay),
    "shixi": (SHIXI, shixi.replay),
}
LATER = {"laojie": "老街街道", "dagang": "大港街道"}


def run(case: str) -> int:
    """Replay a case, or all there are; return 0 if every figure holds, else 1. RuntimeError for an unknown case."""
    if case in LATER:
        raise RuntimeError(
            f"{LATER[case]}({case})的案例还没有做好,以后的版本提供;现有:{'、'.join(CASES)}、all"
        )
    if case not in CASES and case != "all":
        raise RuntimeError(f"没有“{case}”这个案例;可选:{'、'.join(CASES)}、all")
    holds = True
    for name, (street, play) in CASES.items():
        if case in (name, "all"):
            started = time.monotonic()
            install(street)
            holds = _play(play) and holds
            print(f"用时 {time.monotonic() - started:.0f} 秒\n")
    if case == "all":
        print(f"{'、'.join(LATER.values())}的案例以后的版本提供")
    print("全部数字一致" if holds else "有数字不一致")
    return 0 if holds else 1


def _play(play: Callable[[], Awaitable[bool]]) -> bool:
    async def playing() -> bool:
        return await play()

    try:
        return asyncio.run(playing())
    except ExceptionGroup as group:
        # Many tickets at once: the first failure says it all.
        raise first(group) from group


def first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first real exception of a group."""
    error = group.exceptions[0]
    return first(error) if isinstance(error, BaseExceptionGroup) else error
