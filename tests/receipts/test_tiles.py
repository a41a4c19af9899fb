"""Names and bytes of tiles are those of C2SP tlog-tiles, and everything else is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError, IntegrityError
from endcredits.receipts.merkle import leaf_hash, root
from endcredits.receipts.tiles import (
    decode_bundle,
    decode_tile,
    encode_bundle,
    levels_of,
    number_path,
    parse_name,
    tile_name,
    tile_root,
    width_of,
)

HASHES = [leaf_hash(str(number).encode()) for number in range(256)]


@pytest.mark.parametrize(
    ("number", "path"),
    [(0, "000"), (5, "005"), (999, "999"), (1000, "x001/000"), (1234067, "x001/x234/067"), (10**9, "x001/x000/x000/000")],
)
def test_numbers_are_written_as_the_standard_writes_them(number: int, path: str) -> None:
    """Groups of three digits, all but the last marked."""
    assert number_path(number) == path


@given(st.integers(0, 10**17), st.sampled_from([0, 1, 2, 63, "entries"]), st.integers(1, 256))
def test_names_lead_back(number: int, level: int | str, width: int) -> None:
    """Every name is read as what it was made from."""
    assert parse_name(tile_name(level, number, width)) == (level, number, width)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "tile/0/1",
        "tile/00/001",
        "tile/64/001",
        "tile/0/x000/001",
        "tile/0/001.p/0",
        "tile/0/001.p/256",
        "tile/0/001.p/01",
        "tile/0/../001",
        "tile/0/001/",
        "tile/entries/001.p/7.12345678.partial",
        "tile/0/\u0660\u0660\u0661",
    ],
)
def test_other_names_are_no_tiles(name: str) -> None:
    """One tile has one name."""
    assert parse_name(name) is None


@pytest.mark.parametrize(
    ("size", "widths"),
    [
        (0, []),
        (1, [[1]]),
        (255, [[255]]),
        (256, [[256, 0], [1]]),
        (70_000, [[*[256] * 273, 112, 0], [256, 17], [1]]),
    ],
)
def test_the_tiles_of_a_size_are_those_of_the_standard(size: int, widths: list[list[int]]) -> None:
    """The standard's own example of 70,000 entries, and the borders."""
    assert levels_of(size) == len(widths)
    for level, row in enumerate(widths):
        assert [width_of(level, number, size) for number in range(len(row))] == row


def test_a_bundle_has_length_and_bytes() -> None:
    """uint16 in big-endian order, then the entry."""
    assert encode_bundle([b"abc", b"", b"x" * 300])[:9] == b"\x00\x03abc\x00\x00\x01\x2c"
    assert decode_bundle(encode_bundle([b"abc", b"", b"x" * 300]), 3) == [b"abc", b"", b"x" * 300]
    assert decode_bundle(b"", 0) == []


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=20), st.data())
def test_a_bundle_of_another_width_or_cut_short_is_refused(entries: list[bytes], data: st.DataObject) -> None:
    """Nothing is added to or left out of a bundle."""
    encoded = encode_bundle(entries)
    assert decode_bundle(encoded, len(entries)) == entries
    with pytest.raises(IntegrityError):
        decode_bundle(encoded, len(entries) - 1)
    with pytest.raises(IntegrityError):
        decode_bundle(encoded, len(entries) + 1)
    with pytest.raises(IntegrityError):
        decode_bundle(encoded[: data.draw(st.integers(0, len(encoded) - 1))], len(entries))


def test_what_is_longer_than_a_leaf_is_refused() -> None:
    """4,096 bytes are the most, whatever a length field says."""
    with pytest.raises(InputError, match="4097 bytes"):
        encode_bundle([b"x" * 4097])
    with pytest.raises(IntegrityError, match="65535 bytes"):
        decode_bundle(b"\xff\xff" + bytes(65535), 1)


def test_a_tile_of_another_length_is_refused() -> None:
    """32 bytes a hash, no more and no less."""
    data = b"".join(HASHES[:3])
    assert decode_tile(data, 3) == HASHES[:3]
    for wrong in (data[:-1], data + b"x", b"", data * 2):
        with pytest.raises(IntegrityError, match="3 hashes"):
            decode_tile(wrong, 3)


@pytest.mark.parametrize("width", [1, 2, 4, 64, 256])
def test_a_tile_sums_up_to_the_root_of_its_hashes(width: int) -> None:
    """The eight levels inside a tile are those of the tree."""
    assert tile_root(HASHES[:width]) == root(HASHES[:width])
