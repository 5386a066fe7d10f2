"""How much memory a list of texts in an HDF5 file will take, told from the file's bytes before the HDF5 library makes room for it.

Each text of such a list is a reference: a length, and a place elsewhere in the file. Nothing keeps thousands of references from pointing at
one long text, so that a small file grows to any size in memory. The library reads an attribute as a whole or not at all, hence this look at
the references themselves; and a look at the heaps they lead to, in some of which the library would turn in circles for ever. Layout: HDF5
File Format Specification 3.0, IV.A.1 (object headers), IV.A.2.m (attributes), III.E (heaps).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

__all__ = ["REFERENCE", "check_heap", "references"]

REFERENCE = 16
"""Bytes of a reference: a length (4), an address (8), a number (4)."""
ATTRIBUTE, CONTINUATION = 0x0C, 0x10
MAX_MESSAGES = 100_000
HEAP = b"GCOL"

Read = Callable[[int, int], bytes]


def references(read: Read, header: int, key: str, count: int) -> list[tuple[int, int]] | None:
    """The references that an attribute of texts is made of: the length of each text, and the place of the heap that holds it.

    Args:
        read: gives so many bytes from such a place of the file.
        header: the address of the object's header.
        key: the attribute's name.
        count: how many texts it has.

    Returns:
        None if the attribute is not stored in the header, where all lists of weights are.

    Raises:
        ValueError, struct.error: the bytes are no header.
    """
    for kind, message in _messages(read, header):
        if kind == ATTRIBUTE:
            name, data = _attribute(message)
            if name == key.encode():
                if len(data) < count * REFERENCE:
                    raise ValueError(f"attribute {key!r} must hold {count} references and holds {len(data)} bytes")
                return [struct.unpack_from("<IQ", data, i * REFERENCE) for i in range(count)]
    return None


def check_heap(read: Read, place: int) -> None:
    """Refuses a heap whose free room says that it is 0 bytes long: the library would look for what follows it at the same place again.

    Raises:
        ValueError: it does.
    """
    signature, size = struct.unpack("<4s4xQ", read(place, 16).ljust(16))
    at = place + 16
    while signature == HEAP and at + 16 <= place + size and len(head := read(at, 16)) == 16:
        number, length = struct.unpack("<H6xQ", head)
        if not number and not length:
            raise ValueError(f"the heap of texts at byte {place} has free room of 0 bytes")
        at += 16 + length + -length % 8 if number else length  # free room counts its own head


def _messages(read: Read, header: int) -> Iterator[tuple[int, bytes]]:
    """Kind and content of each message in a header, its continuations included."""
    newer = read(header, 4) == b"OHDR"
    start, length, ordered = _newer_start(read, header) if newer else (header + 16, struct.unpack("<I", read(header + 8, 4))[0], False)
    waiting, seen = [(start, length)], 0
    while waiting:
        block = read(*waiting.pop(0))
        at = 0
        while at + (4 if newer else 8) <= len(block):
            kind, size = struct.unpack_from("<BH" if newer else "<HH", block, at)
            at += (6 if ordered else 4) if newer else 8
            content = block[at : at + size]
            at += size
            seen += 1
            if seen > MAX_MESSAGES:
                raise ValueError("a header has more messages than any file of weights")
            if kind == CONTINUATION and len(content) >= 16:
                place, extent = struct.unpack_from("<QQ", content)
                waiting.append((place + 4, extent - 8) if newer else (place, extent))  # newer ones have a signature and a checksum
            yield kind, content


def _newer_start(read: Read, header: int) -> tuple[int, int, bool]:
    """Where the messages of a header of the newer kind begin, their length, and whether each has a number."""
    flags = read(header + 5, 1)[0]
    at = header + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
    width = 1 << (flags & 3)
    return at + width, int.from_bytes(read(at, width), "little"), bool(flags & 4)


def _attribute(message: bytes) -> tuple[bytes, bytes]:
    """Name and data of an attribute."""
    version, _, name, kind, space = struct.unpack_from("<BBHHH", message)
    at = 9 if version == 3 else 8
    before = sum(n + -n % 8 if version == 1 else n for n in (name, kind, space))
    return message[at : at + name].split(b"\0")[0], message[at + before :]
