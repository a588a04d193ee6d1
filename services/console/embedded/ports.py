"""TCP ports on the loopback interface."""

import random
import socket
import time

from services.console.embedded.errors import EmbeddedError

LOOPBACK = "127.0.0.1"
# Below the range from which the kernel takes the ports of outgoing connections. Inside that range a
# client that reconnects to a server which is just restarting can be given the very port it calls, is
# then connected to itself, and the server cannot get its port back.
LOWEST, HIGHEST = 15000, 32000
TRIES = 200


def is_free(port: int) -> bool:
    """Return whether a server could listen on `port` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: connections of a predecessor that are still closing down are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except (OSError, OverflowError):
            return False
    return True


def is_free_within(port: int, seconds: float) -> bool:
    """Return whether `port` becomes free within `seconds` (a server just killed needs a moment)."""
    deadline = time.monotonic() + seconds
    while not is_free(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def choose() -> int:
    """Return a port nobody listens on; EmbeddedError if none was found."""
    for _ in range(TRIES):
        port = random.randint(LOWEST, HIGHEST)
        if is_free(port):
            return port
    raise EmbeddedError(f"在 {LOWEST}–{HIGHEST} 之间没有找到空闲端口")


def ask(port: int, question: bytes, size: int, timeout: float = 1.0) -> bytes:
    """Send `question` to `port` and return up to `size` bytes of the answer; b"" if there is none."""
    answer = b""
    try:
        with socket.create_connection((LOOPBACK, port), timeout) as connection:
            connection.sendall(question)
            while len(answer) < size and (more := connection.recv(size - len(answer))):
                answer += more
    except OSError:
        pass
    return answer
