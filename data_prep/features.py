"""Features of pictures by a frozen CNN, extracted ahead of training, which then finds them in the cache.

    python -m data_prep.features data/flickr8k/images --backbone efficientnet_lite2 --mirrored

What is there already is not computed again, and what was interrupted goes on. A picture that cannot be read is named
with the reason, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from s2s.cli import command
from s2s.errors import check, warn
from s2s.files import check_readable
from s2s.vision.crops import MIRRORED, WHOLE, Augmentation


def features(arguments: list[str]) -> int:
    """The command `python -m data_prep.features`."""
    options = _parser().parse_args(arguments)
    if options.weights:
        check_readable(options.weights)

    from captioning.caption import expanded

    paths = [path for name in options.paths for path in expanded(name)]
    failed = max(_extract(options, paths, view) for view in ([WHOLE, MIRRORED] if options.mirrored else [WHOLE]))
    return 1 if failed else 0


def _extract(options: argparse.Namespace, paths: list[Path], view: Augmentation) -> int:
    """Extract one view of all pictures and report; the number of those that could not be read."""
    import torch

    from s2s.nn.precision import choose_device
    from s2s.vision.backbones import build_backbone
    from s2s.vision.extract import extract
    from s2s.vision.images import Preprocessing

    if options.threads:
        torch.set_num_threads(options.threads)
    backbone = build_backbone(options.backbone, options.weights).to(choose_device(options.device))
    preprocessing = Preprocessing(options.size, options.fit)
    found = extract(paths, backbone, preprocessing, view=view, precision=options.precision)
    if view == WHOLE:
        for error in found.failed:
            warn(str(error))
    check(found.kept, "no picture could be read; look at the warnings above")
    shape = " x ".join(map(str, found.features.header.shape))
    print(f"{len(found.kept):,} of {len(paths):,} pictures{view}, {shape} each", file=sys.stderr)
    print(found.features.folder)
    return len(found.failed)


def _parser() -> command.Parser:
    parser = command.Parser(
        prog="python -m data_prep.features",
        description="Run pictures through a frozen CNN and keep its feature maps in $S2S_CACHE for training.",
        epilog="Training finds them if its recipe has the same backbone, weights, preprocessing and precision, and "
        "image.tuned_stages = 0.",
    )
    add = parser.add_argument
    add("paths", nargs="+", metavar="PATH", help="a picture, a folder (with the folders in it), or a quoted pattern")
    add("--backbone", default="efficientnet_lite2", metavar="NAME", help="the CNN (default: efficientnet_lite2)")
    add("--weights", type=Path, metavar="FILE", help="its weights, where they are not to be downloaded")
    add("--size", type=command.positive, default=224, metavar="N", help="pixels a side (default: 224)")
    add("--fit", choices=["stretch", "pad"], default="stretch", help="stretch to the square, or pad (default: stretch)")
    add("--mirrored", action="store_true", help="the mirrored pictures too")
    command.add_machine(parser, ("bfloat16", "float32"))
    return parser


def main() -> int:
    """The entry point."""
    return command.run(features)


if __name__ == "__main__":
    sys.exit(main())
