#!/usr/bin/env python3
"""Write what compose.yaml needs beside it: `secrets/` and `.env`. Safe to repeat: what is there is kept.

Run once before the first start, and again after `banjie secrets rotate` on `secrets/owner.json`.

Each process is given the password of its own database role and no other. As the passwords are derived from
one key of the secrets file, the services get a copy of that file (`services.json`) with this key blinded.
"""

import json
import os
import secrets
from pathlib import Path

from shared import keyring
from shared.settings import SERVICES, with_login

HERE = Path(__file__).resolve().parent
BANJIE_UID = 10001  # of the image's user
SERVER_UID = 999  # of the user in the database's and the queue's image
DATABASE = "postgresql://postgres:5432/banjie"


def write(path: Path, text: str, owner: int) -> None:
    """Replace `path`, readable by one user only; give it to `owner` if we may."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    give(fresh, owner)
    fresh.replace(path)


def give(path: Path, owner: int) -> None:
    """Let `owner` own `path`; only root can."""
    if os.geteuid() == 0:
        os.chown(path, owner, -1)


def known(path: Path) -> dict[str, str]:
    """Return the variables an earlier run wrote, or set by hand since."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def password(path: Path) -> str:
    """Return the password in `path` (its last word), or a new one."""
    return path.read_text(encoding="utf-8").split()[-1] if path.is_file() else secrets.token_hex(24)


def main() -> None:
    """Write the secrets and the environment."""
    person = HERE.stat().st_uid
    folder = HERE / "secrets"
    folder.mkdir(mode=0o700, exist_ok=True)
    give(folder, person)

    owner = folder / "owner.json"
    if not owner.exists():
        keyring.create(owner)
    give(owner, BANJIE_UID)
    content = json.loads(owner.read_bytes())
    content["database"] = ""
    write(folder / "services.json", json.dumps(content, indent=2), BANJIE_UID)

    postgres = password(folder / "postgres_password")
    write(folder / "postgres_password", postgres, SERVER_UID)
    valkey = password(folder / "valkey.conf")
    write(folder / "valkey.conf", f"requirepass {valkey}\n", SERVER_UID)

    ring = keyring.load(owner)
    env = known(HERE / ".env")
    env["BANJIE_DATABASE_URL"] = with_login(DATABASE, "banjie", postgres)
    env["BANJIE_REDIS_URL"] = f"redis://:{valkey}@valkey:6379/0"
    for service in SERVICES:
        role = f"banjie_{service}"
        env[f"{role.upper()}_DATABASE_URL"] = with_login(DATABASE, role, ring.database_password(role))
    write(HERE / ".env", "".join(f"{name}={value}\n" for name, value in env.items()), person)


if __name__ == "__main__":
    main()
