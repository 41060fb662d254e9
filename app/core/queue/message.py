"""How tasks and results are written down: versioned MessagePack, never pickle.

Whoever may write to Valkey may not thereby run code in a worker. What MessagePack cannot hold is refused where it is
produced, with the place named, and never changed silently into something else (msgspec alone would turn a UUID or a
naive datetime into a string).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from huey.exceptions import TaskException
from huey.registry import Message
from huey.serializer import Serializer
from huey.utils import SKIPPED, Error

if TYPE_CHECKING:
    from collections.abc import Iterable

VERSION = 1
_HEADER = bytes([VERSION])

_TUPLE, _DATETIME, _MESSAGE, _ERROR, _SKIPPED, _EXCEPTION, _SET = range(1, 8)
_PLAIN = (str, int, float, bytes)
_INTEGERS = range(-(2**63), 2**64)


class MessageError(ValueError):
    """A value cannot be written, or bytes cannot be read."""


class UnknownVersionError(MessageError):
    """Written by a release with another format: a newer worker may understand it."""


class RemoteError(TaskException):
    """An exception that was raised in another process: its class's name, its text and its representation are the same."""

    def __init__(self, text: str, representation: str) -> None:
        super().__init__({"error": representation})
        self._text = text
        self._representation = representation

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return self._representation


class MessageSerializer(Serializer):
    """Huey's serializer over MessagePack.

    Holds None, bool, int (64 bits), float, str, bytes, list, tuple, set, dict and datetime, in any nesting. An exception that
    Huey hands to an error handler arrives there as a `RemoteError`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(ext_hook=self._revive)

    def serialize(self, data: Any) -> bytes:
        """Return *data* as bytes; raises `MessageError`."""
        return _HEADER + self._encoder.encode(self._plain(data, "value"))

    def deserialize(self, data: bytes) -> Any:
        """Return what `serialize` was given; raises `MessageError`."""
        if data[:1] != _HEADER:
            raise UnknownVersionError(f"format {data[:1].hex() or 'missing'} is unknown, this release reads {VERSION}")
        try:
            return self._decoder.decode(memoryview(data)[1:])
        except (msgspec.DecodeError, ValueError, TypeError) as error:
            raise MessageError(f"cannot be read: {error}") from error

    def _plain(self, value: Any, place: str) -> Any:
        """Return *value* with everything that MessagePack does not know put into extensions."""
        match value:
            case None | bool() | float() | str() | bytes():
                return value
            case int() if value in _INTEGERS:
                return value
            case list():
                return self._items(value, place)
            case dict():
                return {self._key(key, place): self._plain(item, f"{place}[{key!r}]") for key, item in value.items()}
            case _:
                return self._extended(value, place)

    def _extended(self, value: Any, place: str) -> msgspec.msgpack.Ext:
        match value:
            case datetime():
                return msgspec.msgpack.Ext(_DATETIME, value.isoformat().encode())
            case Message():
                fields = {k: self._plain(v, k) for k, v in value._asdict().items() if v is not None}
                return self._extension(_MESSAGE, fields)
            case Error():
                return self._extension(_ERROR, self._plain(value.metadata, place))
            case BaseException():
                return self._extension(_EXCEPTION, [type(value).__name__, str(value), repr(value)])
            case set():
                return self._extension(_SET, self._items(value, place))
            case _ if value is SKIPPED:
                return msgspec.msgpack.Ext(_SKIPPED, b"")
            case _ if type(value) is tuple:
                return self._extension(_TUPLE, self._items(value, place))
        raise MessageError(f"{place} is a {type(value).__name__}, which a message cannot hold: pass plain values")

    def _items(self, values: Iterable[Any], place: str) -> list[Any]:
        return [self._plain(item, f"{place}[{i}]") for i, item in enumerate(values)]

    @staticmethod
    def _key(key: object, place: str) -> object:
        if not isinstance(key, _PLAIN):
            raise MessageError(f"{place} has a key of type {type(key).__name__}, which a message cannot hold")
        return key

    def _extension(self, code: int, content: Any) -> msgspec.msgpack.Ext:
        return msgspec.msgpack.Ext(code, self._encoder.encode(content))

    def _revive(self, code: int, content: memoryview) -> Any:
        match code:
            case _ if code == _DATETIME:
                return datetime.fromisoformat(bytes(content).decode())
            case _ if code == _SKIPPED:
                return SKIPPED
        inner = self._decoder.decode(content)
        match code:
            case _ if code == _TUPLE:
                return tuple(inner)
            case _ if code == _SET:
                return set(inner)
            case _ if code == _MESSAGE:
                # A field that a newer Huey added means nothing to this one.
                return Message(**{name: value for name, value in inner.items() if name in Message._fields})
            case _ if code == _ERROR:
                return Error(inner)
            case _ if code == _EXCEPTION:
                kind, text, representation = inner
                return type(kind, (RemoteError,), {})(text, representation)
        raise MessageError(f"extension {code} is unknown")
