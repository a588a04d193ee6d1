"""What every process of a service holds, app and worker alike: built once, closed in order."""

import logging
from dataclasses import dataclass

import structlog

from shared.auth import ApiKeys, Tokens
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

    @property
    def keys(self) -> Keyring:
        return self.tokens.keys

    @classmethod
    def build(cls, service: Service, settings: Settings | None = None) -> "Process":
        """Wire a process of `service`; nothing is connected until it is used."""
        settings = settings or load()
        tokens = Tokens(settings.secrets_path)
        password = tokens.keys.database_password(f"banjie_{service}")
        database = Database(
            settings.service_url(service, password),
            pool_size=settings.db_pool_size,
            statement_timeout=settings.statement_timeout,
        )
        courier = Courier(settings.redis())
        return cls(
            service, settings, tokens, ApiKeys(database), database, courier,
            Outbox(service, courier, lease=settings.delivery_lease), Streets(database),
        )  # fmt: skip

    async def close(self) -> None:
        await self.courier.close()
        await self.database.close()


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
