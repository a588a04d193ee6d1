"""Personal data: sealed to its ticket, found without being opened, masked wherever it is shown."""

import json
import stat

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given, strategies as st

from shared import keyring
from shared.keyring import mask_name, mask_phone

PRIVATE = {"name": "王小明", "phone": "13812345678", "address": "3号楼2单元501"}


@pytest.fixture
def path(tmp_path):
    keyring.create(tmp_path / "deep" / "secrets.json")
    return tmp_path / "deep" / "secrets.json"


@pytest.fixture
def keys(path):
    return keyring.load(path)


def test_what_is_sealed_opens_in_its_own_context_only(keys):
    sealed = keys.seal(PRIVATE, b"ticket-1")
    assert keys.open(sealed, b"ticket-1") == PRIVATE
    for part in PRIVATE.values():
        assert part.encode() not in sealed
    for context in (b"ticket-2", b""):
        with pytest.raises(InvalidTag):
            keys.open(sealed, context)


def test_the_same_is_never_sealed_the_same(keys):
    assert keys.seal(PRIVATE, b"x") != keys.seal(PRIVATE, b"x")


@pytest.mark.parametrize("at", [-1, 8, 20, 25])
def test_a_single_changed_bit_is_noticed(keys, at):
    sealed = bytearray(keys.seal(PRIVATE, b"x"))
    sealed[at] ^= 1
    with pytest.raises(InvalidTag):
        keys.open(bytes(sealed), b"x")


def test_old_data_opens_after_any_number_of_rotations(path, keys):
    sealed = keys.seal(PRIVATE, b"x")
    for _ in range(6):
        kid = keyring.rotate(path, "data")
    now = keyring.load(path)
    assert len(now.data) == 7
    assert now.seal(PRIVATE, b"x")[:8].decode() == kid
    assert now.open(sealed, b"x") == PRIVATE
    # what stays the same when data keys rotate
    assert now.blind_index("phone", "138") == keys.blind_index("phone", "138")
    assert now.database_password("banjie_intake") == keys.database_password("banjie_intake")
    assert now.token == keys.token
    with pytest.raises(ValueError, match="unknown data key"):
        keys.open(now.seal(PRIVATE, b"x"), b"x")


def test_token_keys_are_dropped_beyond_what_is_kept(path):
    kids = [keyring.rotate(path, "token", keep=3) for _ in range(5)]
    assert [kid for kid, _ in keyring.load(path).token] == kids[:1:-1]


def test_the_file_is_for_its_owner_alone_and_is_never_overwritten(path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        keyring.create(path)
    assert path.read_bytes() == before
    keyring.rotate(path, "data")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["secrets.json"]
    assert json.loads(path.read_bytes()).keys() == {"token", "data", "index", "database"}


def test_without_a_file_the_way_out_is_named(tmp_path):
    with pytest.raises(RuntimeError, match="banjie secrets init"):
        keyring.load(tmp_path / "none.json")


def test_keys_for_different_purposes_have_nothing_in_common(keys):
    assert keys.blind_index("phone", "1") != keys.blind_index("name", "1")
    assert keys.database_password("banjie_intake") != keys.database_password("banjie_routing")
    one = keys.resident_id("o-one")
    assert one == keys.resident_id("o-one")
    assert one != keys.resident_id("o-two")
    assert one.version == 8
    assert one.variant == "specified in RFC 4122"


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("13812345678", "138****5678"), ("+8613812345678", "+86****5678"), ("022-12345678", "022****5678"),
        ("12345", "****45"), ("1", "****1"), ("", None), (None, None),
    ],
)  # fmt: skip
def test_a_phone_shows_seven_digits_at_most(phone, shown):
    assert mask_phone(phone) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [("王小明", "王**"), ("王明", "王*"), ("欧阳修远之", "欧**"), ("王", "王"), ("", None), (None, None)],
)
def test_a_name_shows_its_first_character(name, shown):
    assert mask_name(name) == shown


@given(st.text(st.characters(categories=["Nd"]), min_size=5, max_size=20))
def test_a_mask_never_shows_more_than_it_hides_of_a_mobile_number(phone):
    shown = mask_phone(phone)
    assert "****" in shown
    assert len(shown.replace("****", "")) <= min(7, len(phone) - 3)
