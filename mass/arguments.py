"""The arguments of `s2s mass translate` and `s2s mass caption`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from s2s.cli.arguments import Parser, add_device, number, positive
from s2s.cli.search_options import add_search_options
from s2s.errors import check
from s2s.runtime.engine_options import EngineOptions, cores

if TYPE_CHECKING:
    from mass.outcomes import Engine

# Options that change where and how fast something is done, and not what comes out.
_FREE = {"source", "output", "model", "to", "engine", "address", "workers", "threads", "gpus_per_worker", "debug"}
_EPILOG = (
    "OUTPUT is a new folder; beside it, OUTPUT.mass keeps what is known of the run. The same command goes on where it "
    "was interrupted. exit codes: 0 success; 1 some items failed and were reported; 2 error, explained by a message; "
    "130 interrupted"
)


def mass_parser(description: str, source: str, source_help: str, size: int, unit: str) -> Parser:
    """A parser with what both commands have in common.

    Args:
        description: of the command
        source, source_help: name and help of the input
        size: of a shard, by default
        unit: what is in a shard, such as "lines"
    """
    parser = Parser(description=description, epilog=_EPILOG)
    add = parser.add_argument
    add("source", type=Path, metavar=source, help=source_help)
    add("output", type=Path, metavar="OUTPUT", help="the folder for the results, in files part-00000000 and so on")
    add("--shard-size", type=positive, default=size, metavar="N", help=f"{unit} in a shard (default: {size})")
    add_search_options(parser, ordered=False)
    group = parser.add_argument_group("machines")
    add = group.add_argument
    add(
        "--engine",
        choices=["local", "ray"],
        default="local",
        help="who does the work: processes of this machine, or Ray Data (default: local)",
    )
    add(
        "--address",
        metavar="ADDRESS",
        help="the Ray cluster to work on, such as auto; all its machines must see the same files, and have the same "
        "toolkit and model (default: Ray is started on this machine); --engine ray",
    )
    add(
        "--workers",
        type=positive,
        metavar="N",
        help="workers, each with a model (default: as many as there is room for)",
    )
    add("--threads", type=positive, default=1, metavar="N", help="processor cores of each worker (default: 1)")
    add_device(group)
    add(
        "--gpus-per-worker",
        type=_share,
        default=1.0,
        metavar="X",
        help="GPUs of each worker, or a part of one such as 0.5 (default: 1); --device cuda",
    )
    add(
        "--runtime",
        choices=["auto", "onnx", "torch"],
        default="auto",
        help="what computes: ONNX Runtime on the light form of the model, or PyTorch (default: auto, which is PyTorch "
        "with --device cuda, and else onnx where the model has a light form)",
    )
    add(
        "--precision",
        choices=["auto", "int8", "bfloat16", "float32"],
        default="auto",
        help="precision of matrix products (default: auto)",
    )
    return parser


def _share(text: str) -> float:
    value = number(text)
    if not (0 < value <= 1 or value in range(2, 65)):
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number above 0 up to 1, nor a whole number up to 64")
    return value


def check_machines(options: argparse.Namespace) -> None:
    """Raise a UserError if options do not go together."""
    check(options.address is None or options.engine == "ray", "--address is of --engine ray; add it")
    check(options.gpus_per_worker == 1 or options.device == "cuda", "--gpus-per-worker is of --device cuda; add it")


def machine(options: argparse.Namespace) -> EngineOptions:
    """What computes in each worker."""
    return EngineOptions(options.runtime, options.device, options.precision, options.threads)


def engine(options: argparse.Namespace) -> Engine:
    """What does the shards. Raises a UserError if GPUs are asked for, and there are none."""
    gpus = options.gpus_per_worker if options.device == "cuda" else 0
    if options.engine == "ray":
        from mass.ray_engine import RayEngine

        return RayEngine(options.address, options.workers, options.threads, gpus)
    from mass.local import LocalEngine

    names = _gpus() if gpus else []
    room = int(len(names) / gpus) if gpus else cores() // options.threads
    return LocalEngine(options.workers or max(1, room), names)


def _gpus() -> list[str]:
    """The names of this machine's GPUs."""
    import torch

    count = torch.cuda.device_count()
    check(count, "--device cuda: there is no GPU that PyTorch can use; leave it out")
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return visible.split(",")[:count] if visible else list(map(str, range(count)))


def settings(options: argparse.Namespace, model_digest: str, **chosen: object) -> dict[str, str]:
    """By what outputs differ: the input, the model, and the options that are not only about machines.

    Args:
        options: parsed
        model_digest: of the model's directory
        chosen: values of options that the command line may leave out, as they were chosen
    """
    record = {"INPUT": str(options.source), "--model": model_digest}
    own = {name: value for name, value in vars(options).items() if name not in _FREE} | chosen
    return record | {f"--{name.replace('_', '-')}": repr(value) for name, value in own.items()}
