"""Packages that only some commands need, and the extra of this distribution that installs each."""

from __future__ import annotations

_DISTRIBUTION = "s2s-attention"
_EXTRAS = {
    "torch": {"torch", "torchvision", "sacrebleu", "sacremoses", "pycocotools", "onnx", "tqdm", "zstandard"},
    "server": {"starlette", "uvicorn", "python_multipart", "prometheus_client", "py3langid"},
    "spans": {"seqeval"},
    "tensorboard": {"tensorboard"},
    "parquet": {"pyarrow"},
    "ray": {"ray"},
    "formats": {"markdown_it", "mdit_py_plugins"},
}
_NAMES = {"torch": "PyTorch", "ray": "Ray", "markdown_it": "markdown-it-py", "mdit_py_plugins": "mdit-py-plugins"}

_ASKED_FOR = {"backbones", "java", "ray"}  # extras that `uv sync` leaves out of a clone's environment


def installation(extra: str) -> str:
    """Return what installs an extra, as in `run: pip install "s2s-attention[torch]" (in a clone: uv sync)`."""
    clone = f"start the command by uv run --extra {extra}" if extra in _ASKED_FOR else "uv sync"
    return f'run: pip install "{_DISTRIBUTION}[{extra}]" (in a clone: {clone})'


def missing_extra(error: BaseException, user: str) -> str:
    """Return what to install, in one line, if `error` says that a package of an extra is missing; else nothing.

    Args:
        error: any exception.
        user: what needs the package, such as "s2s train translation".
    """
    if isinstance(error, ModuleNotFoundError) and error.name:
        package = error.name.partition(".")[0]
        for extra, packages in _EXTRAS.items():
            if package in packages:
                name = _NAMES.get(package, package)
                return f"{user} needs {name}, which is not installed; {installation(extra)}"
    return ""
