from __future__ import annotations

import gzip
import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from data_prep import multi30k
from data_prep.download import Content
from data_prep.multi30k import LANGUAGES, SPLITS, prepare
from s2s import command
from s2s.errors import UserError

TEXTS = {f"{split}.{language}": f"{split} auf {language}\n".encode() for split in SPLITS for language in LANGUAGES}
FILES = {name: Content(len(text), hashlib.sha256(text).hexdigest()) for name, text in TEXTS.items()}
ENGLISH = {"train.en", "val.en", "test_2016_flickr.en"}


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """A folder like the repository's."""
    folder = tmp_path / "packed"
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(text))
    return folder


@pytest.fixture
def server(packed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
    """The address of a server of `packed`, and the list of what has been asked for so far."""
    monkeypatch.setenv("no_proxy", "*")
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            asked.append(self.path.removeprefix("/"))

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(packed))) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}", asked
        listening.shutdown()
        thread.join()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_every_split_of_every_language_has_its_checksum() -> None:
    assert set(multi30k.FILES) == set(TEXTS)
    assert all(len(bytes.fromhex(content.sha256)) == 32 for content in multi30k.FILES.values())
    assert len({content.sha256 for content in multi30k.FILES.values()}) == len(TEXTS)


def test_only_what_is_not_there_is_fetched(server: tuple[str, list[str]], tmp_path: Path) -> None:
    url, asked = server
    output = tmp_path / "new" / "data"
    new = prepare(output, ["en"], url=url, files=FILES)
    assert {path.name for path in new} == names(output) == ENGLISH
    assert all((output / name).read_bytes() == TEXTS[name] for name in ENGLISH)
    assert set(asked) == {f"{name}.gz" for name in ENGLISH}

    asked.clear()
    (output / "val.en").unlink()
    assert prepare(output, ["en"], url=url, files=FILES) == [output / "val.en"]
    assert asked == ["val.en.gz"]


def test_a_wrong_file_is_reported_before_anything_is_fetched_and_replaced_only_by_force(
    server: tuple[str, list[str]], tmp_path: Path
) -> None:
    url, asked = server
    wrong = tmp_path / "val.en"
    wrong.write_text("mine")
    with pytest.raises(UserError, match=r"val\.en there is not Multi30k's.*--force"):
        prepare(tmp_path, ["en"], url=url, files=FILES)
    assert wrong.read_text() == "mine"
    assert not asked
    prepare(tmp_path, ["en"], url=url, files=FILES, force=True)
    assert wrong.read_bytes() == TEXTS["val.en"]


def test_what_the_web_does_not_give_can_come_from_a_folder(server: tuple[str, list[str]], tmp_path: Path) -> None:
    url, _ = server
    with pytest.raises(UserError, match=r"train\.en\.gz: the server answers 404.*--from"):
        prepare(tmp_path / "data", ["en"], url=f"{url}/nowhere", files=FILES)


def test_a_server_with_another_text_is_not_believed(
    server: tuple[str, list[str]], packed: Path, tmp_path: Path
) -> None:
    (packed / "train.en.gz").write_bytes(gzip.compress(TEXTS["train.en"][::-1]))
    output = tmp_path / "data"
    with pytest.raises(UserError, match="SHA-256"):
        prepare(output, ["en"], url=server[0], files=FILES)
    assert names(output) == set()


@pytest.mark.parametrize("raw", [True, False])
def test_a_local_folder_may_hold_raw_or_packed_files(packed: Path, tmp_path: Path, raw: bool) -> None:
    if raw:
        for name, text in TEXTS.items():
            (packed / f"{name}.gz").unlink()
            (packed / name).write_bytes(text)
    output = tmp_path / "data"
    prepare(output, ["de", "fr"], folder=packed, files=FILES)
    assert names(output) == set(TEXTS) - ENGLISH
    assert all((output / name).read_bytes() == TEXTS[name] for name in names(output))


def test_a_folder_that_lacks_a_file_is_named_before_anything_is_copied(packed: Path, tmp_path: Path) -> None:
    (packed / "test_2016_flickr.de.gz").unlink()
    output = tmp_path / "data"
    with pytest.raises(UserError, match=rf"{packed}: has neither test_2016_flickr\.de nor test_2016_flickr\.de\.gz"):
        prepare(output, ["en", "de"], folder=packed, files=FILES)
    assert names(output) == set()


def test_the_command_tells_a_processed_file_from_the_raw_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in TEXTS.items():
        (tmp_path / name).write_bytes(text)
    arguments = ["--output", str(tmp_path / "data"), "--from", str(tmp_path)]
    assert command.run(multi30k.multi30k, arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {tmp_path}/train.en: ends after ")
    assert error.count("\n") == 1


def test_help_says_what_the_data_may_be_used_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(multi30k.multi30k, ["--help"]) == 0
    assert "research use" in capsys.readouterr().out


def test_the_checksums_are_those_of_the_real_files(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--output", str(tmp_path), "--from", str(shared_data / "multi30k"), "--languages", *LANGUAGES]
    assert command.run(multi30k.multi30k, arguments) == 0
    assert names(tmp_path) == set(TEXTS)
    assert capsys.readouterr().out.split() == [str(tmp_path / name) for name in TEXTS]
