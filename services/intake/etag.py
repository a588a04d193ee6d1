"""The version of a ticket as HTTP carries it: `"v3"` after three moves; `"v0"` is not looked at yet."""

import re
from typing import Annotated

from fastapi import Header

from shared.errors import Stale

IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=200, description="工单的 ETag")]
_TAG = re.compile(r'(?:W/)?"([^"]*)"')


def of_version(version: int) -> str:
    """Return the entity tag of a ticket's version."""
    return f'"v{version}"'


def matches(header: str, version: int) -> bool:
    """Return whether a list of entity tags, or `*`, names this version."""
    return header.strip() == "*" or f"v{version}" in _TAG.findall(header)


def require(if_match: str | None, version: int) -> None:
    """Raise Stale when the caller acts on another version than the present one."""
    if if_match is not None and not matches(if_match, version):
        raise Stale("工单已有新的进展,请刷新后再试")
