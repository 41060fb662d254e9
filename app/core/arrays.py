"""Columns of values as PostgreSQL arrays in binary form, built in one pass.

psycopg's own dumper for lists asks every element for its type. For a column of a bundle that is most of the work:
5.5 µs a row of six columns, against 1.7 µs this way, measured beside 12 µs that PostgreSQL takes to store the row.
"""

from __future__ import annotations

from struct import Struct, pack
from typing import TYPE_CHECKING, ClassVar

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from sqlalchemy import Connection

_HEADER = Struct("!iiIii")
"""Dimensions, whether there are nulls, type of the elements, number of elements, lower bound."""
_LENGTH = Struct("!i").pack
_NULL = _LENGTH(-1)
_SECONDS_TO_2000 = 946_684_800
"""PostgreSQL counts its timestamps from 2000-01-01, Unix from 1970-01-01."""
_MICROSECONDS_TO_2000 = _SECONDS_TO_2000 * 1_000_000


class _Array:
    """One parameter of type `element[]`."""

    __slots__ = ("data",)
    element: ClassVar[int]

    def __init__(self, count: int, body: bytes) -> None:
        self.data = _HEADER.pack(1, 1, self.element, count, 1) + body


class _Sized(_Array):
    """Elements of any length, each as its bytes; None is null."""

    __slots__ = ()

    def __init__(self, values: Sequence[bytes | None]) -> None:
        parts: list[bytes] = []
        for value in values:
            if value is None:
                parts.append(_NULL)
            else:
                parts += (_LENGTH(len(value)), value)
        super().__init__(len(values), b"".join(parts))


class _Integers(_Array):
    """Elements of eight bytes."""

    __slots__ = ()

    def __init__(self, values: Sequence[int]) -> None:
        interleaved = [8] * (2 * len(values))
        interleaved[1::2] = values
        super().__init__(len(values), pack("!" + "iq" * len(values), *interleaved))


class TextArray(_Sized):
    """`text[]` of UTF-8."""

    __slots__ = ()
    element = 25


class ByteaArray(_Sized):
    """`bytea[]`."""

    __slots__ = ()
    element = 17


class BigintArray(_Integers):
    """`bigint[]`; PostgreSQL casts to the narrower type of a column."""

    __slots__ = ()
    element = 20


class TimestampArray(_Integers):
    """`timestamptz[]` of microseconds since 1970-01-01 UTC."""

    __slots__ = ()
    element = 1184

    def __init__(self, values: Iterable[int]) -> None:
        super().__init__([value - _MICROSECONDS_TO_2000 for value in values])


def texts(values: Iterable[str]) -> TextArray:
    """Encode strings; raises `UnicodeEncodeError` for a lone surrogate."""
    return TextArray([value.encode() for value in values])


class _ArrayDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: _Array) -> bytes:
        return obj.data


class _TextArrayDumper(_ArrayDumper):
    oid = 1009


class _ByteaArrayDumper(_ArrayDumper):
    oid = 1001


class _BigintArrayDumper(_ArrayDumper):
    oid = 1016


class _TimestampArrayDumper(_ArrayDumper):
    oid = 1185


def binary_cursor(connection: Connection) -> psycopg.Cursor[Any]:
    """Give a cursor on the driver's connection, inside the same transaction, that takes these arrays and answers in binary."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError("the event store needs the driver psycopg")
    cursor = driver.cursor(binary=True)
    cursor.adapters.register_dumper(TextArray, _TextArrayDumper)
    cursor.adapters.register_dumper(ByteaArray, _ByteaArrayDumper)
    cursor.adapters.register_dumper(BigintArray, _BigintArrayDumper)
    cursor.adapters.register_dumper(TimestampArray, _TimestampArrayDumper)
    return cursor
