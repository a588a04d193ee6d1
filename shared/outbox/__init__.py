"""The event path: `record` in the producer's transaction, `courier` to Redis, `receive` in the consumer's."""

from shared.outbox.courier import Courier, Ref
from shared.outbox.receive import Patience, Receiver
from shared.outbox.record import Outbox

__all__ = ["Courier", "Outbox", "Patience", "Receiver", "Ref"]
