"""Fixtures for every test; each is described where it is defined, in tests/fixtures/."""

pytest_plugins = ["tests.fixtures.servers", "tests.fixtures.streets", "tests.fixtures.clients"]
