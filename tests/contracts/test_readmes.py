"""Each service says on one page what comes in, what goes out, what it owns and what it never does."""

import re

import pytest

from shared.settings import SERVICES
from shared.tables import metadata
from tests.fixtures.servers import ROOT


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_says_what_it_is(service):
    page = (ROOT / "services" / service / "README.md").read_text(encoding="utf-8")
    for word in ("In", "Out", "Owns", "Never"):
        assert re.search(rf"^(#+ |[*-] )?\**{word}\b", page, re.MULTILINE), word


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_names_every_table_it_owns(service):
    page = (ROOT / "services" / service / "README.md").read_text(encoding="utf-8")
    assert not [
        t.name for t in metadata.sorted_tables if t.info["owner"] == service and f"`{t.name}`" not in page
    ]


def test_no_page_links_to_what_is_not_there():
    pages = [
        page
        for where in ("*.md", "services/**/*.md", "shared/**/*.md", "docs/**/*.md")
        for page in ROOT.glob(where)
    ]
    missing = [
        f"{page.relative_to(ROOT)} → {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert not missing
