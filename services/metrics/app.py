"""Metrics' HTTP process."""

from services.metrics.api import bulletins, checks, counts, ledger, points, process, rankings, rates
from shared.web.app import create_app, serve

app = create_app(
    "metrics",
    "办结 · 指标服务",
    [
        rates.router,
        counts.router,
        rankings.router,
        process.router,
        bulletins.router,
        checks.router,
        ledger.router,
        points.router,
    ],
)

if __name__ == "__main__":
    serve("metrics", "services.metrics.app:app")
