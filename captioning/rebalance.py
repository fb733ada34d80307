"""Take a share of the words' frequency off a captioner's output, so that it says more different words.

    s2s rebalance captioning RUN/best --train train.jsonl --strength 0.3 --output runs/rebalanced

A captioner prefers frequent words beyond what the picture tells. The command writes a model in which each token's logit
is lowered by strength * log p(token), where p is its share of the training captions' tokens (Menon et al., 2021,
"Long-tail learning via logit adjustment", eq. 9). This shifts the output layer's bias: the model takes no longer, and
its search needs no option. Choose the strength on validation pictures; calibrate the new model afterwards.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from captioning.caption import model_directory
from s2s.cli import command
from s2s.cli.arguments import Parser
from s2s.decoding.confidence import FILE
from s2s.errors import check

BIAS = "decoder.projection.bias"  # of the output layer, among the weights of a stored model


def rebalance(arguments: list[str]) -> int:
    """Write the model that the arguments ask for, print its directory and return the exit code."""
    options = _parser().parse_args(arguments)
    directory = model_directory(options.model)
    check(0 <= options.strength <= 1, f"--strength is {options.strength:g}: choose 0 to 1")
    check(not options.output.exists(), f"{options.output}: already exists; choose another --output")
    check(options.output.absolute().parent.is_dir(), f"{options.output}: its folder does not exist; create it first")

    import torch

    from captioning.assets import Assets
    from captioning.prepare import read_examples
    from s2s.storage.model_directory import read_model, write_model
    from s2s.text.tokens import END

    stored = read_model(directory)
    assets = Assets.read(stored)
    vocabulary, writing = assets.vocabulary, assets.config.writing
    sources = (read_examples(path, options.images, writing, keep_duplicates=False) for path in options.train)
    examples = [each for source in sources for each in source]
    check(BIAS in stored.tensors, f"{directory}: its output layer has no bias; this command is for recurrent decoders")
    captions = [caption for example in examples for caption in example.captions]
    counts = Counter(token for ids in vocabulary.encode_all(captions) for token in [*ids, END])
    # One is added to each count, so that a token that never occurs is not preferred without a limit.
    frequencies = torch.tensor([counts[token] + 1.0 for token in range(len(vocabulary))])
    bias = stored.tensors[BIAS]
    shifted = bias.float() - options.strength * (frequencies / frequencies.sum()).log()
    write_model(
        options.output,
        kind=stored.kind,
        config=stored.config,
        tensors={**stored.tensors, BIAS: (shifted - shifted.mean() + bias.float().mean()).to(bias.dtype)},
        assets={name: data for name, data in stored.assets.items() if Path(name).stem != Path(FILE).stem},
        about={"rebalanced": {"model": str(directory), "strength": options.strength}},
        dtype=torch.float16,
    )
    print(options.output)
    return 0


def _parser() -> Parser:
    parser = Parser(
        description="Write a captioning model that prefers frequent words less, so that its captions have more "
        "different words. Its confidence must be calibrated again: see `s2s calibrate captioning`."
    )
    add = parser.add_argument
    add("model", type=Path, metavar="MODEL", help="a model directory or a bundled model (see `s2s models`)")
    add(
        "--train",
        type=Path,
        action="append",
        required=True,
        metavar="SOURCE",
        help="captions that the model was trained on, whose words are counted; may be repeated",
    )
    add("--images", type=Path, metavar="DIR", help="the folder to which the names of pictures are relative")
    add(
        "--strength",
        type=float,
        default=0.3,
        metavar="X",
        help="share of each word's log-frequency that is taken off, 0 to 1 (default: 0.3)",
    )
    add("--output", type=Path, required=True, metavar="DIR", help="the model directory to write")
    return parser


def main() -> int:
    """Entry point."""
    return command.run(rebalance)


if __name__ == "__main__":
    sys.exit(main())
