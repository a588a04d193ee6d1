"""Settings of every process: the environment first, then what a running embedded instance wrote down.

`BANJIE_*` variables win. Where they are silent, `endpoints.json` in the data folder (written by
`banjie up`) tells the console commands where the running instance listens.
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import BaseModel, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

Service = Literal["intake", "routing", "metrics"]
SERVICES: tuple[Service, ...] = ("intake", "routing", "metrics")


class WeChatApp(BaseModel):
    """A mini-program through which residents come; `callback_token` and `aes_key` are of its message push."""

    app_id: str
    secret: SecretStr
    # the street of those who sign in without naming one
    street: str | None = None
    callback_token: SecretStr | None = None
    aes_key: SecretStr | None = None


class ConsentNotice(BaseModel):
    """A text a resident agrees to; a new `version` asks for consent anew."""

    notice: str
    version: str
    title: str
    url: str | None = None


class MessageTemplate(BaseModel):
    """A template of subscribe messages as it was set up with WeChat.

    `fields`: the template's field → title, number, state, category or time.
    """

    id: str
    fields: dict[str, Literal["title", "number", "state", "category", "time"]]
    page: str = "pages/ticket/ticket"


class Settings(BaseSettings):
    """All knobs. Times in seconds unless the name says otherwise."""

    model_config = SettingsConfigDict(env_prefix="BANJIE_", extra="ignore")

    data_dir: Path = Path(".banjie")
    host: str = "127.0.0.1"
    intake_port: int = 8001
    routing_port: int = 8002
    metrics_port: int = 8003

    # The owner's URL (migrations, console). Services get a URL of their own role, see `service_url`.
    database_url: SecretStr | None = None
    intake_database_url: SecretStr | None = None
    routing_database_url: SecretStr | None = None
    metrics_database_url: SecretStr | None = None
    redis_url: SecretStr | None = None
    secrets_file: Path | None = None

    db_pool_size: int = 5
    statement_timeout: float = 15.0
    # What an intake process holds at most between "read" and "committed"; more is answered 503.
    intake_queue: int = 2000
    max_body_bytes: int = 262_144
    max_import_bytes: int = 67_108_864
    token_ttl: int = 7200
    staff_token_ttl: int = 12 * 3600
    idempotency_days: int = 7

    delivery_lease: float = 5.0
    delivery_max_failures: int = 8
    delivery_max_offers: int = 40

    reopen_window_days: int = 30
    # how often one person may knock; "off" is for load tests
    rate_limits: Literal["on", "off"] = "on"
    cors_origins: list[str] = []
    log_level: str = "INFO"

    # Photos stand in `data_dir/files`, or in an object store: s3://bucket/prefix, with its own address and login.
    files_url: str | None = None
    files_endpoint: str | None = None
    files_region: str | None = None
    files_access_key: SecretStr | None = None
    files_secret_key: SecretStr | None = None
    max_photo_bytes: int = 10_485_760
    photo_processes: int = 1

    wechat_app_id: str | None = None
    wechat_app_secret: SecretStr | None = None
    wechat_api_base: str = "https://api.weixin.qq.com"
    wechat_street: str | None = None
    wechat_callback_token: SecretStr | None = None
    wechat_aes_key: SecretStr | None = None
    # Further mini-programs: [{"app_id": …, "secret": …, "street": …}, …]; the one above, where set, is the first.
    wechat_apps: list[WeChatApp] = []

    refresh_ttl: int = 30 * 86_400
    # How long the refresh token before the last gets the last one's answer again: networks drop answers.
    refresh_grace: int = 60
    consent_notices: list[ConsentNotice] = [
        ConsentNotice(notice="privacy", version="1", title="个人信息保护告知书"),
        ConsentNotice(notice="terms", version="1", title="用户服务协议"),
    ]
    # Whether a resident must have agreed to all notices before handing in a request.
    consent_required: bool = False
    # Switches of the client, handed to it when it signs in.
    features: dict[str, bool] = {}

    # How a matter goes (progress) and how it ended (result): JSON, by topic.
    wechat_templates: dict[Literal["progress", "result"], MessageTemplate] = {}
    # Robots and webhooks may lead into one's own network, and by plain http.
    private_targets: bool = False

    @property
    def mini_programs(self) -> dict[str, WeChatApp]:
        """The mini-programs by their id, the one of the single settings first."""
        apps = list(self.wechat_apps)
        if self.wechat_app_id and self.wechat_app_secret is not None:
            single = WeChatApp(
                app_id=self.wechat_app_id, secret=self.wechat_app_secret, street=self.wechat_street,
                callback_token=self.wechat_callback_token, aes_key=self.wechat_aes_key,
            )  # fmt: skip
            apps.insert(0, single)
        return {app.app_id: app for app in apps}

    @property
    def secrets_path(self) -> Path:
        """Where token keys, data keys and database passwords live (mode 0600)."""
        return self.secrets_file or self.data_dir / "secrets.json"

    def port(self, service: Service) -> int:
        """Return the HTTP port of `service`."""
        return {"intake": self.intake_port, "routing": self.routing_port, "metrics": self.metrics_port}[
            service
        ]

    def base_url(self, service: Service) -> str:
        """Return where `service` is reached from this machine."""
        return f"http://{self.host}:{self.port(service)}"

    def templates(self) -> dict[str, MessageTemplate]:
        """Return the templates of subscribe messages by topic."""
        return {topic: template for topic, template in self.wechat_templates.items()}  # noqa: C416 - a dict keyed by str

    def owner_url(self) -> str:
        """Return the owner's database URL; raise RuntimeError if none is known."""
        if self.database_url is None:
            raise RuntimeError("没有数据库地址:请先运行 make run,或设置 BANJIE_DATABASE_URL")
        return self.database_url.get_secret_value()

    def redis(self) -> str:
        """Return the Redis URL; raise RuntimeError if none is known."""
        if self.redis_url is None:
            raise RuntimeError("没有 Redis 地址:请先运行 make run,或设置 BANJIE_REDIS_URL")
        return self.redis_url.get_secret_value()

    def service_url(self, service: Service, password: str) -> str:
        """Return the URL with which `service` connects: its own if set, else the owner's with its role."""
        own: SecretStr | None = {
            "intake": self.intake_database_url,
            "routing": self.routing_database_url,
            "metrics": self.metrics_database_url,
        }[service]
        if own is not None:
            return own.get_secret_value()
        return with_login(self.owner_url(), f"banjie_{service}", password)


def with_login(url: str, user: str, password: str) -> str:
    """Return `url` with another user and password."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))


ENDPOINTS = "endpoints.json"


@lru_cache(maxsize=1)
def load() -> Settings:
    """Return the settings of this process (read once)."""
    settings = Settings()
    written = settings.data_dir / ENDPOINTS
    if written.is_file():
        known = json.loads(written.read_text(encoding="utf-8"))
        missing = {name: value for name, value in known.items() if name not in settings.model_fields_set}
        settings = Settings(**missing)
    return settings
