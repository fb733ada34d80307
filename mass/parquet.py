"""Parquet: tables keep their columns, and get the translation, score and confidence of each row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mass.batches import Columns
from mass.forms import Content, columns_of
from mass.shards import Part, Shard, changed
from s2s.errors import UserError, check, first_few
from s2s.files import sha256

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_BATCH = 10_000  # rows that are decoded together


@dataclass(frozen=True)
class Parquet:
    """Tables.

    Attributes:
        column: the column that is translated
        into: the column of the translation; those of score and confidence are named after it
    """

    column: str
    into: str
    name = "parquet"
    suffix = ".parquet"
    unit = "row"
    leaves_out_failures = False

    def parts(self, path: Path, name: str, size: int) -> Iterator[Part]:
        """See `mass.forms.Form`. All parts have the digest of the whole file."""
        with _opened(path, name) as file:
            self._check(file, name)
            rows = file.metadata.num_rows
        whole = sha256(path)
        for start in range(0, rows, size):
            end = min(start + size, rows)
            yield Part(start + 1, end - start, start, end, f"{whole} {path.stat().st_mtime_ns}")

    def _check(self, file: pq.ParquetFile, name: str) -> None:
        import pyarrow.types as kinds

        names = file.schema_arrow.names
        check(
            self.column in names,
            f"{name}: no column {self.column!r}; there are {first_few(names)}: name one with --column",
        )
        kind = file.schema_arrow.field(self.column).type
        kind = kind.value_type if kinds.is_dictionary(kind) else kind
        check(
            kinds.is_string(kind) or kinds.is_large_string(kind),
            f"{name}: the column {self.column!r} is of type {kind}, not text; name another one with --column",
        )
        for each in columns_of(self.into):
            check(each not in names, f"{name}: has a column {each!r} already; name another one with --into")

    def read(self, path: Path, shard: Shard) -> Content:
        """See `mass.forms.Form`. What lies before the shard in its row group is decoded and passed over."""
        import pyarrow as pa

        check(shard.digest.endswith(f" {path.stat().st_mtime_ns}"), changed(shard))
        with _opened(path, shard.source) as file:
            table = pa.Table.from_batches(list(_rows(file, shard.start, shard.end)), file.schema_arrow)
        check(len(table) == shard.count, changed(shard))
        return Content(table.column(self.column).to_pylist(), table)

    def write(self, path: Path, content: Content, columns: Columns) -> None:
        """See `mass.forms.Form`."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        table: pa.Table = content.raw
        kinds = pa.string(), pa.float64(), pa.float64()
        for name, values, kind in zip(columns_of(self.into), ("translation", "score", "confidence"), kinds):
            table = table.append_column(name, pa.array(columns[values], kind))
        pq.write_table(table, path, compression="zstd")

    def count(self, path: Path) -> int:
        """See `mass.forms.Form`."""
        with _opened(path, str(path)) as file:
            return file.metadata.num_rows

    def place(self, shard: Shard, content: Content, number: int) -> dict[str, Any]:
        """See `mass.forms.Form`."""
        return {"file": shard.source, "row": number}


def _opened(path: Path, name: str) -> pq.ParquetFile:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise UserError(f"{name}: is no whole Parquet file ({error}); copy or download it again") from error


def _rows(file: pq.ParquetFile, start: int, end: int) -> Iterator[pa.RecordBatch]:
    """The rows of a file from `start` to `end`, from the row groups that have some of them."""
    before, groups, skipped = 0, list[int](), 0
    for group in range(file.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        if before + rows <= start:
            skipped = before + rows
        elif before < end:
            groups.append(group)
        before += rows
    for batch in file.iter_batches(_BATCH, row_groups=groups):
        first, last = max(start - skipped, 0), min(end - skipped, len(batch))
        if first < last:
            yield batch.slice(first, last - first)
        skipped += len(batch)
