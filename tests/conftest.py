"""Fixtures for every test; each is described where it is defined, in tests/fixtures/."""

import signal

import structlog

from shared.process import configure_logging

pytest_plugins = [
    "tests.fixtures.servers",
    "tests.fixtures.streets",
    "tests.fixtures.clients",
    "tests.fixtures.ledgers",
]


def pytest_configure():
    """Log as the services do; structlog's own way prints every local of a traceback, which can take minutes.

    Loggers are not cached, so that `structlog.testing.capture_logs` sees everything.
    """
    configure_logging("INFO")
    structlog.configure(cache_logger_on_first_use=False)
    signal.signal(signal.SIGTERM, _stop)


def _stop(*_):
    """A run that is told to end, as by `timeout`, stops its servers like one that is interrupted."""
    raise KeyboardInterrupt
