"""Files in a folder of pictures that are no pictures: captions and data beside them, and files of the system.

They are passed over where a folder or a pattern was given. A file is judged by its name, unless its first bytes are
those of a picture: the name is not believed then. What is neither a picture nor known here is read, and reported.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from pathlib import Path, PurePath

_TEXTS = "txt caption captions cap tag tags md rst log html htm css js py sh bat url webloc lnk desktop"
_DATA = "json jsonl ndjson csv tsv xml xmp aae yaml yml toml ini cfg conf db sqlite lmdb parquet arrow npy npz pt pth"
_OTHERS = "ckpt safetensors onnx bin zip tar gz tgz 7z rar sha256 md5 bak tmp part crdownload"
_FILMS = "mp4 m4v mov avi mkv webm mpg mpeg 3gp wmv mp3 wav m4a aac flac ogg opus"
SUFFIXES = frozenset(f".{suffix}" for suffix in f"{_TEXTS} {_DATA} {_OTHERS} {_FILMS}".split())
_SYSTEM = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})
_SYSTEM_FOLDERS = frozenset({"__macosx", "@eadir", "$recycle.bin", "system volume information"})
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*", b"\0\0\0\x0cjP  ")
_HEAD = 16  # bytes


def is_system_folder(name: str) -> bool:
    """Whether a folder is hidden, or kept by a system beside what it holds."""
    return name.startswith(".") or name.casefold() in _SYSTEM_FOLDERS


def kind_of(path: Path, sidecar_suffix: str = "") -> str:
    """What a message calls a file that is passed over, such as `.txt` or `Thumbs.db`; empty if the file is to be read.

    Args:
        path: of a file in a folder
        sidecar_suffix: which files with captions end in, beside those that are known here
    """
    if path.name.casefold() in _SYSTEM:
        return path.name.strip()
    suffix = path.suffix.lower()
    side = suffix in SUFFIXES or bool(sidecar_suffix and path.name.endswith(sidecar_suffix))
    return suffix or sidecar_suffix if side and not _begins_like_a_picture(path) else ""


def is_side_file_of(path: PurePath, stems: Collection[PurePath]) -> bool:
    """Whether a file is named like one of the pictures whose names, without suffixes, are given, but for its suffix."""
    return path.suffix.lower() in SUFFIXES and path.with_suffix("") in stems


def _begins_like_a_picture(path: Path) -> bool:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    riff = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    return riff or head.startswith(_PICTURES) or head[4:12] in (b"ftypavif", b"ftypavis")


def text_of(path: Path) -> str | None:
    """The caption in a side file: its first line that is not blank. None if there is no file, or nothing in it.

    Raises:
        ValueError: the file is not UTF-8.
        OSError: the file cannot be read.
    """
    if not os.path.lexists(path):
        return None
    lines = path.read_bytes().decode("utf-8-sig").splitlines()
    return next((line.strip() for line in lines if line.strip()), None)
