"""A file of features: rows that come back as they went in, whatever moment its writer was killed at."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s2s.errors import UserError
from s2s.vision import features
from s2s.vision.crops import WHOLE
from s2s.vision.features import FeatureFile, Header, Row, feature_writer, read_header, read_rows
from s2s.vision.images import Preprocessing

ROWS, COLUMNS, DIM = 2, 3, 4


def header(fit: str = "stretch", backbone: str = "tiny") -> Header:
    preprocessing = Preprocessing(12, "pad" if fit == "pad" else "stretch")
    return Header(backbone, "0" * 64, "float32", preprocessing, WHOLE, shape=(ROWS, COLUMNS, DIM))


def cells(*numbers: int) -> np.ndarray:
    """A different feature map for each number."""
    values = np.arange(ROWS * COLUMNS * DIM, dtype=np.float16).reshape(ROWS, COLUMNS, DIM)
    return np.stack([values + 100 * number for number in numbers])


def write(folder: Path, *numbers: int, extent: tuple[int, int] = (12, 12), fit: str = "stretch") -> None:
    with feature_writer(folder, header(fit)) as writer:
        writer.append({f"picture {number}": extent for number in numbers}, cells(*numbers))


def read(folder: Path, *numbers: int) -> FeatureFile:
    rows = read_rows(folder, header())
    return FeatureFile(folder, read_header(folder), [rows[f"picture {number}"] for number in numbers])


def test_rows_come_back_in_the_order_asked_for(tmp_path: Path) -> None:
    write(tmp_path / "f", 1, 2)
    write(tmp_path / "f", 3)
    found = read(tmp_path / "f", 3, 1, 2, 1)
    assert len(found) == 4
    want = torch.from_numpy(cells(1, 3, 2)).float()
    got = found.gather([3, 0, 2])
    assert got.dtype == torch.float32
    assert torch.equal(got, want)


def test_a_reader_sees_its_rows_while_more_are_written(tmp_path: Path) -> None:
    write(tmp_path / "f", 1)
    early = read(tmp_path / "f", 1)
    with (tmp_path / "f" / "cells.f16").open("ab") as file:
        file.write(b"half a ro")
        file.flush()
        assert torch.equal(early.gather([0]), torch.from_numpy(cells(1)).float())


def test_no_folder_has_no_rows(tmp_path: Path) -> None:
    assert read_rows(tmp_path / "f", header()) == {}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=12, deadline=None)
@given(data=st.data())
def test_killed_at_any_moment_the_rest_is_written_as_if_nothing_had_happened(
    tmp_path: Path, data: st.DataObject
) -> None:
    """The bytes of a second batch arrive up to any point: first those of the cells, then those of the index."""
    folder = Path(mkdtemp(dir=tmp_path), "f")
    write(folder, 1, 2)
    whole = {name: (folder / name).read_bytes() for name in ("cells.f16", "rows.jsonl")}
    write(folder, 3, 4)
    added = {name: (folder / name).read_bytes()[len(content) :] for name, content in whole.items()}
    arrived = data.draw(st.integers(0, sum(map(len, added.values()))))
    for name, content in added.items():
        (folder / name).write_bytes(whole[name] + content[:arrived])
        arrived = max(0, arrived - len(content))
    known = read_rows(folder, header())
    missing = [number for number in (1, 2, 3, 4) if f"picture {number}" not in known]
    assert {1, 2}.isdisjoint(missing)
    if missing:
        write(folder, *missing)
    assert torch.equal(read(folder, 1, 2, 3, 4).gather(range(4)), torch.from_numpy(cells(1, 2, 3, 4)).float())
    assert (folder / "cells.f16").stat().st_size == 4 * header().row_bytes


def test_cells_are_on_the_disk_before_they_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []

    def fsync(descriptor: int) -> None:
        sizes.append(tuple((tmp_path / "f" / name).stat().st_size for name in ("cells.f16", "rows.jsonl")))

    with feature_writer(tmp_path / "f", header()) as writer:
        monkeypatch.setattr(os, "fsync", fsync)
        writer.append({"picture 1": (12, 12)}, cells(1))
    (first_cells, first_index), (_, second_index) = sizes
    assert first_cells == header().row_bytes
    assert first_index == 0 < second_index


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("cells.f16", b"short", r"cells\.f16: is cut short \(5 bytes, not 96\)"),
        ("rows.jsonl", b"what\n", r"rows\.jsonl: line 1 is damaged"),
        ("rows.jsonl", b'["a", 1]\n', r"rows\.jsonl: line 1 is damaged"),
        ("rows.jsonl", b'["a", 12, 12]\n', r"rows\.jsonl: line 1 is damaged"),
        ("rows.jsonl", b'["a", 12, 12, 7]\n["a", 12, 12, 7]\n', r"rows\.jsonl: line 2 names a picture twice"),
        ("rows.jsonl", b"\xff\n", r"rows\.jsonl: line 1 is damaged"),
    ],
)
def test_damage_is_named_with_the_way_out(tmp_path: Path, name: str, content: bytes, problem: str) -> None:
    write(tmp_path, 1, 2)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=f"{problem}.*delete the folder"):
        read_rows(tmp_path, header())
    with pytest.raises(UserError, match=problem), feature_writer(tmp_path, header()):
        pass


@pytest.mark.parametrize(("name", "outcomes"), [("cells.f16", {UserError}), ("rows.jsonl", {UserError, KeyError})])
def test_a_bit_that_flipped_is_never_read_as_a_feature(
    tmp_path: Path, name: str, outcomes: set[type[Exception]]
) -> None:
    """A KeyError is a name that was damaged: nobody asks for it, and the picture that had it gets another row."""
    write(tmp_path, 1, 2)
    whole, found = (tmp_path / name).read_bytes(), set()
    for bit in range(8 * len(whole)):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        (tmp_path / name).write_bytes(changed)
        try:
            features = read(tmp_path, 2)
            features.verify()
        except (UserError, KeyError) as error:
            found.add(type(error))
        else:
            assert torch.equal(features.gather([0]), torch.from_numpy(cells(2)).float())
            assert bit < 4 * len(whole)  # in the row of the other picture
    assert found == outcomes


def test_a_damaged_header_is_named(tmp_path: Path) -> None:
    write(tmp_path, 1)
    path = tmp_path / "header.json"
    path.write_bytes(path.read_bytes().replace(b"tiny", b"miny"))
    with pytest.raises(UserError, match=r"header\.json: is damaged"):
        read_header(tmp_path)


def test_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, 1)
    monkeypatch.setattr(features, "VERSION", features.VERSION + 1)
    with pytest.raises(UserError, match="version 3, not 4; delete the folder"):
        read_header(tmp_path)


def test_rows_of_something_else_are_never_added(tmp_path: Path) -> None:
    write(tmp_path, 1)
    with (
        pytest.raises(UserError, match="features of something else"),
        feature_writer(tmp_path, header(backbone="other")),
    ):
        pass


def test_only_padding_is_masked(tmp_path: Path) -> None:
    shape = Row(0, height=12, width=5, checksum=0), Row(1, height=1, width=12, checksum=0)
    padded = FeatureFile(tmp_path, header("pad"), shape)
    real = padded.mask([1, 0])
    assert real is not None
    assert real.tolist() == [[[True] * 3, [False] * 3], [[True, True, False]] * 2]
    assert FeatureFile(tmp_path, header("stretch"), shape).mask([0]) is None


def test_a_second_writer_waits_for_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    attempts = []

    def lock_file(descriptor: int) -> None:
        attempts.append(descriptor)
        if len(attempts) < 3:
            raise BlockingIOError

    monkeypatch.setattr(features, "lock_file", lock_file)
    monkeypatch.setattr(features.time, "sleep", lambda seconds: None)
    write(tmp_path / "f", 1)
    assert len(attempts) == 3
    assert capsys.readouterr().err.count("waiting for another process") == 1


def test_a_disk_without_locks_is_warned_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lock_file(descriptor: int) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(features, "lock_file", lock_file)
    write(tmp_path / "f", 1)
    assert "cannot be locked" in capsys.readouterr().err
