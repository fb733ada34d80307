"""ZIP archives of documents: members that are read within limits, and archives with some members replaced."""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Mapping

from s2s.errors import UserError, check
from translation.formats.xml_spans import Element, parse

_LARGEST = 1 << 30  # bytes of all members
_LARGEST_XML = 1 << 27
# What `zipfile` raises about damaged archives.
_DAMAGES = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, OSError, ValueError, OverflowError, NotImplementedError),
)
_OLE = bytes.fromhex("D0CF11E0A1B11AE1")  # the container of old and of encrypted files of Microsoft Office


class Archive:
    """A ZIP archive in memory.

    Args:
        content: of the file
        kind: of the document, such as "DOCX", for messages

    Raises:
        UserError: it is no ZIP archive, is damaged, or would be too large when it is unpacked.
    """

    def __init__(self, content: bytes, kind: str) -> None:
        self._content, self._kind = content, kind
        check(
            not content.startswith(_OLE),
            f"an old or encrypted file of an office program, not {kind}; save it as {kind} without a password",
        )
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except _DAMAGES as error:
            raise UserError(f"no {kind} file, or one that is cut short ({error}); check the file") from error
        size = sum(info.file_size for info in self._zip.infolist())
        check(
            size <= _LARGEST,
            f"{size:,} bytes when unpacked, more than {_LARGEST:,}; make its pictures smaller",
        )

    @property
    def names(self) -> list[str]:
        """The names of the members."""
        return self._zip.namelist()

    def xml(self, name: str) -> bytes:
        """The content of a member that is XML.

        Raises:
            UserError: there is none, or it is damaged, encrypted or very large.
        """
        check(name in self.names, f"no {self._kind} file: {name} is missing in the archive; check the file")
        size = self._zip.getinfo(name).file_size
        check(size <= _LARGEST_XML, f"{name} has {size:,} bytes, more than {_LARGEST_XML:,}; cut the document in parts")
        return self._read(self._zip.getinfo(name))

    def tree(self, name: str) -> tuple[bytes, Element]:
        """The content of a member that is XML, and its root element.

        Raises:
            UserError: as `xml`; or it is not well-formed.
        """
        content = self.xml(name)
        try:
            return content, parse(content)
        except UserError as error:
            raise UserError(f"{name}: {error}") from error

    def _read(self, info: zipfile.ZipInfo) -> bytes:
        check(not info.flag_bits & 1, f"{info.filename} is encrypted; save the document without a password")
        try:
            return self._zip.read(info)
        except _DAMAGES as error:
            raise UserError(f"{info.filename} is damaged in the archive ({error}); check the file") from error

    def replaced(self, members: Mapping[str, bytes]) -> bytes:
        """The archive with other contents of some members; all others are equal, and so are the order and the names."""
        if not members:
            return self._content
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as output:
            output.comment = self._zip.comment
            for info in self._zip.infolist():
                content = members.get(info.filename)
                output.writestr(info, self._read(info) if content is None else content)
        return buffer.getvalue()
