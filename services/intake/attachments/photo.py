"""What a photo must be, and what is kept of it: its pixels alone, upright, no larger than a screen needs.

Everything else in the file (EXIF, GPS, comments, colour profiles, whatever hangs behind it) ends here, because the
picture is decoded and encoded anew. Runs in a process of its own (`develop.py`): decoders are what attackers aim at.
"""

import io
import mmap
import warnings
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms, UnidentifiedImageError
from PIL.ExifTags import IFD, Base

from services.intake.attachments.findings import Developed, Fault, Refused

FORMATS = ("JPEG", "PNG", "WEBP")
MOST_PIXELS = 50_000_000
# Half of what a phone's twelve million pixels are long: decoding at half size takes half the time.
LONGEST, THUMBNAIL = 1920, 320
QUALITY, THUMBNAIL_QUALITY = 82, 75
WHITE = (255, 255, 255)

# Told from the header before anything is decoded; a decoder that must not run cannot be the one to say so.
Image.MAX_IMAGE_PIXELS = MOST_PIXELS
warnings.simplefilter("error", Image.DecompressionBombWarning)

_HEIF = (b"ftyphei", b"ftyphev", b"ftypmif1", b"ftypmsf1", b"ftypavif")
# What a browser or an interpreter would look for in a file that is a picture as well. Five letters and more: shorter
# ones turn up in compressed pixels by chance.
_ACTIVE = (b"<script", b"<?php", b"<!doctype html", b"<iframe", b"<html>", b"<html ", b"javascript:")
_PDF_HEAD = 1024  # readers look for the mark of a PDF this far into a file
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SRGB = ImageCms.createProfile("sRGB")


def develop(source: Path, picture: Path, thumbnail: Path) -> Developed:
    """Make the picture that is kept and its thumbnail, both JPEG; raise Refused."""
    likely = _search(source)
    try:
        with Image.open(source, formats=FORMATS) as image:
            place = _place(image)
            whole = _flat(image)
    except Refused:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError, MemoryError):
        raise Refused(Fault.TOO_MANY_PIXELS) from None
    except UnidentifiedImageError:
        raise Refused(Fault.DAMAGED if likely else Fault.NOT_A_PHOTO) from None
    except Exception:  # noqa: BLE001 - whatever a decoder stumbles over, the photo is not to be had
        raise Refused(Fault.DAMAGED) from None
    whole.save(picture, "JPEG", quality=QUALITY)
    width, height = whole.size
    whole.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.BICUBIC)
    whole.save(thumbnail, "JPEG", quality=THUMBNAIL_QUALITY)
    return Developed(width, height, picture.stat().st_size, place)


def _search(source: Path) -> bool:
    """Refuse what tells already by its bytes that it is no photo, or not only one; return whether it begins like one."""
    if source.stat().st_size == 0:
        raise Refused(Fault.EMPTY)
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        head = content[:_PDF_HEAD]
        if head[4:].startswith(_HEIF):
            raise Refused(Fault.HEIC)
        small = content[:].lower()
    likely = _begins_like_a_photo(head)
    if b"%PDF-" in head or any(mark in small for mark in _ACTIVE) or zipfile.is_zipfile(source):
        # Without a picture around it, it is simply something else.
        raise Refused(Fault.FOREIGN if likely else Fault.NOT_A_PHOTO)
    return likely


def _begins_like_a_photo(head: bytes) -> bool:
    return head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or (
        head.startswith(b"RIFF") and head[8:12] == b"WEBP"
    )


def _flat(image: Image.Image) -> Image.Image:
    """Return the first and only picture as upright RGB without anything attached, its longest side bounded."""
    # Phones write a second picture (depth, brightness) behind a JPEG: that is no animation.
    if image.format not in {"JPEG", "MPO"} and getattr(image, "n_frames", 1) > 1:
        raise Refused(Fault.ANIMATED)
    profile, orientation = image.info.get("icc_profile"), _orientation(image)
    if image.mode not in {"RGB", "RGBA", "L", "CMYK"}:
        image.load()
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    # A large JPEG is decoded at a half or a quarter of its size, whichever still suffices.
    image.draft(None, _bounded(image.size))
    image.thumbnail((LONGEST, LONGEST), Image.Resampling.BICUBIC, reducing_gap=None)
    image.load()
    flat = _on_white(image)
    if isinstance(profile, bytes) and image.mode == "RGB" and b"sRGB" not in profile:
        flat = _in_srgb(flat, profile)
    if orientation in _UPRIGHT:
        flat = flat.transpose(_UPRIGHT[orientation])
    flat.info = {}
    return flat


def _bounded(size: tuple[int, int]) -> tuple[int, int]:
    """Return the size at which the longest side is what is kept."""
    longest = max(size)
    return max(size[0] * LONGEST // longest, 1), max(size[1] * LONGEST // longest, 1)


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image.convert("RGB")
    white = Image.new("RGB", image.size, WHITE)
    white.paste(image, mask=image.getchannel("A"))
    return white


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Return the colours as a browser shows them without a profile; as they are where the profile is broken."""
    with suppress(ImageCms.PyCMSError, OSError, TypeError, ValueError):
        told = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        turned = ImageCms.profileToProfile(image, told, ImageCms.ImageCmsProfile(_SRGB), outputMode="RGB")
        if turned is not None:
            return turned
    return image


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(Base.Orientation, 1))
    except Exception:  # noqa: BLE001 - a broken EXIF block is no reason to refuse the picture
        return 1


def _place(image: Image.Image) -> tuple[float, float] | None:
    try:
        return place_of(image.getexif().get_ifd(IFD.GPSInfo))
    except Exception:  # noqa: BLE001 - as above
        return None


def place_of(gps: Mapping[int, Any]) -> tuple[float, float] | None:
    """Return (longitude, latitude) of an EXIF GPS block; None unless it tells a point on the earth.

    EXIF 2.32, 4.6.6: latitude in tags 1 and 2, longitude in 3 and 4, each as degrees, minutes, seconds.
    """
    if not all(tag in gps for tag in (1, 2, 3, 4)):
        return None
    latitude = _degrees(gps[2]) * (-1 if gps[1] == "S" else 1)
    longitude = _degrees(gps[4]) * (-1 if gps[3] == "W" else 1)
    # A camera without reception writes zeros; NaN compares false.
    if (longitude, latitude) == (0, 0) or not (-180 <= longitude <= 180 and -90 <= latitude <= 90):  # noqa: PLR2004
        return None
    return round(longitude, 6), round(latitude, 6)


def _degrees(parts: Any) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    return degrees + minutes / 60 + seconds / 3600
