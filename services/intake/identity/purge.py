"""What is over is thrown away: sign-ins that ended long ago, sign-outs whose tokens have all run out."""

from datetime import timedelta

from shared import clock
from shared.process import Process

KEPT = timedelta(days=180)
_SESSIONS = "DELETE FROM resident_sessions WHERE street_id = $1 AND expires_at < $2"
_SIGN_OUTS = "DELETE FROM sign_outs WHERE street_id = $1 AND signed_out_at < $2"


async def purge_sessions(process: Process) -> None:
    """Delete sign-ins half a year after they ended (as logs are kept), and sign-outs a day after they matter."""
    now = clock.now()
    over = now - timedelta(seconds=process.settings.token_ttl) - timedelta(days=1)
    for street in await process.streets.all():
        async with process.database.transaction([street.id]) as tx:
            await tx.raw.execute(_SESSIONS, street.id, now - KEPT)
            await tx.raw.execute(_SIGN_OUTS, street.id, over)
