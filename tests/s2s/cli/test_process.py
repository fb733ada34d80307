"""What commands set up for their process, and that no import of the project does it."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch

from s2s.cli import command
from s2s.nn.precision import has_fast_bfloat16

ROOT = Path(__file__).resolve().parents[3]
LIMITS = ("LRU_CACHE_CAPACITY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY")
# Everything is imported once, so that other packages have their effects; then the project's modules are forgotten, and
# imported again one by one. A module may be imported first by another one: it is blamed under that one's name.
IMPORTS = """
import importlib, os, sys, warnings
from pathlib import Path

packages = sys.argv[1:]
modules = [
    ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    for package in packages for path in sorted(Path(package).rglob("*.py"))
]
for module in modules:
    importlib.import_module(module)
for module in [name for name in sys.modules if name.partition(".")[0] in packages]:
    del sys.modules[module]
warnings.resetwarnings()
os.environ.clear()
for module in modules:
    importlib.import_module(module)
    if os.environ or warnings.filters:
        sys.exit(f"importing {module}: {dict(os.environ)} {warnings.filters}")
print(len(modules))
"""


def test_no_import_changes_the_environment_or_the_warnings() -> None:
    packages = ["s2s", "translation", "captioning", "data_prep"]
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS, *packages], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) > 100


def test_an_import_with_an_effect_is_seen(tmp_path: Path) -> None:
    for name, source in {
        "environment": "import os; os.environ['A'] = 'b'",
        "filters": "import warnings; warnings.simplefilter('ignore')",
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "module.py").write_text(source)
        done = subprocess.run(
            [sys.executable, "-c", IMPORTS, name], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert f"importing {name}.module: " in done.stderr


@pytest.mark.parametrize(("users", "expected"), [(None, "64"), ("7", "7")])
def test_every_command_limits_the_caches_unless_the_user_has_set_them(
    users: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in LIMITS:
        monkeypatch.setenv(name, users or "")
        if users is None:
            monkeypatch.delenv(name)
    assert command.run(lambda _: int(any(os.environ[name] != expected for name in LIMITS)), []) == 0


def test_every_command_ignores_the_warnings_of_pillow() -> None:
    def main(_: list[str]) -> int:
        for module in ("PIL.Image", "numpy"):
            warnings.warn_explicit("careful", UserWarning, f"{module}.py", 1, module)
        return 0

    with warnings.catch_warnings(record=True) as shown:
        warnings.resetwarnings()
        assert command.run(main, []) == 0
    assert [warning.filename for warning in shown] == ["numpy.py"]


def test_preparing_a_process_imports_nothing_heavy() -> None:
    program = (
        "import sys; before = {*sys.modules}; from s2s.cli.process import prepare_process; prepare_process()\n"
        "print(int(bool({'torch', 'numpy', 'PIL', 'logging'} & ({*sys.modules} - before))))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"


@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory from /proc")
@pytest.mark.skipif(not has_fast_bfloat16(torch.device("cpu")), reason="needs a processor with bfloat16 products")
def test_products_of_many_shapes_take_no_memory() -> None:
    """Without the limits 400 shapes take some 600 MB."""
    script = """
import torch
from pathlib import Path
from s2s.cli.process import prepare_process
from s2s.nn.precision import autocast

prepare_process()

def megabytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 // 2**20

inputs, weight = torch.randn(400, 256), torch.randn(256, 512)
before = megabytes()
with torch.no_grad(), autocast("bfloat16", torch.device("cpu")):
    for rows in range(1, 400):
        inputs[:rows] @ weight
print(megabytes() - before)
"""
    environment = {name: value for name, value in os.environ.items() if name not in LIMITS}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 200
