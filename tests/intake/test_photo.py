"""What a photo must be, and what is kept of it: the rules alone, without a house around them."""

import io
import random
import zipfile

import pytest
from PIL import Image, ImageCms

from services.intake.attachments import photo as rules
from services.intake.attachments.develop import answer
from services.intake.attachments.findings import Fault, Refused
from services.intake.attachments.photo import develop, place_of
from tests.intake.photos import GPS, MARK, PLACE, animated, bomb, opened, photo


@pytest.fixture
def make(tmp_path):
    """`make(content)` develops it → (what is known, the picture, the thumbnail)."""

    def run(content):
        source, picture, thumbnail = (tmp_path / name for name in ("source", "picture", "thumbnail"))
        source.write_bytes(content)
        known = develop(source, picture, thumbnail)
        return known, picture.read_bytes(), thumbnail.read_bytes()

    return run


def zipped():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "a")
    return buffer.getvalue()


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64)
REFUSED = {
    "nothing": (b"", Fault.EMPTY),
    "text": ("诉求照片".encode(), Fault.NOT_A_PHOTO),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>', Fault.NOT_A_PHOTO),
    "html": (b"<!DOCTYPE html><html><body>", Fault.NOT_A_PHOTO),
    "pdf": (b"%PDF-1.7\n", Fault.NOT_A_PHOTO),
    "zip": (zipped(), Fault.NOT_A_PHOTO),
    "gif": (animated("GIF"), Fault.NOT_A_PHOTO),
    "bmp": (photo(kind="BMP"), Fault.NOT_A_PHOTO),
    "heic": (HEIC, Fault.HEIC),
    "moving webp": (animated("WEBP"), Fault.ANIMATED),
    "moving png": (animated("PNG"), Fault.ANIMATED),
    "bomb": (bomb(), Fault.TOO_MANY_PIXELS),
    "smaller bomb": (bomb(10_000, 5_001), Fault.TOO_MANY_PIXELS),
    "half": (photo(640, 480)[:900], Fault.DAMAGED),
    "half png": (photo(640, 480, kind="PNG")[:200], Fault.DAMAGED),
    "only a beginning": (b"\xff\xd8\xff\xe0" + bytes(40), Fault.DAMAGED),
    "with an archive": (photo() + zipped(), Fault.FOREIGN),
    "with a page": (photo() + b"<HTML ><body>", Fault.FOREIGN),
    "with a script inside": (photo(comment=b"<ScRiPt>alert(1)</script>"), Fault.FOREIGN),
    "with php": (photo(kind="PNG") + b"<?php system($_GET[0]);", Fault.FOREIGN),
    "as a pdf": (photo(comment=b"\n%PDF-1.7\n"), Fault.FOREIGN),
}


@pytest.mark.parametrize(("content", "fault"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_photo_is_refused_by_name(make, content, fault):
    with pytest.raises(Refused) as refused:
        make(content)
    assert refused.value.fault is fault


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_what_is_one_becomes_a_jpeg_and_a_small_one(make, kind):
    known, picture, thumbnail = make(photo(800, 600, kind=kind))
    assert (known.width, known.height, known.size) == (800, 600, len(picture))
    assert (opened(picture).format, opened(picture).size) == ("JPEG", (800, 600))
    assert (opened(thumbnail).format, opened(thumbnail).size) == ("JPEG", (320, 240))


def test_the_longest_side_is_bounded_and_a_small_photo_is_not_blown_up(make):
    assert (make(photo(5120, 1280))[0].width, make(photo(5120, 1280))[0].height) == (1920, 480)
    assert opened(make(photo(1, 3000))[1]).size == (1, 1920)
    assert opened(make(photo(10, 7))[2]).size == (10, 7)


@pytest.mark.parametrize("size", [(4000, 3000), (3000, 4000), (8000, 6000), (1921, 1000), (3840, 2160)])
def test_a_large_photo_is_decoded_small_and_comes_out_whole(make, size):
    known, picture, _ = make(photo(*size, colour=(10, 200, 30)))
    assert max(known.width, known.height) == 1920
    assert known.width / known.height == pytest.approx(size[0] / size[1], rel=0.002)
    assert opened(picture).getpixel((known.width - 1, known.height - 1))[1] > 180


def test_nothing_is_left_of_what_the_camera_wrote(make):
    content = photo(
        exif={0x010F: MARK.decode(), 0x013B: MARK.decode(), "gps": GPS}, comment=MARK, xmp=b"<x>" + MARK + b"</x>",
        icc_profile=b"sRGB" + MARK,
    )  # fmt: skip
    assert content.count(MARK) >= 4
    for made in make(content + MARK)[1:]:
        assert MARK not in made
        assert set(opened(made).info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_the_place_is_read_before_it_is_thrown_away(make):
    assert make(photo(exif={"gps": GPS}))[0].place == (PLACE["longitude"], PLACE["latitude"])
    assert make(photo())[0].place is None


@pytest.mark.parametrize(
    ("gps", "place"),
    [
        (GPS | {1: "S", 3: "W"}, (-117.667, -39.034333)),
        (GPS | {2: (0, 0, 0), 4: (0, 0, 0)}, None),
        (GPS | {2: (99, 0, 0)}, None),
        (GPS | {2: (float("nan"), 0, 0)}, None),
        ({k: v for k, v in GPS.items() if k != 4}, None),
        ({}, None),
    ],
)
def test_places_that_are_none(gps, place):
    assert place_of(gps) == place


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_stands_upright(make, orientation):
    """The red corner is where a viewer that minds the orientation shows it."""
    image = Image.new("RGB", (60, 40), (255, 255, 255))
    image.paste((255, 0, 0), (0, 0, 30, 20))
    block = Image.Exif()
    block[0x0112] = orientation
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", exif=block)
    known, picture, _ = make(buffer.getvalue())
    turned = opened(picture)
    assert (known.width, known.height) == turned.size == ((60, 40) if orientation < 5 else (40, 60))
    corner = {1: (0, 0), 2: (1, 0), 3: (1, 1), 4: (0, 1), 5: (0, 0), 6: (1, 0), 7: (1, 1), 8: (0, 1)}
    right, low = corner[orientation]
    at = (turned.width * (1 + 2 * right) // 4, turned.height * (1 + 2 * low) // 4)
    assert turned.getpixel(at)[1] < 60


@pytest.mark.parametrize("mode", ["L", "P", "LA", "RGBA", "CMYK", "I;16", "1"])
def test_every_kind_of_pixels(make, mode):
    kind = "JPEG" if mode == "CMYK" else "PNG"
    colour = {"LA": (9, 9), "RGBA": (9, 9, 9, 0), "CMYK": (9, 9, 9, 9)}.get(mode, 1)
    assert opened(make(photo(mode=mode, kind=kind, colour=colour))[1]).mode == "RGB"


def test_what_shows_through_is_white(make):
    picture = opened(make(photo(mode="RGBA", kind="PNG", colour=(0, 0, 0, 0)))[1])
    assert picture.getpixel((5, 5)) == (255, 255, 255)


def test_colours_of_another_profile_are_turned_and_a_broken_one_is_ignored(make):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for some in (profile, b"nonsense"):
        assert opened(make(photo(icc_profile=some))[1]).size == (64, 48)


def test_a_second_picture_behind_a_jpeg_is_how_phones_are(make):
    first, second = Image.new("RGB", (64, 48)), Image.new("RGB", (32, 24))
    buffer = io.BytesIO()
    first.save(buffer, "MPO", save_all=True, append_images=[second])
    assert make(buffer.getvalue())[0].width == 64
    assert make(photo() + b"\0\0\0\x18ftypmp42" + bytes(400))[0].width == 64  # a moving photo's film


def test_memory_that_does_not_suffice_is_too_many_pixels(make, monkeypatch):
    def swell(_):
        raise MemoryError

    monkeypatch.setattr(rules, "_flat", swell)
    with pytest.raises(Refused) as refused:
        make(photo())
    assert refused.value.fault is Fault.TOO_MANY_PIXELS


def test_thousands_of_spoilt_files_end_in_a_picture_or_a_refusal(tmp_path):
    """Bytes of real photos changed, cut and doubled: the process that develops them always answers."""
    chance = random.Random(20261121)
    whole = [
        photo(40, 30, kind=kind, exif={"gps": GPS, 0x0112: 6}, quality=30) for kind in ("JPEG", "PNG", "WEBP")
    ]
    asked = {name: str(tmp_path / name) for name in ("source", "picture", "thumbnail")}
    faults = set()
    for n in range(2_000):
        content = bytearray(whole[n % 3])
        for _ in range(chance.randrange(1, 12)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        cut = chance.randrange(len(content)) if chance.random() < 0.3 else len(content)
        (tmp_path / "source").write_bytes(content[:cut])
        told = answer(asked)
        faults.add(told.get("fault"))
        assert "fault" in told or told["width"] > 0
    assert faults >= {None, "photo_damaged", "not_a_photo"}
