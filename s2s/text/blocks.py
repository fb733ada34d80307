"""Reading text from descriptors in blocks of bytes, as soon as they are there; gzip and Zstandard are decompressed.

Tested on Linux. On Windows, where the bytes of a console are not UTF-8, Python's own unbuffered file converts them.
"""

from __future__ import annotations

import codecs
import select
import zlib
from collections.abc import Callable, Iterator
from itertools import chain

from s2s.errors import UserError, check
from s2s.text.file_kinds import GZIP, MAGIC_BYTES, ZSTANDARD, check_text, utf16_codec

_GZIP_FORMAT = 31  # zlib's number for a header and a checksum of gzip
_WHOLE = 1 << 24  # bytes that are decompressed at once of a file that is in memory
_ZSTANDARD_BYTES = 1 << 12  # that are decompressed at once, because the library sets no limit to what becomes of them


def read_blocks(
    descriptor: int, size: int, name: str, note_encoding: Callable[[str], None] | None = None
) -> Iterator[bytes]:
    """Yield blocks of text of up to `size` bytes; wait only while nothing can be read. Blocks are not cut at lines.

    UTF-16 with a byte order mark is yielded as UTF-8, in blocks that may be larger.

    Args:
        descriptor: of a file, pipe or terminal that is open for reading.
        size: of a block; only the first may be larger, by a few bytes, and those of a Zstandard file.
        name: of the file, for messages.
        note_encoding: is called with the codec of the file if it is UTF-16.

    Raises:
        UserError: the first bytes are those of another format than text; or compressed data are damaged.
    """
    blocks = _with_beginning(_raw_blocks(descriptor, size))
    first = next(blocks, b"")
    if first.startswith((GZIP, ZSTANDARD)):
        packed = chain([first], blocks)
        unpacked = _decompressed(packed, size, name) if first.startswith(GZIP) else _from_zstandard(packed, name)
        blocks = _with_beginning(unpacked)
        first = next(blocks, b"")
    if encoding := utf16_codec(first):
        blocks = _in_utf8(chain([first], blocks), encoding, name)
        if note_encoding:
            note_encoding(encoding)
        first = next(blocks, b"")
    check_text(first, name)
    if first:
        yield first
        yield from blocks


def decompressed(content: bytes, name: str) -> bytes:
    """The whole content of a file, decompressed if it is gzip or Zstandard.

    Raises:
        UserError: compressed data are damaged.
    """
    if content.startswith(GZIP):
        return b"".join(_decompressed(iter([content]), _WHOLE, name))
    return b"".join(_from_zstandard(iter([content]), name)) if content.startswith(ZSTANDARD) else content


def _raw_blocks(descriptor: int, size: int) -> Iterator[bytes]:
    with open(descriptor, "rb", buffering=0, closefd=False) as file:
        while True:
            block = file.read(size)  # without a buffer: what is there, and not more
            if block is None:  # the parent process left standard input in non-blocking mode
                select.select([descriptor], [], [])
            elif not block:
                return
            else:
                yield block


def _in_utf8(blocks: Iterator[bytes], encoding: str, name: str) -> Iterator[bytes]:
    """Yield the blocks of a text in UTF-16 in UTF-8, without the byte order mark."""
    decoder, lines = codecs.getincrementaldecoder(encoding)(), 0
    blocks = _without_mark(blocks)
    for block in chain(blocks, [None]):
        try:
            text = decoder.decode(block or b"", final=block is None)
        except UnicodeDecodeError as error:
            found = error.object[error.start : error.end].hex(" ").upper()
            line = lines + error.object[: error.start].decode(encoding).count("\n") + 1
            raise UserError(
                f"{name}: line {line}: not UTF-16: {found} ({error.reason}); convert the file to UTF-8 first, for "
                "example with iconv"
            ) from error
        if text:
            lines += text.count("\n")
            yield text.encode()


def _without_mark(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the blocks without the byte order mark, with which the first one begins."""
    yield next(blocks)[2:]
    yield from blocks


def _with_beginning(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the blocks, the first ones joined until a format can be told by them or a line is complete."""
    first = b""
    while len(first) < MAGIC_BYTES and b"\n" not in first:
        block = next(blocks, b"")
        if not block:
            break
        first += block
    if first:
        yield first
    yield from blocks


def _decompressed(blocks: Iterator[bytes], size: int, name: str) -> Iterator[bytes]:
    """Yield what blocks of gzip hold, which may be several compressed files one after the other."""
    member = zlib.decompressobj(_GZIP_FORMAT)
    for block in blocks:
        full = False
        while block or full:
            if member.eof:  # another compressed file follows, or the padding of a tape
                block, member = block.lstrip(b"\0"), zlib.decompressobj(_GZIP_FORMAT)
                if not block:
                    return
            try:
                text = member.decompress(block, size)
            except zlib.error as error:
                raise UserError(f"{name}: this gzip file is damaged ({error}); copy or download it again") from error
            if text:
                yield text
            full = len(text) == size and not member.eof
            block = member.unused_data if member.eof else member.unconsumed_tail
    check(member.eof, f"{name}: this gzip file is cut off; copy or download it again")


def _from_zstandard(blocks: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Yield what blocks of Zstandard hold, which may be several frames one after the other."""
    import zstandard

    frame = zstandard.ZstdDecompressor().decompressobj()
    for block in blocks:
        for start in range(0, len(block), _ZSTANDARD_BYTES):
            part = block[start : start + _ZSTANDARD_BYTES]
            while part:
                if frame.eof:
                    frame = zstandard.ZstdDecompressor().decompressobj()
                try:
                    text = frame.decompress(part)
                except zstandard.ZstdError as error:
                    raise UserError(
                        f"{name}: this Zstandard file is damaged ({error}); copy or download it again"
                    ) from error
                if text:
                    yield text
                part = frame.unused_data if frame.eof else b""
    check(frame.eof, f"{name}: this Zstandard file is cut off; copy or download it again")
