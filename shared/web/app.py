"""The FastAPI application of a service, and how it is served."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import uvicorn
from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from sqlalchemy import text
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, Response

from shared import clock
from shared.errors import Problem
from shared.process import Process, configure_logging, spare_the_collector
from shared.settings import Service, Settings, load
from shared.web import problems
from shared.web.access import SECURITY_SCHEMES
from shared.web.edge import BodyLimits, Edge, UntoldLength

# What the tables must be at least; `banjie migrate` brings them there.
MIGRATION = "0018"
_WAITING = Gauge("banjie_deliveries_waiting", "Deliveries not yet done", ["consumer"])
_OLDEST = Gauge("banjie_deliveries_oldest_seconds", "Age of the oldest delivery not yet done", ["consumer"])
_PARKED = Gauge("banjie_deliveries_parked", "Deliveries given up and waiting for a person", ["consumer"])
_HEALTH = """
SELECT count(*) FILTER (WHERE parked_at IS NULL) AS waiting, count(*) FILTER (WHERE parked_at IS NOT NULL) AS parked,
  min(e.recorded_at) FILTER (WHERE parked_at IS NULL) AS oldest
FROM deliveries d JOIN events e ON e.street_id = d.street_id AND e.id = d.event_id
WHERE d.street_id = ANY($1::bigint[]) AND d.consumer = $2"""

Setup = Callable[[FastAPI, Process], AbstractAsyncContextManager[None]]


def create_app(
    service: Service,
    title: str,
    routers: Sequence[APIRouter],
    *,
    setup: Setup | None = None,
    settings: Settings | None = None,
    larger_bodies: Mapping[str, int] | None = None,
) -> FastAPI:
    """Return a service's application; `setup` prepares what its routes find on `app.state`.

    `larger_bodies`: addresses that take files, with the bytes a body may have there.
    """
    settings = settings or Settings()
    limits = BodyLimits(settings.max_body_bytes, larger_bodies or {})

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        process = Process.build(service)
        app.state.process = process
        spare_the_collector()
        try:
            if setup is None:
                yield
            else:
                async with setup(app, process):
                    yield
        finally:
            await process.close()

    app = FastAPI(
        title=title,
        version="1",
        lifespan=lifespan,
        docs_url=None,  # its page loads scripts from elsewhere; tools read /openapi.json
        redoc_url=None,
        redirect_slashes=False,  # another address is another thing: 404, as documented
        middleware=[
            Middleware(Edge, limits=limits),
            *_cors(settings),
            Middleware(UntoldLength, limits=limits),
        ],
    )
    problems.install(app)
    for router in routers:
        app.include_router(router, prefix="/v1")
    app.include_router(_health(service))
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _cors(settings: Settings) -> list[Middleware]:
    if not settings.cors_origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=[
                "Authorization",
                "Content-Type",
                "Idempotency-Key",
                "If-Match",
                "X-API-Key",
                "X-Request-ID",
            ],
            expose_headers=["ETag", "Retry-After", "X-Request-ID"],
        )
    ]


def _openapi(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document, with our security schemes and one shape for all errors."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, routes=app.routes)
        components = document.setdefault("components", {})
        components["securitySchemes"] = SECURITY_SCHEMES
        document["security"] = [{"bearer": []}, {"api_key": []}]
        for path in document["paths"].values():
            for operation in path.values():
                _only_problems(operation)
        app.openapi_schema = document
    return app.openapi_schema


def _only_problems(operation: dict[str, Any]) -> None:
    for status, response in operation["responses"].items():
        content = response.get("content", {})
        if status[0] in "45" and content:
            kept = content.get(problems.MEDIA_TYPE) or content["application/json"]
            response["content"] = {problems.MEDIA_TYPE: kept}


def _health(service: Service) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def alive() -> dict[str, str]:
        return {"status": "ok", "service": service}

    @router.get("/readyz")
    async def ready(request: Request) -> Response:
        checks = await _checks(request.app.state.process)
        good = all(value is True for value in checks.values())
        return JSONResponse({"status": "ok" if good else "unavailable", **checks}, 200 if good else 503)

    @router.get("/metrics")
    async def prometheus(request: Request) -> Response:
        await _observe_outbox(request.app.state.process)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


async def _checks(process: Process) -> dict[str, bool]:
    """Return whether database, migrations and Redis are as they must be."""
    migrated = database = False
    try:
        async with process.database.transaction((), read_only=True) as tx:
            database = True
            row = await tx.one(text("SELECT version_num FROM alembic_version"))
            migrated = row is not None and row.version_num >= MIGRATION
    except Exception:  # noqa: BLE001 - whatever it was, we are not ready
        migrated = False
    return {"database": database, "migrations": migrated, "redis": await process.courier.ping()}


async def _observe_outbox(process: Process) -> None:
    try:
        streets = [s.id for s in await process.streets.all()]
        async with process.database.transaction(streets, read_only=True) as tx:
            row = await tx.raw.fetchrow(_HEALTH, streets, process.service)
    except Problem:
        return
    oldest = row["oldest"]
    _WAITING.labels(process.service).set(row["waiting"])
    _PARKED.labels(process.service).set(row["parked"])
    _OLDEST.labels(process.service).set((clock.now() - oldest).total_seconds() if oldest else 0)


def serve(service: Service, app: str) -> None:
    """Serve a service's application (`module:attribute`) until SIGTERM."""
    settings = load()
    configure_logging(settings.log_level)
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port(service),
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=True,
        proxy_headers=False,  # nothing here asks for the address of a caller
        ws="none",
        timeout_graceful_shutdown=8,
        limit_concurrency=None,
        backlog=4096,
    )
