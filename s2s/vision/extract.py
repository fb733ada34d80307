"""Pictures through a frozen CNN, into a file of features in the cache: what is there already is not done again."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from s2s import cache
from s2s.config import to_dict
from s2s.errors import check, counted, first_few, warn
from s2s.files import sha256
from s2s.nn.configuration import Precision
from s2s.nn.precision import autocast
from s2s.vision.backbones import Backbone, fold_batch_norm
from s2s.vision.batches import stack_pictures
from s2s.vision.crops import WHOLE, Augmentation
from s2s.vision.features import FeatureFile, FeatureWriter, Header, feature_writer, read_rows
from s2s.vision.grids import Pixels
from s2s.vision.images import ImageError, Picture, Preprocessing, read_image

A = TypeVar("A")
B = TypeVar("B")

_BATCH = 32  # pictures that go to the disk together


@dataclass(frozen=True)
class Extraction:
    """What came of some images.

    Attributes:
        features: of those that could be read, in their order
        kept: the numbers of these among all
        failed: why the others could not be read
    """

    features: FeatureFile
    kept: Sequence[int]
    failed: Sequence[ImageError]


def extract(
    images: Sequence[Path],
    backbone: Backbone,
    preprocessing: Preprocessing,
    *,
    view: Augmentation = WHOLE,
    precision: Precision = "auto",
) -> Extraction:
    """The features of images: from the cache where it has them, else computed now, with a progress bar.

    Killed at any moment, the next call goes on where it was.

    Args:
        images: files of pictures
        backbone: on its device; it is taken as frozen
        preprocessing: of the pictures
        view: what is seen of the pictures
        precision: of matrix products

    Raises:
        UserError: the cache cannot be written or is damaged, or a feature is beyond 16 bits.
    """
    header = _header(backbone, preprocessing, view, precision)
    folder = cache.folder() / "features" / cache.key([to_dict(header)])
    cache.make_writable(folder.parent)  # said before the work is done
    with ThreadPoolExecutor(thread_name_prefix="pictures") as pool:
        contents = list(pool.map(_content, images))
        files = {content: path for path, content in zip(images, contents) if isinstance(content, str)}
        rows, unreadable = read_rows(folder, header), {}
        if files.keys() - rows.keys():
            with feature_writer(folder, header) as writer:
                rows = read_rows(folder, header)  # as they are now that nobody else adds any
                missing = {content: path for content, path in files.items() if content not in rows}
                unreadable = _add(missing, fold_batch_norm(backbone), header, writer, pool)
            rows = read_rows(folder, header)
    kept = [number for number, content in enumerate(contents) if content in rows]
    failed = [
        content if isinstance(content, ImageError) else ImageError(path, unreadable[content].reason)
        for path, content in zip(images, contents)
        if content not in rows
    ]
    features = FeatureFile(folder, header, [rows[str(contents[number])] for number in kept])
    features.verify()
    return Extraction(features, kept, failed)


def _header(backbone: Backbone, preprocessing: Preprocessing, view: Augmentation, precision: Precision) -> Header:
    device = backbone.mean.device
    with autocast(precision, device):
        actual = "bfloat16" if torch.is_autocast_enabled(device.type) else "float32"
    shape = (*backbone.grid_shape(preprocessing.size, preprocessing.size), backbone.dim)
    return Header(backbone.name, backbone.fingerprint(), actual, preprocessing, view, shape)


def _content(path: Path) -> str | ImageError:
    """The SHA-256 of an image file's bytes, or why there is none."""
    try:
        if path.is_file():
            return sha256(path)
        read_image(path)  # which knows best what is wrong
    except ImageError as error:
        return error
    except OSError as error:
        return ImageError(path, f"cannot be read: {error.strerror}")
    return ImageError(path, "was replaced while it was read")


def _add(
    missing: Mapping[str, Path], network: Backbone, header: Header, writer: FeatureWriter, pool: ThreadPoolExecutor
) -> dict[str, ImageError]:
    """Compute and write the rows of files by their contents; those that cannot be read are given back."""
    from tqdm import tqdm

    title = f"{header.backbone}{header.view}"
    interval = 1.0 if sys.stderr.isatty() else 30.0
    unreadable: dict[str, ImageError] = {}
    flat: list[Path] = []
    decoded = zip(missing, _ahead(pool, partial(_decoded, header), missing.items(), 2 * _BATCH))
    with tqdm(total=len(missing), desc=title, unit=" pictures", mininterval=interval, dynamic_ncols=True) as bar:
        while batch := dict(islice(decoded, _BATCH)):
            unreadable |= {content: found for content, found in batch.items() if isinstance(found, ImageError)}
            pictures = {content: found for content, found in batch.items() if isinstance(found, Picture)}
            flat += [missing[content] for content, picture in pictures.items() if picture.is_flat]
            if pictures:
                cells = _cells(network, list(pictures.values()), header)
                _check_range(cells, [missing[content] for content in pictures], header)
                extents = {content: (picture.height, picture.width) for content, picture in pictures.items()}
                writer.append(extents, cells.numpy())
            bar.update(len(batch))
    if header.view == WHOLE:
        warn_of_flat(flat)
    return unreadable


def warn_of_flat(paths: Sequence[Path]) -> None:
    """Print a warning that names pictures of one colour, if there are any: they are used, but teach nothing."""
    if paths:
        are = "is" if len(paths) == 1 else "are"
        warn(f"{counted(len(paths), 'picture')} {are} one colour, which teaches nothing: {first_few(paths)}")


def _decoded(header: Header, file: tuple[str, Path]) -> Picture | ImageError:
    content, path = file
    try:
        image = read_image(path)
    except ImageError as error:
        return error
    return header.preprocessing.apply(header.view.apply(image, content))


@torch.no_grad()
def _cells(network: Backbone, pictures: Sequence[Picture], header: Header) -> Tensor:
    """Feature maps (pictures, rows, columns, dim), float16, on the CPU."""
    device = network.mean.device
    pixels = Pixels.of(stack_pictures(pictures, header.preprocessing)).values.to(device)
    with autocast("bfloat16" if header.precision == "bfloat16" else "float32", device):
        return network(pixels).half().cpu()


def _check_range(cells: Tensor, paths: Sequence[Path], header: Header) -> None:
    wrong = [path for path, finite in zip(paths, cells.isfinite().flatten(1).all(1).tolist()) if not finite]
    check(
        not wrong,
        f"{header.backbone}: a feature of {wrong[0] if wrong else ''} is beyond 16 bits, so it cannot be stored; "
        "take another backbone or other weights",
    )


def _ahead(pool: ThreadPoolExecutor, work: Callable[[A], B], items: Iterable[A], depth: int) -> Iterator[B]:
    """The results of `work` in order, that of up to `depth` further items being done meanwhile."""
    left = iter(items)
    waiting = deque(pool.submit(work, item) for item in islice(left, depth))
    while waiting:
        result = waiting.popleft().result()
        waiting.extend(pool.submit(work, item) for item in islice(left, 1))
        yield result
