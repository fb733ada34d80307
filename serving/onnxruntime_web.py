"""ONNX Runtime for the browser: two files of the npm package `onnxruntime-web`, pinned by their checksums.

They come from npm's own client, once, into the cache; or from an archive of the package that the user names.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from s2s import cache
from s2s.errors import UserError, check
from s2s.files import atomic_file

PACKAGE = "onnxruntime-web@1.30.0"
BUNDLE = "ort.wasm.bundle.min.mjs"  # runs models on the processor alone: of all bundles the smallest
WASM = "ort-wasm-simd-threaded.wasm"  # with one thread, too; the package has none smaller with all operators
_CHECKSUMS: Mapping[str, str] = MappingProxyType(
    {
        BUNDLE: "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
        WASM: "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
    }
)
_OTHERWISE = f"download {PACKAGE} from npm elsewhere (`npm pack {PACKAGE}`) and give it with --onnxruntime-web FILE.tgz"


def browser_runtime(archive: Path | None = None) -> dict[str, bytes]:
    """The contents of `BUNDLE` and `WASM`.

    Args:
        archive: the package as `npm pack` writes it; None to take it from the cache, or else to fetch it by `npm`

    Raises:
        UserError: the archive is not this version of the package; or npm is missing, or cannot fetch it.
    """
    if archive:
        return _read(archive)
    stored = cache.folder() / PACKAGE.replace("@", "-")
    if found := _stored(stored):
        return found
    with tempfile.TemporaryDirectory() as folder:
        files = _read(_fetch(Path(folder)))
    cache.make_writable(stored)
    for name, data in files.items():
        with atomic_file(stored / name) as aside:
            aside.write_bytes(data)
    return files


def _stored(folder: Path) -> dict[str, bytes] | None:
    """The files in the cache; None if one is missing or not what it should be."""
    try:
        files = {name: (folder / name).read_bytes() for name in _CHECKSUMS}
    except OSError:
        return None
    return None if _wrong(files) else files


def _wrong(files: Mapping[str, bytes]) -> list[str]:
    return [name for name, data in files.items() if hashlib.sha256(data).hexdigest() != _CHECKSUMS[name]]


def _fetch(folder: Path) -> Path:
    """Let npm write the archive of the package into a folder."""
    npm = shutil.which("npm")
    if npm is None:
        raise UserError(f"a page for the browser needs {PACKAGE}, which npm fetches: install npm, or {_OTHERWISE}")
    command = [npm, "pack", "--silent", PACKAGE]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", errors="replace", check=False)
    archives = list(folder.glob("*.tgz"))
    if done.returncode or not archives:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise UserError(f"npm could not fetch {PACKAGE} ({reason[:200]}): try again with a network, or {_OTHERWISE}")
    return archives[0]


def _read(archive: Path) -> dict[str, bytes]:
    """The two files in an archive of the package, verified."""
    try:
        with tarfile.open(archive, "r:gz") as package:
            files = {name: _member(package, name) for name in _CHECKSUMS}
    except (OSError, EOFError, tarfile.TarError, KeyError) as error:
        raise UserError(f"{archive}: is not an archive of {PACKAGE} ({error}); {_OTHERWISE}") from error
    wrong = _wrong(files)
    check(not wrong, f"{archive}: {', '.join(wrong)} is not that of {PACKAGE}, by its SHA-256; {_OTHERWISE}")
    return files


def _member(package: tarfile.TarFile, name: str) -> bytes:
    file = package.extractfile(f"package/dist/{name}")
    if file is None:
        raise KeyError(f"{name} is no file")
    return file.read()
