"""Every door asks who is there, and every door says in its document how it refuses."""

import importlib

import pytest
from fastapi.routing import iter_route_contexts

from shared.settings import SERVICES
from shared.web import access
from shared.web.problems import MEDIA_TYPE

# (method, path): open to all, and why.
PUBLIC = {
    ("POST", "/v1/sessions"): "signing in",
    (
        "GET",
        "/v1/files/{token}",
    ): "the address is the permission: signed, for minutes, handed out with a ticket",
    ("POST", "/v1/sessions/refresh"): "the refresh token says who it is",
    ("GET", "/v1/wechat/callback"): "WeChat signs its requests",
    ("POST", "/v1/wechat/callback"): "WeChat signs its requests",
    ("GET", "/healthz"): "the supervisor's question",
    ("GET", "/readyz"): "the gateway's question",
    ("GET", "/metrics"): "Prometheus; the gateway does not pass it on",
    ("GET", "/openapi.json"): "the document holds no data",
}
LISTS_WITHOUT_PAGES = {
    ("GET", "/v1/rates"): "the catalogue of formulas: a fixed page of the product",
    ("GET", "/v1/rates/{rate}"): "one figure, not a list",
}
METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")


def app_of(service):
    return importlib.import_module(f"services.{service}.app").app


def routes():
    """Return (service, method, path, route) of every door."""
    return [
        (service, method, route.path, route)
        for service in SERVICES
        for route in iter_route_contexts(app_of(service).routes)
        for method in sorted(getattr(route, "methods", None) or ())
        if method != "HEAD"
    ]


def operations():
    """Return (service, method, path, operation) of every documented operation."""
    return [
        (service, method.upper(), path, operation)
        for service in SERVICES
        for path, item in app_of(service).openapi()["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]


def asks_who(dependant):
    return dependant.call is access.authenticated or any(asks_who(d) for d in dependant.dependencies)


ROUTES, OPERATIONS = routes(), operations()
every_route = pytest.mark.parametrize(
    ("service", "method", "path", "route"), ROUTES, ids=[f"{s} {m} {p}" for s, m, p, _ in ROUTES]
)
every_operation = pytest.mark.parametrize(
    ("service", "method", "path", "operation"), OPERATIONS, ids=[f"{s} {m} {p}" for s, m, p, _ in OPERATIONS]
)


@every_route
def test_a_door_asks_who_is_there_or_is_public_by_name(service, method, path, route):
    if (method, path) in PUBLIC:
        return
    assert hasattr(route, "dependant"), (
        "a mount or a plain Starlette route: name it in PUBLIC or give it a dependency"
    )
    assert asks_who(route.dependant)


def test_the_lists_of_exceptions_name_nothing_that_is_not_there():
    there = {(method, path) for _, method, path, _ in ROUTES}
    assert PUBLIC.keys() <= there
    assert LISTS_WITHOUT_PAGES.keys() <= there


@every_route
def test_nothing_is_patched(service, method, path, route):
    assert method in {"GET", "POST", "PUT", "DELETE"}


@pytest.mark.parametrize("service", SERVICES)
async def test_a_stranger_is_refused_at_every_other_door(intake, routing, metrics, service):
    client = {"intake": intake, "routing": routing, "metrics": metrics}[service]
    for owner, method, path, _ in ROUTES:
        if owner != service or (method, path) in PUBLIC:
            continue
        answer = await client.request(method, path.replace("{", "").replace("}", ""))
        assert answer.status_code == 401, (method, path, answer.status_code)
        assert answer.headers["content-type"] == MEDIA_TYPE
        assert answer.headers["www-authenticate"] == "Bearer"


@every_operation
def test_every_refusal_is_documented_as_a_problem(service, method, path, operation):
    answers = operation["responses"]
    wanted = {"422"} if (method, path) in PUBLIC else {"401", "403", "422", "503"}
    if "requestBody" in operation:
        wanted |= {"413"}
    if "{" in path and (method, path) not in LISTS_WITHOUT_PAGES:
        wanted |= {"404"}
    assert wanted <= answers.keys(), f"missing: {sorted(wanted - answers.keys())}"
    for status, answer in answers.items():
        if status[0] in "45":
            assert set(answer["content"]) == {MEDIA_TYPE}, status
            assert answer["content"][MEDIA_TYPE]["schema"]["$ref"].endswith("/ProblemBody"), status


def success(service, operation):
    """Return the schema of the good answer with its reference resolved, or None."""
    good = next(a for s, a in operation["responses"].items() if s[0] == "2")
    schema = good.get("content", {}).get("application/json", {}).get("schema", {})
    if "$ref" in schema:
        return app_of(service).openapi()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


@every_operation
def test_a_list_comes_in_pages(service, method, path, operation):
    if (method, path) in LISTS_WITHOUT_PAGES:
        return
    schema = success(service, operation)
    properties = schema.get("properties", {})
    assert schema.get("type") != "array", "a bare list cannot say that there is more"
    if "items" in properties:
        assert {"items", "next_cursor", "has_more"} <= properties.keys()
        names = {p["name"]: p["schema"] for p in operation.get("parameters", ())}
        assert {"limit", "cursor"} <= names.keys()
        assert names["limit"]["maximum"] <= 100
        assert names["limit"]["minimum"] == 1


@every_operation
def test_operations_have_a_chinese_summary(service, method, path, operation):
    assert any("\u4e00" <= c <= "\u9fff" for c in operation.get("summary", ""))
