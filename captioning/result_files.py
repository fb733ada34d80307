"""The files of results that `caption` writes as it goes: COCO's JSON, JSONL and CSV. Each is whole after every picture.

A later run continues such a file: it reads the rows, keeps those that still hold, and appends the others.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from captioning.report import Record, side_record
from captioning.results import ImageId, image_id
from s2s.errors import UserError, check
from s2s.growing_file import GrowingFile

Row = dict[str, Any]
_JUDGED = ("confidence", "doubtful", "reasons")
_OTHER = "move it away, and the side files enter a new one; or write all anew with --force"


class ResultFormat(Protocol):
    """How records stand in a file: its head and tail, what lies between two rows, and each way between both."""

    head: bytes
    tail: bytes
    between: bytes

    def rows(self, record: Record) -> list[Row]:
        """The rows of a picture; none for what does not belong in such a file."""
        ...

    def encode(self, row: Row) -> bytes:
        """A row as it stands in the file."""
        ...

    def read(self, path: Path) -> list[Row]:
        """The rows of a file. Raises UserError if it is no such file."""
        ...

    def path(self, row: Row) -> str:
        """The path of the picture; empty if the row has none."""
        ...

    def escaped(self, path: str) -> str:
        """A path as it is read back from a file."""
        ...


class CocoResults:
    """`[{"image_id": 42, "caption": "a dog", "path": "COCO_val2014_000000000042.jpg", ...}, ...]`."""

    head, tail, between = b"[\n", b"\n]\n", b",\n"

    def rows(self, record: Record) -> list[Row]:
        """See `ResultFormat`. COCO's tools pass over the keys that COCO does not have."""
        if record["caption"] is None:
            return []
        row = {name: record[name] for name in ("image_id", "caption", "path")}
        row |= {name: record[name] for name in ("score", "n_best") if name in record}
        return [row | ({name: record[name] for name in _JUDGED} if record.get("confidence") is not None else {})]

    def encode(self, row: Row) -> bytes:
        """See `ResultFormat`."""
        return _json(row)

    def read(self, path: Path) -> list[Row]:
        """See `ResultFormat`."""
        try:
            rows = json.loads(path.read_bytes())
        except (ValueError, RecursionError) as error:
            raise UserError(f"{path}: is not valid JSON ({error}); {_OTHER}") from error
        sound = isinstance(rows, list) and all(
            isinstance(row, dict) and {"image_id", "caption"} <= set(row) for row in rows
        )
        check(sound, f"{path}: is no list of results, each with an image_id and a caption; {_OTHER}")
        return rows

    def path(self, row: Row) -> str:
        """See `ResultFormat`."""
        return str(row.get("path", ""))

    def escaped(self, path: str) -> str:
        """See `ResultFormat`."""
        return path


class JsonLines:
    """The records themselves, one a line, also of pictures that could not be read."""

    head, tail, between = b"", b"", b""

    def rows(self, record: Record) -> list[Row]:
        """See `ResultFormat`."""
        return [record]

    def encode(self, row: Row) -> bytes:
        """See `ResultFormat`."""
        return _json(row) + b"\n"

    def read(self, path: Path) -> list[Row]:
        """See `ResultFormat`."""
        rows = []
        for number, line in enumerate(path.read_bytes().splitlines(), start=1):
            try:
                row = json.loads(line) if line.strip() else None
            except (ValueError, RecursionError) as error:
                raise UserError(f"{path}: line {number}: is not valid JSON ({error}); {_OTHER}") from error
            check(row is None or isinstance(row, dict), f"{path}: line {number}: is no object in JSON; {_OTHER}")
            rows += [row] if row and not row.get("problem") else []  # what failed is tried again
        return rows

    def path(self, row: Row) -> str:
        """See `ResultFormat`."""
        return str(row.get("path", ""))

    def escaped(self, path: str) -> str:
        """See `ResultFormat`."""
        return path


class CsvTable:
    """A table with a header, which training reads; the captions of --n-best are rows of their own, best first."""

    columns = ("image", "caption", "score", *_JUDGED)
    head, tail, between = f"{','.join(columns)}\n".encode(), b"", b""

    def rows(self, record: Record) -> list[Row]:
        """See `ResultFormat`."""
        if record["caption"] is None:
            return []
        first = {"image": self.escaped(record["path"])} | {name: record.get(name) for name in self.columns[1:]}
        first["reasons"] = "; ".join(record.get("reasons", []))
        others = record.get("n_best", [])[1:]
        return [first, *({"image": first["image"], **other} for other in others)]

    def encode(self, row: Row) -> bytes:
        """See `ResultFormat`."""
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow([row.get(name) for name in self.columns])
        return line.getvalue().encode()

    def read(self, path: Path) -> list[Row]:
        """See `ResultFormat`."""
        try:
            with path.open(encoding="utf-8", newline="") as file:
                lines = list(csv.reader(file, strict=True))
        except (ValueError, csv.Error) as error:
            raise UserError(f"{path}: is no table in CSV ({error}); {_OTHER}") from error
        head = ",".join(self.columns)
        check(lines[:1] == [list(self.columns)], f"{path}: its header is not {head}; {_OTHER}")
        check(all(len(line) == len(self.columns) for line in lines), f"{path}: a row lacks columns; {_OTHER}")
        return [dict(zip(self.columns, line)) for line in lines[1:]]

    def path(self, row: Row) -> str:
        """See `ResultFormat`."""
        return row["image"]

    def escaped(self, path: str) -> str:
        """See `ResultFormat`. A table has no way to write bytes that are not UTF-8."""
        return path.encode("utf-8", "backslashreplace").decode()


class GalleryScript(JsonLines):
    """The captions of a gallery as a script, `add({...});` a line: a page on a disk can read scripts and no data."""

    def encode(self, row: Row) -> bytes:
        """See `ResultFormat`. The row is in ASCII, without the `<` of a tag that would end the script."""
        return f"add({json.dumps(row, allow_nan=False)});\n".replace("<", "\\u003c").encode()

    def read(self, path: Path) -> list[Row]:
        """See `ResultFormat`. What failed is tried again."""
        rows = []
        for number, line in enumerate(path.read_bytes().splitlines(), start=1):
            sound = line.startswith(b"add({") and line.endswith(b"});")
            check(sound, f"{path}: line {number}: is not of a gallery; choose another folder, or use --force")
            row = json.loads(line[4:-2])
            rows += [] if row.get("problem") else [row]
        return rows


FORMATS: Mapping[str, ResultFormat] = {"json": CocoResults(), "jsonl": JsonLines(), "csv": CsvTable()}


class ResultFile:
    """A file of results that grows.

    Args:
        path: of the file
        form: of the file
        kept: the rows of an earlier run that still hold

    Raises:
        UserError: another process is writing the file.
    """

    def __init__(self, path: Path, form: ResultFormat, kept: Iterable[Row] = ()) -> None:
        self._form = form
        self._file = GrowingFile(path, form.head, map(form.encode, kept), form.tail, form.between)

    def add(self, record: Record) -> None:
        """Write what the file takes of a record."""
        if rows := self._form.rows(record):
            self._file.add(self._form.between.join(map(self._form.encode, rows)))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def continued(
    form: ResultFormat, rows: Sequence[Row], texts: Mapping[str, str | None]
) -> tuple[list[Row], Mapping[str, ImageId]]:
    """The rows of an earlier run that still hold, and the names in COCO's results of the pictures that have one.

    Args:
        form: of the file
        rows: of the file
        texts: of each picture of this run, by its path: the text of its side file, which prevails over the row's; None
            if it is captioned now, which replaces its row. The rows of other pictures are kept.
    """
    names = {form.escaped(path): path for path in texts}
    ids: dict[ImageId, str] = {}
    for path in texts:
        name = image_id(Path(path))
        ids[name] = "" if name in ids else path
    kept: list[Row] = []
    known: dict[str, ImageId] = {}
    replaced = set[str]()
    for row in rows:
        path = names.get(form.path(row)) if form.path(row) else ids.get(row.get("image_id", ""))
        text = texts[path] if path else ""
        if path and (text is None or path in replaced):
            continue
        if path and path not in known and row.get("caption") != text:
            replaced.add(path)
            other = {name: value for name, value in row.items() if name not in (*_JUDGED, "score", "n_best")}
            kept += form.rows(other | side_record(path, row.get("image_id", path), text or ""))
        else:
            kept.append(row)
        known[path or form.path(row)] = row.get("image_id", "")
    return kept, known


def _json(row: Row) -> bytes:
    r"""A row as a line of JSON. Bytes of a file's name that are not UTF-8 become `\udc..`, as JSON allows."""
    return json.dumps(row, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace")
