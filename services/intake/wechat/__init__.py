"""The only place that talks to WeChat, and that WeChat talks to.

`client.py` is what the rest of intake calls; below it stand the wire (`wire.py`: calls, repetitions, circuit),
the shared access token (`token.py`) and WeChat's refusals by errcode (`errors.py`). `message.py` reads what WeChat
sends to us. Codes, openids, telephone numbers, session keys and secrets are never logged and stand in no error.
"""

from services.intake.wechat.client import Identity, Verdict, WeChat

__all__ = ["Identity", "Verdict", "WeChat"]
