"""What must be done between "the servers answer" and "the services start", in a process of its own.

`banjie up` runs it as a child, so that the process that then supervises everything for weeks never loads
what only this needs. It is started before the servers are, as loading takes as long as they do: the owner's
database URL comes as a line on stdin, once there is one; the answer is one JSON object on stdout.
"""

import json
import sys
from typing import Any

from pydantic import SecretStr

from services.console import holidays, owner
from services.console.demo.places import XINBEI
from services.console.demo.registry import ensure_street
from services.console.keys import SERVICES_FOLDER, hand_out
from services.console.migrate import migrate
from shared import keyring
from shared.auth import Actor, Tokens, staff_id
from shared.db import Database
from shared.settings import SERVICES, Settings
from shared.streets import Streets
from shared.terms import Role


def prepare(settings: Settings, *, demo: bool) -> dict[str, Any]:
    """Bring the database up to date and fill what is missing; return what `banjie up` must know."""
    keys = keyring.load(settings.secrets_path)
    url = settings.owner_url()
    warnings = migrate(url, keys)
    seeded, street = owner.run(lambda opened: _fill(opened, demo=demo), url)
    folder = settings.data_dir / SERVICES_FOLDER
    return {
        "warnings": warnings,
        "seeded": seeded,
        "street": street,
        "secrets": str(hand_out(settings.secrets_path, folder).resolve()),
        "urls": {s: settings.service_url(s, keys.database_password(f"banjie_{s}")) for s in SERVICES},
        "tokens": _tokens(settings, street) if street else {},
    }


async def _fill(opened: Database, *, demo: bool) -> tuple[bool, dict[str, str] | None]:
    """Load the calendar and, where there is no street, the demo street; return (seeded, the first street)."""
    async with opened.transaction(()) as tx:
        first, last = holidays.span()
        known = await tx.raw.fetchval(
            "SELECT count(*) FROM calendar_days WHERE day BETWEEN $1 AND $2", first, last
        )
        if known < (last - first).days + 1:
            await holidays.store(tx, holidays.packaged())
    there = await Streets(opened).all()
    seeded = demo and not there
    if seeded:
        await ensure_street(opened, XINBEI)
        there = await Streets(opened).all()
    first_street = {"code": there[0].code, "name": there[0].name} if there else None
    return seeded, first_street and {**first_street, "id": str(there[0].id)}


def _tokens(settings: Settings, street: dict[str, str]) -> dict[str, str]:
    """Return a resident's and a dispatcher's token, to begin with."""
    tokens = Tokens(settings.secrets_path)
    ids = frozenset({int(street["id"])})
    resident = Actor(id=tokens.keys.resident_id("demo"), role=Role.RESIDENT, streets=ids)
    dispatcher = Actor(id=staff_id(Role.DISPATCHER, ids, None), role=Role.DISPATCHER, streets=ids)
    return {
        "resident": tokens.issue(resident, settings.token_ttl)[0],
        "dispatcher": tokens.issue(dispatcher, settings.staff_token_ttl)[0],
    }


def main() -> None:
    """Prepare and print; a failure is one Chinese line on stderr and exit code 2."""
    url = sys.stdin.readline().strip()
    if not url:
        return  # the servers did not start
    settings = Settings().model_copy(update={"database_url": SecretStr(url)})
    try:
        if not settings.secrets_path.exists():
            keyring.create(settings.secrets_path)
        answer = prepare(settings, demo="--demo" in sys.argv[1:])
    except (RuntimeError, OSError) as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from error
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
