"""Where the running instance listens, written down for the console's commands; standard library only."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from shared.settings import ENDPOINTS


def write(data_dir: Path, endpoints: Mapping[str, str | int]) -> None:
    """Write `endpoints.json` (0600, all or nothing): it holds the owner's password."""
    path = data_dir / ENDPOINTS
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(dict(endpoints), file, indent=2)
    fresh.replace(path)


def remove(data_dir: Path) -> None:
    """Forget it: nothing listens there any more."""
    (data_dir / ENDPOINTS).unlink(missing_ok=True)
