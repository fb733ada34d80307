from __future__ import annotations

import gzip
import os
import re
import select
import tracemalloc
import unicodedata
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from s2s.errors import UserError
from s2s.text import lines
from s2s.text.lines import WINDOW_BYTES, WINDOW_LINES, LineReader, count_lines, read_lines


def write(folder: Path, data: bytes) -> Path:
    path = folder / "text"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"a", ["a"]),
        (b"a\n", ["a"]),
        (b"a\n\n", ["a", ""]),
        (b"a\r\nb\r\r\nc\rd\r", ["a", "b\r", "c\rd\r"]),
        ("a\u2028b\x85c\x0cd\x0be\x1cf\n".encode(), ["a\u2028b\x85c\x0cd\x0be\x1cf"]),
        (b"\xef\xbb\xbfa\n\xef\xbb\xbfb", ["a", "\ufeffb"]),
        (b"\xef\xbb\xbf", []),
        (b"\xef\xbb\xbf\n", [""]),
        (b"a\n\xef\xbb\xbf", ["a", "\ufeff"]),
        ("Apfel a\u0308\n".encode(), ["Apfel \u00e4"]),
    ],
)
def test_lines(tmp_path: Path, data: bytes, expected: list[str]) -> None:
    path = write(tmp_path, data)
    assert list(read_lines(path)) == expected
    assert count_lines(path) == len(expected)


@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\n\r\ufeff"))),
    block=st.integers(1, 9),
)
def test_lines_survive_any_cut_between_reads(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], block: int
) -> None:
    path = write(tmp_path_factory.getbasetemp(), "".join(f"{text}\r\n" for text in texts).encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "WINDOW_BYTES", block)
        assert list(read_lines(path)) == [unicodedata.normalize("NFC", text) for text in texts]
        assert count_lines(path) == len(texts)


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"first\r\n" * 100_000])
def test_bytes_that_are_not_utf8_are_named(tmp_path: Path, before: bytes) -> None:
    path = write(tmp_path, before + b"caf\xe9 cr\xe8me\n")
    with pytest.raises(UserError) as caught:
        list(read_lines(path))
    line, byte = before.count(b"\n") + 1, len(before) + 3
    assert str(caught.value).startswith(f"{path}: line {line}, byte {byte}: not UTF-8: E9 (invalid continuation byte)")


@pytest.mark.parametrize("bad", [b"\xed\xa0\x80", b"\xc0\x80", b"\xff\xfea", b"\xe2\x82"])
def test_surrogates_overlong_forms_and_cut_characters_are_refused(tmp_path: Path, bad: bytes) -> None:
    with pytest.raises(UserError, match="line 2, byte 3: not UTF-8"):
        list(read_lines(write(tmp_path, b"ok\n" + bad + b"\n")))


def test_replacing_goes_on_and_counts(tmp_path: Path) -> None:
    path = write(tmp_path, b"caf\xe9\n" + "fine \ufffd\n".encode() + b"\xff\xff \xef\xbf\xbd\r\nlast\xe2\x82")
    with path.open("rb") as file:
        reader = LineReader(file, errors="replace")
        assert list(reader) == ["caf\ufffd", "fine \ufffd", "\ufffd\ufffd \ufffd", "last\ufffd"]
    assert reader.replaced == 4


@pytest.mark.parametrize("errors", ["strict", "replace"])
def test_a_nul_byte_is_refused_with_its_place(tmp_path: Path, errors: Literal["strict", "replace"]) -> None:
    path = write(tmp_path, b"A man.\nTwo dogs\0run.\n")
    with path.open("rb") as file, pytest.raises(UserError, match="line 2, byte 15: a NUL byte, which no text has"):
        list(LineReader(file, errors=errors))


@pytest.mark.parametrize("errors", ["strict", "replace"])
@pytest.mark.parametrize("encoding", ["UTF-16LE", "UTF-16BE", "UTF-32", "UTF-32LE"])
def test_utf16_without_a_mark_is_refused_and_named(
    tmp_path: Path, encoding: str, errors: Literal["strict", "replace"]
) -> None:
    path = write(tmp_path, "A man is here.\nTwo dogs.\n".encode(encoding))
    with (
        path.open("rb") as file,
        pytest.raises(UserError, match=r"line 1, byte \d: looks like UTF-(16|32).*iconv -f UTF"),
    ):
        list(LineReader(file, errors=errors))
    with pytest.raises(UserError, match="looks like"):
        count_lines(path)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_utf16_with_a_mark_is_read(
    tmp_path: Path, encoding: str, compress: Callable[[bytes], bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    texts = [f"{i} 犬 😀 Straße" for i in range(20_000)]
    path = write(tmp_path, compress("\ufeff".join(["", "\r\n".join(texts)]).encode(encoding)))
    with path.open("rb") as file:
        reader = LineReader(file)
        assert list(reader) == texts
    assert reader.encoding == encoding
    assert capsys.readouterr().err == f"warning: {path}: is in UTF-16, and is read as such\n"
    assert count_lines(path) == len(texts)


@pytest.mark.parametrize(
    ("data", "lines", "complaint"),
    [
        (b"\xff\xfe", [], ""),
        (b"\xfe\xff\0a\0\n\0b", ["a", "b"], ""),
        (b"\xff\xfea\0\n\0\n", [], "line 2: not UTF-16: 0A (truncated data); convert the file to UTF-8 first"),
        (b"\xff\xfea\0\n\0\0\xd8b\0", [], "line 2: not UTF-16: 00 D8 (illegal UTF-16 surrogate); convert"),
        (b"\xff\xfea\0\n\0\0\0", [], "line 2, byte 2: a NUL byte"),
    ],
)
def test_broken_utf16_is_told(tmp_path: Path, data: bytes, lines: list[str], complaint: str) -> None:
    path = write(tmp_path, data)
    if not complaint:
        assert list(read_lines(path)) == lines
        return
    with pytest.raises(UserError, match=re.escape(complaint)):
        list(read_lines(path))


@pytest.mark.parametrize("cut", [1, 2, 7])
def test_gzip_is_read_as_the_text_in_it(tmp_path: Path, cut: int, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"line {i} of many, ä\r\n" for i in range(1000)]
    data = gzip.compress("".join(texts).encode())
    path = write(tmp_path, data + gzip.compress(b"another member\n") + bytes(100))
    monkeypatch.setattr(lines, "WINDOW_BYTES", 100 * cut)
    assert list(read_lines(path)) == [*(text[:-2] for text in texts), "another member"]
    assert count_lines(path) == 1001


def test_damaged_gzip_is_told(tmp_path: Path) -> None:
    data = gzip.compress(b"a line of text\n" * 100)
    with pytest.raises(UserError, match="this gzip file is cut off; copy or download it again"):
        list(read_lines(write(tmp_path, data[:-1])))
    with pytest.raises(UserError, match="this gzip file is damaged"):
        list(read_lines(write(tmp_path, data[:20] + b"\xff\xff" + data[22:])))
    with pytest.raises(UserError, match="is a gzip file inside a compressed file"):
        list(read_lines(write(tmp_path, gzip.compress(data))))


@pytest.mark.parametrize("cut", [1, 7, 1 << 12])
def test_zstandard_is_read_as_the_text_in_it(tmp_path: Path, cut: int, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"line {i} of many, ä\r\n" for i in range(1000)]
    pack = zstandard.ZstdCompressor().compress
    path = write(tmp_path, pack("".join(texts).encode()) + pack(b"another frame\n"))
    monkeypatch.setattr(lines, "WINDOW_BYTES", 100 * cut)
    assert list(read_lines(path)) == [*(text[:-2] for text in texts), "another frame"]
    assert count_lines(path) == 1001


def test_damaged_zstandard_is_told(tmp_path: Path) -> None:
    data = zstandard.ZstdCompressor().compress(b"a line of text\n" * 100)
    with pytest.raises(UserError, match="this Zstandard file is cut off; copy or download it again"):
        list(read_lines(write(tmp_path, data[:-1])))
    with pytest.raises(UserError, match="this Zstandard file is damaged"):
        list(read_lines(write(tmp_path, data + b"more")))
    with pytest.raises(UserError, match="is a Zstandard file, not text; decompress it first"):
        list(read_lines(write(tmp_path, gzip.compress(data))))


def test_gzip_that_expands_much_needs_little_memory(tmp_path: Path) -> None:
    path = write(tmp_path, gzip.compress((b"a" * 99 + b"\n") * 1_000_000))
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_lines(path)) == 1_000_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 16 * WINDOW_BYTES


def test_a_pipe_of_gzip_is_answered_before_its_end() -> None:
    reading, writing = os.pipe()
    pack = zlib.compressobj(wbits=31)
    with os.fdopen(reading, "rb") as file:
        windows = LineReader(file, "a pipe").windows()
        for text in (b"one\n", b"two\n"):
            os.write(writing, pack.compress(text) + pack.flush(zlib.Z_SYNC_FLUSH))
            assert next(windows) == [text.decode().strip()]
        os.write(writing, pack.flush())
        os.close(writing)
        assert list(windows) == []


@pytest.mark.parametrize(
    ("data", "returns"),
    [
        (b"one\rtwo\rthree\r", 2),
        (b"one\rtwo\n", 1),
        (b"one\r\n", 0),
        (b"one\r", 0),
        (b"one\rtwo\nthree\n", 0),
    ],
)
def test_classic_mac_line_ends_are_told(
    tmp_path: Path, data: bytes, returns: int, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, data)
    list(read_lines(path))
    warning = (
        f"warning: {path}: is read as one line: it has {returns} carriage returns inside it (classic Mac line ends)"
    )
    printed = capsys.readouterr().err
    assert printed.startswith(warning) if returns else not printed


def test_a_path_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        count_lines(tmp_path / "none")
    with pytest.raises(UserError, match="is a folder"):
        list(read_lines(tmp_path))


def test_windows_have_a_size(tmp_path: Path) -> None:
    path = write(tmp_path, b"\n" * (WINDOW_BYTES + 10) + b"long " * WINDOW_BYTES + b"\nend")
    with path.open("rb") as file:
        sizes = [len(window) for window in LineReader(file).windows()]
    assert max(sizes) == WINDOW_LINES
    assert min(sizes) > 0
    assert sum(sizes) == WINDOW_BYTES + 12


def test_a_pipe_is_answered_before_its_end() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as file:
        windows = LineReader(file, "a pipe").windows()
        os.write(writing, b"one\ntwo\nthr")
        assert next(windows) == ["one", "two"]
        os.write(writing, b"ee\n")
        assert next(windows) == ["three"]
        os.write(writing, b"\xc3")
        os.write(writing, b"\xa4\nlast")
        assert next(windows) == ["ä"]
        os.close(writing)
        assert list(windows) == [["last"]]


def test_a_pipe_in_non_blocking_mode_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)

    def someone_writes(*awaited: list[int]) -> None:
        assert awaited == ([reading], [], [])
        os.write(writing, b"late\n")
        os.close(writing)

    monkeypatch.setattr(select, "select", someone_writes)
    with os.fdopen(reading, "rb") as file:
        assert list(LineReader(file, "a pipe")) == ["late"]


def test_a_terminal_is_answered_line_by_line() -> None:
    main, terminal = os.openpty()
    with os.fdopen(terminal, "rb", buffering=0) as file:
        windows = LineReader(file, "a terminal").windows()
        os.write(main, b"typed\n")
        assert next(windows) == ["typed"]
        os.write(main, b"more\n\x04")
        assert list(windows) == [["more"]]
    os.close(main)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, (b"a rather long line, " * 10 + b"\n") * 40_000)
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_lines(path)) == 40_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * WINDOW_BYTES < path.stat().st_size / 3
