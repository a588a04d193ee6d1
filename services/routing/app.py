"""Routing's HTTP process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from services.routing.api import (
    areas,
    boards,
    campaigns,
    checklist_views,
    checklists,
    closing,
    deliberations,
    groups,
    inspections,
    joint,
    meetings,
    projects,
    registry,
    revisits,
    route,
    rules,
    supervision,
    tickets,
    undertakings,
    upkeep,
)
from services.routing.registry import Registries
from shared.process import Process
from shared.settings import Settings
from shared.web.app import create_app, serve


@asynccontextmanager
async def setup(app: FastAPI, process: Process) -> AsyncIterator[None]:
    """Prepare what the routes need."""
    app.state.registries = Registries(process.database)
    yield


_settings = Settings()
app = create_app(
    "routing",
    "办结 · 流转服务",
    [
        boards.router,
        tickets.router,
        registry.router,
        route.router,
        rules.router,
        areas.router,
        upkeep.router,
        supervision.router,
        meetings.router,
        inspections.router,
        revisits.router,
        groups.router,  # before the lists: their paths look like a list's code
        checklist_views.router,
        checklists.router,
        projects.router,
        undertakings.router,
        campaigns.router,
        joint.router,
        deliberations.router,
        closing.router,
    ],
    setup=setup,
    settings=_settings,
    larger_bodies={upkeep.IMPORTS: _settings.max_import_bytes},
)

if __name__ == "__main__":
    serve("routing", "services.routing.app:app")
