"""Fixtures for every test; each is described where it is defined, in tests/fixtures/."""

import signal

import pytest
import structlog

from shared.process import configure_logging

pytest_plugins = [
    "tests.fixtures.servers",
    "tests.fixtures.streets",
    "tests.fixtures.clients",
    "tests.fixtures.ledgers",
    "tests.fixtures.posts",
    "tests.fixtures.photos",
    "tests.fixtures.wechat",
    "tests.fixtures.vendors",
    "tests.fixtures.notices",
]


def pytest_configure():
    """Log as the services do; structlog's own way prints every local of a traceback, which can take minutes.

    Loggers are not cached, so that `structlog.testing.capture_logs` sees everything.
    """
    configure_logging("INFO")
    structlog.configure(cache_logger_on_first_use=False)
    signal.signal(signal.SIGTERM, _stop)


def pytest_collection_modifyitems(items):
    """Keep each file's tests in one process; whole houses run one after another, and first: they last longest."""
    for item in items:
        houses = any(map(item.get_closest_marker, ("flow", "chaos", "fuzz")))
        item.add_marker(pytest.mark.xdist_group("houses" if houses else item.path.as_posix()))
    items.sort(key=lambda item: item.get_closest_marker("xdist_group").args[0] != "houses")


def _stop(*_):
    """A run that is told to end, as by `timeout`, stops its servers like one that is interrupted."""
    raise KeyboardInterrupt
