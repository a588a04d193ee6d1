"""What every process of a service holds, app and worker alike: built once, closed in order."""

import gc
import logging
from dataclasses import dataclass

import structlog

from shared.auth import ApiKeys, SignOuts, Tokens
from shared.db import Database
from shared.keyring import Keyring
from shared.outbox import Courier, Outbox
from shared.settings import Service, Settings, load
from shared.streets import Streets


@dataclass(frozen=True)
class Process:
    service: Service
    settings: Settings
    tokens: Tokens
    api_keys: ApiKeys
    database: Database
    courier: Courier
    outbox: Outbox
    streets: Streets
    sign_outs: SignOuts

    @property
    def keys(self) -> Keyring:
        return self.tokens.keys

    @classmethod
    def build(cls, service: Service, settings: Settings | None = None, *, durable: bool = True) -> "Process":
        """Wire a process of `service`; nothing is connected until it is used.

        `durable` False is for workers: a crash of the database may undo their last commits, each whole, and
        with it the taking of the deliveries, which are then offered again. Nobody was promised anything.
        """
        settings = settings or load()
        tokens = Tokens(settings.secrets_path)
        password = tokens.keys.database_password(f"banjie_{service}")
        database = Database(
            settings.service_url(service, password),
            pool_size=settings.db_pool_size,
            statement_timeout=settings.statement_timeout,
            durable=durable,
        )
        courier = Courier(settings.redis())
        return cls(
            service, settings, tokens, ApiKeys(database), database, courier,
            Outbox(service, courier, lease=settings.delivery_lease), Streets(database),
            SignOuts(database, settings.token_ttl),
        )  # fmt: skip

    async def close(self) -> None:
        await self.courier.close()
        await self.database.close()


def spare_the_collector() -> None:
    """Keep what was loaded at the start out of every garbage collection, and collect less often.

    Measured on the busiest door: a fifth more requests, and a 99th percentile of a third.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def configure_logging(level: str) -> None:
    """Log one JSON object a line; keys that could hold secrets or personal data are never passed to it."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        cache_logger_on_first_use=True,
    )
