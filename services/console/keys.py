"""`banjie secrets`: the one file of secrets, and the copy of it that the services are given.

The services need the token and data keys, never the key from which database passwords are derived: each
is handed the password of its own role only. So they get a copy of the file with that key blinded.
"""

import os
from pathlib import Path

import orjson

from shared import keyring, settings

SERVICES_FOLDER = "services"


def init() -> Path:
    """Make the secrets file; RuntimeError when there is one."""
    path = settings.load().secrets_path
    try:
        keyring.create(path)
    except FileExistsError:
        raise RuntimeError(f"密钥文件 {path} 已经存在,没有改动") from None
    return path


def rotate(purpose: str) -> str:
    """Put a new key of `purpose` before the others, for the running services too; return its id."""
    known = settings.load()
    keyring.load(known.secrets_path)  # says what to do where there is none
    kid = keyring.rotate(known.secrets_path, purpose)
    folder = known.data_dir / SERVICES_FOLDER
    if folder.is_dir():
        hand_out(known.secrets_path, folder)
    return kid


def hand_out(path: Path, folder: Path) -> Path:
    """Write the services' copy of the secrets into `folder` (all or nothing, 0600); return where."""
    content = orjson.loads(path.read_bytes())
    content["database"] = ""
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / "secrets.json"
    fresh = copy.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(orjson.dumps(content))
    fresh.replace(copy)
    return copy
