"""Seeds: every stream of random numbers has its seed from here.

A training is a function of its recipe, whose `training.seed` is the `seed` of these functions. Each stream depends on
the seed and on its place in the training (step; epoch; epoch and position), never on the numbers drawn before. So a
run that is stopped and resumed draws the same numbers as a run that is not.

| function | seeds | generator |
|---|---|---|
| `of_weights` | the initial weights | torch's global one |
| `of_step` | dropout, sampling and all else in one step, on every device, of each process | torch's global ones |
| `of_batches` | which examples share a batch, and the order of the batches, of one epoch | NumPy's PCG64 |
| `of_text` | unknown copies and BPE-dropout of one epoch | `random.Random` |
| `of_streams` | where the streams of a text begin in one epoch | `random.Random` |
| `of_sampled_softmax` | which tokens stand for the vocabulary in one batch | PCG64 |
| `of_picture_order` | of one epoch: the order of the pictures, or of batches of several sizes | `random.Random` |
| `of_views` | how the pictures of one batch are seen: mirrored, cropped | `random.Random` |
| `of_unknown_words` | which words of one batch are read as unknown | `random.Random` |
| `of_crop` | the rectangle that one crop of one picture shows | `random.Random` |
| `of_reading` | the n-th order in which a corpus is read, of which an epoch reads a part | `random.Random` |
| `of_blocks` | the n-th order in which the blocks of a prepared corpus are read | PCG64 |
| `of_block_order` | the order of the blocks of all prepared corpora in one epoch | PCG64 |
| `of_buffer` | which pairs of a buffer share a batch, and the order of its batches | PCG64 |
| `of_buffer_text` | as `of_text`, for one buffer of one epoch | `random.Random` |
| `of_held_out` | which pairs of a text are held out | `random.Random` |
| `of_draw` | the tokens of one hypothesis that is sampled | NumPy's PCG64 |

One function never gives the same seed for two places. Different functions may do so for some arguments, above all with
the seed 0; no recipe suffers from it. The formulas are part of what a recipe means: changing one changes the steps, so
it raises `VERSION` in s2s/training/state.py.
"""

from __future__ import annotations

from collections.abc import Sequence

# Primes that no number of epochs, of batches in an epoch, or of steps reaches: neighbouring seeds share no stream.
_EPOCHS = 1_000_003
_BATCHES = 1_000_003
_STEPS = 1_000_000_007
_RANKS = 2**62 + 135  # odd and far from multiples of the others: ranks share no stream


def of_weights(seed: int) -> int:
    """Return the seed of a model's initial weights."""
    return seed


def of_step(seed: int, step: int, rank: int = 0) -> int:
    """Return the seed of what process `rank` of a training draws after `step` updates of the weights."""
    return (seed * _STEPS + step + rank * _RANKS) % 2**63


def of_batches(seed: int, epoch: int) -> list[int]:
    """Return the entropy for PCG64 that decides the batches of `epoch`, counted from 0."""
    return [seed, epoch]


def of_text(seed: int, epoch: int) -> tuple[int, int]:
    """Return the seeds of a text's random cuts in `epoch`: of the source and of the target.

    The source's seed is also that of the unknown copies, which are drawn for both sides at once.
    """
    source = 2 * _in_epoch(seed, epoch)
    return source, source + 1


def of_streams(seed: int, epoch: int) -> int:
    """Return the seed of the place where the streams of a text begin in `epoch`."""
    return _in_epoch(seed, epoch)


def of_sampled_softmax(seed: int, epoch: int, position: int) -> int:
    """Return the seed that decides which tokens batch `position` of `epoch` samples; both count from 0."""
    return _in_epoch(seed, epoch) * _BATCHES + position


def of_picture_order(seed: int, epoch: int) -> int:
    """Return the seed of the order of the pictures in `epoch`, or of the batches if they have several sizes."""
    return _in_epoch(seed, epoch)


def of_views(seed: int, epoch: int, position: int) -> int:
    """Return the seed of the views in the batch at `position` of `epoch`, both counted from 0."""
    return _in_epoch(seed, epoch) * _BATCHES + position


def of_unknown_words(seed: int, epoch: int, position: int) -> int:
    """Return the seed of the unknown words in the batch at `position` of `epoch`, both counted from 0."""
    return _in_epoch(seed, epoch) * _BATCHES + position


def of_crop(number: int, content: str) -> str:
    """Return the seed of crop `number` of a picture whose file has the SHA-256 `content`.

    It depends on no recipe: the features of a crop are cached, and serve every recipe.
    """
    return f"{number} {content}"


def of_reading(seed: int, corpus: int, reading: int) -> str:
    """Return the seed of the order in which a corpus of a mixture is read for the n-th time, both counted from 0."""
    return f"{seed} {corpus} {reading}"


def of_blocks(seed: int, corpus: int, reading: int) -> list[int]:
    """Return the entropy for PCG64 of the order in which the blocks of a corpus are read for the n-th time, from 0."""
    return [seed, corpus, reading, 1]


def of_block_order(seed: int, epoch: int) -> list[int]:
    """Return the entropy for PCG64 of the order of all blocks in `epoch`, counted from 0."""
    return [seed, epoch, 2]


def of_buffer(seed: int, epoch: int, buffer: int) -> list[int]:
    """Return the entropy for PCG64 that decides the batches of a buffer of `epoch`, both counted from 0."""
    return [seed, epoch, buffer, 3]


def of_buffer_text(seed: int, epoch: int, buffer: int) -> tuple[int, int]:
    """Return the seeds of the random cuts of a buffer of `epoch`, both counted from 0; see `of_text`."""
    source = 2 * (_in_epoch(seed, epoch) * _BATCHES + buffer)
    return source, source + 1


def of_held_out(seed: int) -> int:
    """Return the seed of the choice of pairs that are held out of a text."""
    return seed


def of_draw(place: Sequence[int], draw: int) -> tuple[int, ...]:
    """Return the key, below the seed of a `numpy.random.SeedSequence`, of draw number `draw` for a sentence.

    `place` says which sentence it is, such as its line and its number in that line. It belongs to no training.
    """
    return (*place, draw)


def _in_epoch(seed: int, epoch: int) -> int:
    return seed * _EPOCHS + epoch
