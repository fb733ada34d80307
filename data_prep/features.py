"""Extract features of pictures with a frozen CNN, ahead of training.

    s2s prepare features data/flickr8k/images --backbone efficientnet_lite2 --mirrored

Features that are in the cache are not computed again, and an interrupted extraction is resumed. Unreadable pictures are
reported and skipped; the exit code is then 1.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from s2s.cli import command
from s2s.cli.arguments import Parser, add_machine_options, positive
from s2s.errors import check, warn
from s2s.files import check_readable
from s2s.vision.crops import MIRRORED, WHOLE, Augmentation


def features(arguments: list[str]) -> int:
    """Extract the features of the pictures that the arguments name; return the exit code."""
    options = _parser().parse_args(arguments)
    if options.weights:
        check_readable(options.weights)

    from captioning.inputs import expanded

    paths = [path for name in options.paths for path in expanded(name)]
    failed = max(_extract(options, paths, view) for view in ([WHOLE, MIRRORED] if options.mirrored else [WHOLE]))
    return 1 if failed else 0


def _extract(options: argparse.Namespace, paths: list[Path], view: Augmentation) -> int:
    """Extract one view of all pictures; return the number of unreadable pictures."""
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
    check(found.kept, "no picture could be read; see the warnings above")
    shape = " x ".join(map(str, found.features.header.shape))
    print(f"{len(found.kept):,} of {len(paths):,} pictures{view}, {shape} each", file=sys.stderr)
    print(found.features.folder)
    return len(found.failed)


def _parser() -> Parser:
    parser = Parser(
        description="Extract the feature maps of pictures with a frozen CNN, and keep them for training in the folder "
        "$S2S_CACHE.",
        epilog="Training uses the features if its recipe has the same backbone, weights, preprocessing and precision, "
        "and image.tuned_stages = 0.",
    )
    add = parser.add_argument
    add("paths", nargs="+", metavar="PATH", help="a picture, a folder (searched recursively), or a quoted pattern")
    add("--backbone", default="efficientnet_lite2", metavar="NAME", help="the CNN (default: efficientnet_lite2)")
    add("--weights", type=Path, metavar="FILE", help="the weights of the CNN (default: weights trained on ImageNet)")
    add(
        "--size",
        type=positive,
        default=224,
        metavar="N",
        help="width and height of the CNN's input in pixels (default: 224)",
    )
    add(
        "--fit",
        choices=["stretch", "pad"],
        default="stretch",
        help="stretch a picture to the square, or pad it (default: stretch)",
    )
    add("--mirrored", action="store_true", help="also extract the features of the mirrored pictures")
    add_machine_options(parser, ("bfloat16", "float32"))
    return parser


def main() -> int:
    """Entry point."""
    return command.run(features)


if __name__ == "__main__":
    sys.exit(main())
