"""The limit of the same run: a bare FastAPI POST that validates the same body and answers the same fields."""

import sys

import uvicorn
from fastapi import FastAPI

from services.intake.schemas import TicketIn

app = FastAPI()


@app.post("/v1/tickets", status_code=201)
async def echo(body: TicketIn) -> dict[str, str | bool | None]:
    return {
        "id": "01a200c0-92d1-75cf-98fb-1748bcd46007",
        "number": "XB20261122-000001",
        "state": "submitted",
        "state_text": "已登记",
        "street": body.street,
        "channel": "mini_program",
        "channel_text": "小程序",
        "occurred_at": "2026-11-22T08:55:50.225+08:00",
        "recorded_at": "2026-11-22T08:55:50.225+08:00",
        "late": False,
    }


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="warning")
