"""Digested bytes of columns are those of the rule, also of slices and of texts by number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.royalties.columns.lines import Texted, Texts, digest_of
from endcredits.royalties.frozen import SCHEMAS, digested, table_schema, writer_options

TEXTS = st.lists(st.text(max_size=6))


def obvious(texts: list[str]) -> bytes:
    return b"".join(len(text.encode()).to_bytes(8, "little") + text.encode() for text in texts)


@given(TEXTS, st.integers(0, 5), st.integers(0, 5))
def test_texts_and_slices(texts: list[str], begin: int, length: int) -> None:
    assert bytes(digested(pa.array(texts, pa.string()).slice(begin, length))) == obvious(texts[begin : begin + length])


@given(st.lists(st.text("abé", min_size=2, max_size=2)), st.integers(0, 5))
def test_texts_of_one_length(texts: list[str], begin: int) -> None:
    """Ids are; they are made bytes in one go, which must not show."""
    assert bytes(digested(pa.array(texts, pa.string()).slice(begin))) == obvious(texts[begin:])


@given(st.lists(st.integers(-(2**31), 2**31 - 1)))
def test_numbers_are_eight_bytes(numbers: list[int]) -> None:
    wanted = b"".join(number.to_bytes(8, "little", signed=True) for number in numbers)
    assert bytes(digested(pa.array(numbers, pa.int32()))) == bytes(digested(pa.array(numbers, pa.int64()))) == wanted


@given(st.lists(st.text(max_size=4), min_size=1, max_size=4), st.data())
def test_texts_by_number_are_those_texts(texts: list[str], data: st.DataObject) -> None:
    numbers = data.draw(st.lists(st.integers(0, len(texts) - 1)))
    by_number = digest_of("t", {"c": [Texted(np.array(numbers, np.int64), Texts(pa.array(texts)))]})
    assert by_number == digest_of("t", {"c": [pa.array([texts[number] for number in numbers], pa.string())]})


@pytest.mark.parametrize("name", SCHEMAS)
def test_tables_packed_by_our_options_read_back_alike(name: str, tmp_path: Path) -> None:
    schema = table_schema(name)
    table = pa.table(
        {field.name: pa.array(["a"] if field.type == pa.string() else [7], field.type) for field in schema}, schema
    )
    with pq.ParquetWriter(tmp_path / "t.parquet", schema, **writer_options(name)) as writer:
        writer.write_table(table)
    assert pq.read_table(tmp_path / "t.parquet").equals(table)
