"""`make bench-photos`: a phone's photo of twelve million pixels, and what others feel of it meanwhile.

Promised: answered within 400 ms, 200 MB for the process that decodes, and the 99th percentile of handing requests in
rises by a quarter at most while photos come in without a pause, one developed at a time.
"""

import asyncio
import io
import json
import uuid
from pathlib import Path

import numpy as np
from PIL import Image

from tests.bench.__main__ import requests_of
from tests.bench.client import Measured, closed_loop, connect, open_loop
from tests.flow.instance import Instance

# Short slices in turn, so that what else the machine does meets both.
RATE, SECONDS, SLICES = 100, 2, 10
ALONE = 12


def twelve_megapixels():
    """Return a JPEG of 4,000 × 3,000 with as much detail as a phone's."""
    chance = np.random.default_rng(1)
    coarse = Image.fromarray(chance.integers(0, 255, (300, 400, 3), dtype=np.uint8))
    fine = np.asarray(coarse.resize((4000, 3000), Image.Resampling.BICUBIC)).astype(np.int16)
    fine += chance.integers(-9, 9, fine.shape, dtype=np.int16)
    buffer = io.BytesIO()
    Image.fromarray(fine.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def uploads(content, token):
    """Yield uploads without end; each is another file by what follows the picture."""
    while True:
        body = (
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
            + content + uuid.uuid4().bytes + b"\r\n--b--\r\n"
        )  # fmt: skip
        head = (
            "POST /v1/attachments HTTP/1.1\r\nHost: bench\r\nContent-Type: multipart/form-data; boundary=b\r\n"
            f"Content-Length: {len(body)}\r\nAuthorization: Bearer {token}\r\n\r\n"
        )
        yield head.encode() + body


async def tickets_meanwhile(port, token, photos):
    """Hand requests in at a fixed rate; `photos` come one after the other all the while. Return both measured."""
    done, taken = asyncio.Event(), Measured()

    async def upload():
        connection = await connect(port)
        while not done.is_set():
            status, _ = await connection.ask(next(photos))
            taken.statuses[status] = taken.statuses.get(status, 0) + 1
        connection.transport.close()

    uploading = asyncio.create_task(upload()) if photos is not None else None
    measured = await open_loop(port, requests_of(RATE * SECONDS, token), RATE, 16, lambda *_: None)
    done.set()
    if uploading is not None:
        await uploading
    return measured, taken


def peak(root, module):
    """Return the most memory (MB) that a process of this module below `root` ever held."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if module in (folder / "cmdline").read_bytes() and str(root) in (
                (folder / "environ").read_bytes().decode(errors="replace")
            ):
                lines = (folder / "status").read_text().splitlines()
                found += [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")]
        except OSError:
            continue
    return max(found)


async def main():
    content = twelve_megapixels()
    with Instance(BANJIE_RATE_LIMITS="off") as house:
        token = house.token("resident", "--openid", "bench")
        port = int(house.url["intake"].rsplit(":", 1)[1])
        photos = uploads(content, token)
        await closed_loop(port, [next(photos)], 1)  # starts the process
        alone = await closed_loop(port, [next(photos) for _ in range(ALONE)], 1, keep=True)
        assert set(alone.statuses) == {201}, alone.bodies[:1]
        kept = json.loads(alone.bodies[0])
        print(
            f"12 MP JPEG of {len(content) / 1e6:.1f} MB          p50 {alone.percentile(0.5):.0f} ms, "
            f"slowest {alone.percentile(1):.0f} ms   (≤ 400); kept: {kept['width']} × {kept['height']}, "
            f"{kept['size'] / 1e6:.1f} MB"
        )
        quiet, busy = Measured(), Measured()
        developed = 0
        for _ in range(SLICES):
            for source, figures in ((None, quiet), (photos, busy)):
                measured, taken = await tickets_meanwhile(port, token, source)
                assert set(measured.statuses) == {201}, measured.statuses
                figures.latencies += measured.latencies
                developed += taken.statuses.get(201, 0)
        for name, figures in (("without photos", quiet), ("with photos   ", busy)):
            print(
                f"requests at {RATE}/s, {name}  p50 {figures.percentile(0.5):.1f} ms, p99 {figures.percentile(0.99):.1f} ms"
            )
        rise = busy.percentile(0.99) / quiet.percentile(0.99)
        print(
            f"p99 with / without             {rise:.2f}   (≤ 1.25), at {developed / SECONDS / SLICES:.1f} photos/s"
        )
        decoding, intake = peak(house.data, b"attachments.develop"), peak(house.data, b"services.intake.app")
        print(
            f"memory at its most             {decoding:.0f} MB decoding (≤ 200), {intake:.0f} MB the service itself"
        )


if __name__ == "__main__":
    asyncio.run(main())
