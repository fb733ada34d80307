"""Multi30k, task 1: sentences about photographs in English, German and French (Elliott et al., 2016; French: 2017).

    python -m data_prep.multi30k --output data/multi30k

fetches `train`, `val` and `test_2016_flickr`, raw and cased, into files named like `train.en`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from data_prep.download import Content, copy, fetch
from s2s import command
from s2s.errors import UserError, check
from s2s.files import check_new

REPOSITORY = "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw"
SPLITS = ("train", "val", "test_2016_flickr")
LANGUAGES = ("en", "de", "fr")

# Of the text, not of the .gz files in the repository: these were computed from unpacked copies, on the assumption that
# the archives hold the same bytes. If the repository ever changes, these numbers, and not its branch, decide.
FILES: Mapping[str, Content] = {
    "train.en": Content(1801238, "460a15fbd157e34a7a9957ee388c1ca247fe47af3ef25fb50442af6c274e0fc6"),
    "train.de": Content(2110398, "2c2b73fd2b548fbcde3a875e0a78d6ee94d498bfdee6bd3eae3945779e9ddf72"),
    "train.fr": Content(2111303, "5925a3c18f1587b6b54b87743106e6e8ab93618edb6f65d19eac0621f853a10d"),
    "val.en": Content(63297, "1f2a23d992769b5b3d209b0a10dd0b77c08cceb1f20dfb97ed0aafa49d107227"),
    "val.de": Content(75981, "660e09eb7e1da2f856ea13ee5ad3cf6d36b3d5b0b733c857e94c5747a3dfc660"),
    "val.fr": Content(73924, "5304e444d842e962b2dda4d816b70b22a1765b15401642b7ca37a67477e708dc"),
    "test_2016_flickr.en": Content(62076, "399a4382932c1aadd3ceb9bef1008d388a64c76d4ae4e9d4728c6f4301cac182"),
    "test_2016_flickr.de": Content(70649, "4be6b5b3236b79c25475c6bb829800a7ce559e9ba7a1f6c2394fe4d40be46d16"),
    "test_2016_flickr.fr": Content(72261, "cb3160d69b002bb638e66cc7612fcd56cb0af82eadc9c142dedc438afb885ef6"),
}

TERMS = (
    "The data is for research use, under the terms of its authors (https://github.com/multi30k/dataset); "
    "it is fetched to you, not distributed with this program."
)


def prepare(
    output: Path,
    languages: Sequence[str],
    *,
    folder: Path | None = None,
    url: str = REPOSITORY,
    files: Mapping[str, Content] = FILES,
    force: bool = False,
) -> list[Path]:
    """Put the files of `languages` into `output`, from `folder` if it is given or else from `url`; return the new ones.

    Right ones that are there already are left alone. A wrong one is a UserError, unless `force` replaces it.
    """
    output.mkdir(parents=True, exist_ok=True)
    wanted = [f"{split}.{language}" for split in SPLITS for language in languages]
    missing = [name for name in wanted if not files[name].is_in(output / name)]
    wrong = [name for name in missing if (output / name).exists()]
    check(
        force or not wrong,
        f"{output}: {', '.join(wrong)} there is not Multi30k's (by its checksum); "
        "choose another --output, or replace it with --force",
    )
    for name in missing:
        check_new(output / name, force=force)
    sources = {} if folder is None else {name: _source(folder, name) for name in missing}
    for name in missing:
        path, content = output / name, files[name]
        if folder is not None:
            copy(sources[name], path, content, otherwise="give Multi30k's own file, raw or .gz, not a processed one")
        else:
            otherwise = "if it stays so, get the files by other means and name their folder with --from"
            fetch(f"{url}/{name}.gz", path, content, otherwise=otherwise)
    return [output / name for name in missing]


def _source(folder: Path, name: str) -> Path:
    for candidate in (folder / name, folder / f"{name}.gz"):
        if candidate.exists():
            return candidate
    raise UserError(f"{folder}: has neither {name} nor {name}.gz; name the folder with Multi30k's raw files (task 1)")


def multi30k(arguments: list[str]) -> int:
    """The command `python -m data_prep.multi30k`."""
    parser = command.Parser(
        prog="python -m data_prep.multi30k",
        description=f"Get Multi30k (task 1, raw: {', '.join(SPLITS)}) and check every file's SHA-256.",
        epilog=TERMS,
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="where the files go")
    parser.add_argument("--languages", nargs="+", choices=LANGUAGES, default=["en", "de"], help="default: en de")
    parser.add_argument(
        "--from", dest="folder", type=Path, metavar="FOLDER", help="take the files (raw or .gz) from here, not the web"
    )
    parser.add_argument("--force", action="store_true", help="replace wrong files in DIR")
    options: argparse.Namespace = parser.parse_args(arguments)
    new = prepare(options.output, list(dict.fromkeys(options.languages)), folder=options.folder, force=options.force)
    for path in new:
        print(path)
    print(f"{options.output}: every file has the right checksum ({len(new)} new)", file=sys.stderr)
    return 0


def main() -> int:
    """The entry point."""
    return command.run(multi30k)


if __name__ == "__main__":
    sys.exit(main())
