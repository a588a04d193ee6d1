"""The intake service: people and channels come in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from services.intake.api import (
    actions,
    attachments,
    blocks,
    group_posts,
    imports,
    me,
    notices,
    privacy,
    push,
    sessions,
    similar,
    subscriptions,
    tickets,
    users,
    webhooks,
)
from services.intake.attachments.take import Photos
from services.intake.blocks import Blocks
from services.intake.identity.consent import ConsentGate
from services.intake.limits import Limits
from services.intake.registry import Registry
from services.intake.submit import Submissions
from services.intake.wechat import WeChat
from shared.process import Process
from shared.settings import Settings
from shared.web.app import create_app, serve

# What a form may have around its file.
FORM_BYTES = 16_384


@asynccontextmanager
async def _setup(app: FastAPI, process: Process) -> AsyncIterator[None]:
    """Put what the routes need on `app.state`; on the way out, write everything that was handed in."""
    submissions = Submissions(process.database, process.outbox, max_waiting=process.settings.intake_queue)
    app.state.submissions = submissions
    app.state.registry = Registry(process.database)
    app.state.blocks = Blocks(process.database)
    settings = process.settings
    app.state.limits = limits = Limits(settings.redis(), enabled=settings.rate_limits == "on")
    app.state.photos = photos = Photos(process)
    app.state.consents = ConsentGate(process.database, process.settings)
    async with WeChat(process) as wechat:
        app.state.wechat = wechat
        try:
            yield
        finally:
            await submissions.drain()
            await limits.close()
            await photos.close()


_settings = Settings()
app = create_app(
    "intake",
    "办结 · 诉求受理",
    [
        sessions.router,
        similar.router,
        tickets.router,
        actions.router,
        imports.router,
        privacy.router,
        blocks.router,
        attachments.router,
        me.router,
        users.router,
        push.router,
        notices.router,
        subscriptions.router,
        webhooks.router,
        group_posts.router,
    ],
    setup=_setup,
    settings=_settings,
    larger_bodies={
        "/v1/imports": _settings.max_import_bytes,
        "/v1/attachments": _settings.max_photo_bytes + FORM_BYTES,
    },
)

if __name__ == "__main__":
    serve("intake", "services.intake.app:app")
