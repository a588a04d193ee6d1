"""Photos as tests hand them in, and files that only look like some."""

import io
import struct
import zlib

from PIL import Image

MARK = b"PLANTED-MARK"
# Somewhere in the street, as a camera writes it: degrees, minutes, seconds.
GPS = {1: "N", 2: (39.0, 2.0, 3.6), 3: "E", 4: (117.0, 40.0, 1.2)}
PLACE = {"longitude": 117.667, "latitude": 39.034333, "crs": "wgs84"}


def photo(width=64, height=48, *, kind="JPEG", mode="RGB", colour=(200, 30, 30), exif=None, **options):
    """Return a photo's bytes; `exif` maps tags to values, tag "gps" to the GPS block."""
    image = Image.new(mode, (width, height), colour)
    if exif is not None:
        block = Image.Exif()
        for tag, value in exif.items():
            if tag == "gps":
                block.get_ifd(0x8825).update(value)
            else:
                block[tag] = value
        options["exif"] = block
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def opened(content):
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def animated(kind):
    """Return a picture that moves."""
    frames = [Image.new("RGB", (8, 8), (shade, 0, 0)) for shade in (0, 120, 240)]
    buffer = io.BytesIO()
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:], duration=100)
    return buffer.getvalue()


def bomb(width=65_500, height=65_500):
    """Return a PNG of a few bytes that says it is four thousand million pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(b"\0" * 4096))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
