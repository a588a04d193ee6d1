"""The process that decodes photos: one line of JSON in, one out, until its parent is gone.

A process and not a thread: a decoder that crashes, hangs or swells takes nothing with it, and taking requests in goes
first. Imports nothing but the rules and the decoder, so that it is small.
"""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from services.intake.attachments.findings import Refused
from services.intake.attachments.photo import develop

NICENESS = 19
MOST_MEMORY = 1_536 * 1024 * 1024


def main() -> None:
    """Develop what is asked for on standard input."""
    os.nice(NICENESS)
    _bound_memory()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()


def answer(asked: dict[str, str]) -> dict[str, Any]:
    """Return what became of one photo: what is known of it, the `fault` for which it is refused, or that the disk is `full`."""
    try:
        return asdict(develop(Path(asked["source"]), Path(asked["picture"]), Path(asked["thumbnail"])))
    except Refused as refused:
        return {"fault": refused.fault.value}
    except OSError:
        return {"full": True}


def _bound_memory() -> None:
    try:
        import resource  # noqa: PLC0415 - not on every platform
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))


if __name__ == "__main__":
    main()
