"""PostgreSQL and a Redis-compatible server for a machine that has neither; standard library only, until used."""

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

from services.console.embedded.errors import EmbeddedError
from services.console.embedded.lock import hold
from services.console.embedded.postgres import EmbeddedPostgres
from services.console.embedded.valkey import EmbeddedValkey

__all__ = ["EmbeddedError", "EmbeddedPostgres", "EmbeddedValkey", "embedded_servers"]


@contextlib.contextmanager
def embedded_servers(
    data_dir: Path,
    *,
    durable: bool,
    pg_port: int | None = None,
    redis_port: int | None = None,
    owner_password: str | None = None,
) -> Iterator[tuple[str, str]]:
    """Run both servers below `data_dir`; yield the URLs (of the database's owner, of Redis); stop both at the end.

    Ports not given are those of the last time if they are free, else free ones. The owner's password is
    random and new each time unless given. EmbeddedError when a server cannot run or the folder is in use.
    """
    postgres = EmbeddedPostgres(data_dir, port=pg_port, durable=durable)
    valkey = EmbeddedValkey(data_dir, port=redis_port, durable=durable)
    with hold(data_dir, "servers"), postgres, valkey:
        owner = postgres.ensure_database(owner_password or secrets.token_urlsafe(32))
        yield owner, valkey.url()
