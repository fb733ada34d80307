"""Download Multi30k: parallel text in English, German and French.

    s2s prepare multi30k --output data/multi30k

downloads task 1, translations of descriptions of photographs (Elliott et al., 2016; French: 2017): `train`, `val` and
`test_2016_flickr`, raw and cased, in files such as `train.en`. `--descriptions` also downloads task 2: five
descriptions of each training photograph in English and five in German. Their authors saw the photograph, but not each
other's sentences. The descriptions are monolingual text for back-translation and self-training. They are written to
one file per language, such as `descriptions.de`, without duplicates and without the sentences of `val` and
`test_2016_flickr`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from data_prep.descriptions import write_descriptions
from data_prep.download import Content, copy, fetch
from data_prep.picture_lists import read_table, write_lists
from s2s.cli import command
from s2s.cli.arguments import Parser
from s2s.errors import UserError, check
from s2s.files import check_output

REPOSITORY = "https://raw.githubusercontent.com/multi30k/dataset/master/data"
SPLITS = ("train", "val", "test_2016_flickr")
LANGUAGES = ("en", "de", "fr")
DESCRIBED = ("en", "de")  # the languages of task 2

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
    "descriptions/train.1.en": Content(2742773, "636e949e8a5ae49bf4643e5566cd5400359328003937db2840d0910d85a820d8"),
    "descriptions/train.2.en": Content(2115892, "18088d31a798cae6c90ae89bedd0c0e60601f9411438f38103036f830b3f9f72"),
    "descriptions/train.3.en": Content(1765174, "03b7594e8a2145e2178d07342b776d006a8722aca298b415c4cb465afe217ed4"),
    "descriptions/train.4.en": Content(1483469, "6fc0e7b4b6b59e8e19af79b44fe28dd21f0258a58db290e34e96020df44e0f59"),
    "descriptions/train.5.en": Content(1195749, "4ad11df3e1a83e3785d8bab96b68668875ff7f6146744c28bf6766240e7fe9f5"),
    "descriptions/train.1.de": Content(1513335, "8372eef31ce1e3752305606ebea5c85184b693f8a97b242a5fa69846657c10c1"),
    "descriptions/train.2.de": Content(1621984, "94fd5a5e3be50f056eccf54612dbc129a2b387c185e7008a539f046fa4c17a30"),
    "descriptions/train.3.de": Content(1732899, "b73442caefe91d691493fb005cd4a9ebf8e42b35f7cd2e0e6a41938a75637df6"),
    "descriptions/train.4.de": Content(1904201, "cf016e3de76e074a639c4f904748c96268467b36c5085e8d54b3720cb8366319"),
    "descriptions/train.5.de": Content(2076784, "0d3645d0a8cec8150fa63d3e5879fb78eb21be1ea92bdb4094be556bfdab51f5"),
}

TERMS = (
    "The data is for research use, under the terms of its authors (https://github.com/multi30k/dataset). "
    "It is downloaded from there and is not part of this program."
)


def prepare_multi30k(
    output: Path,
    names: Sequence[str],
    *,
    folder: Path | None = None,
    url: str = REPOSITORY,
    files: Mapping[str, Content] = FILES,
    force: bool = False,
) -> list[Path]:
    """Put the files of these names into `output`, from `folder` if it is given or else from `url`; return the new ones.

    Right ones that are there already are left alone. A wrong one is a UserError, unless `force` replaces it.
    """
    for name in names:
        (output / name).parent.mkdir(parents=True, exist_ok=True)
    missing = [name for name in names if not files[name].is_in(output / name)]
    wrong = [name for name in missing if (output / name).exists()]
    check(
        force or not wrong,
        f"{output}: {', '.join(wrong)} there is not Multi30k's (by its checksum); "
        "choose another --output, or replace it with --force",
    )
    for name in missing:
        check_output(output / name, force=force)
    sources = {} if folder is None else {name: _source(folder, name) for name in missing}
    for name in missing:
        path, content = output / name, files[name]
        if folder is not None:
            copy(sources[name], path, content, otherwise="give Multi30k's own file, raw or .gz, not a processed one")
        else:
            otherwise = "if it stays so, get the files by other means and name their folder with --from"
            fetch(f"{url}/{_address(name)}.gz", path, content, otherwise=otherwise)
    return [output / name for name in missing]


def translations(languages: Iterable[str]) -> list[str]:
    """The names of the files of task 1."""
    return [f"{split}.{language}" for split in SPLITS for language in languages]


def descriptions(language: str) -> list[str]:
    """The names of the training files of task 2."""
    return [f"descriptions/train.{number}.{language}" for number in range(1, 6)]


def _address(name: str) -> str:
    """Where the repository keeps a file, but for its `.gz`."""
    folder, _, file = name.rpartition("/")
    return f"task2/raw/{file}" if folder else f"task1/raw/{file}"


def _source(folder: Path, name: str) -> Path:
    for candidate in (folder / name, folder / f"{name}.gz", folder / f"{_address(name)}.gz"):
        if candidate.exists():
            return candidate
    raise UserError(f"{folder}: has neither {name} nor {name}.gz; name the folder with Multi30k's raw files")


def multi30k(arguments: list[str]) -> int:
    """Download what the arguments name; return the exit code."""
    options = _parser().parse_args(arguments)
    languages = list(dict.fromkeys(options.languages))
    described = [language for language in languages if language in DESCRIBED] if options.descriptions else []
    check(described or not options.descriptions, f"--descriptions: only available in {' and '.join(DESCRIBED)}")
    names = [*translations(languages), *(name for language in described for name in descriptions(language))]
    for path in prepare_multi30k(options.output, names, folder=options.folder, force=options.force):
        print(path)
    print(f"{options.output}: every file has the right checksum", file=sys.stderr)
    for language in described:
        path = options.output / f"descriptions.{language}"
        parts = [options.output / name for name in descriptions(language)]
        held_out = [options.output / f"{split}.{language}" for split in SPLITS[1:]]
        report = write_descriptions(path, parts, held_out, force=options.force)
        print(path)
        print(f"{path}: {report}", file=sys.stderr)
    if options.pictures:
        texts = [options.output / f"{split}.{languages[0]}" for split in SPLITS]
        for path in write_lists(read_table(options.pictures), texts, force=options.force):
            print(path)
    return 0


def _parser() -> Parser:
    parser = Parser(
        description=f"Download Multi30k (task 1, raw: {', '.join(SPLITS)}) and check the SHA-256 of every file.",
        epilog=TERMS,
    )
    add = parser.add_argument
    add("--output", type=Path, required=True, metavar="DIR", help="the folder to write to")
    add("--languages", nargs="+", choices=LANGUAGES, default=["en", "de"], help="languages (default: en de)")
    add(
        "--descriptions",
        action="store_true",
        help="also write descriptions.LANG, the monolingual text of task 2 (en, de), without the sentences of val and "
        "test; do not train a captioner on the English one, which contains captions of Flickr8k's test pictures",
    )
    add("--from", dest="folder", type=Path, metavar="FOLDER", help="copy the files (raw or .gz) from FOLDER instead")
    add(
        "--pictures",
        type=Path,
        metavar="TABLE",
        help="also write train.images and so on, the photograph of each line, for translation with pictures: TABLE has "
        "tabs, and names set, line and image in its first line",
    )
    add("--force", action="store_true", help="overwrite existing files that differ")
    return parser


def main() -> int:
    """Entry point."""
    return command.run(multi30k)


if __name__ == "__main__":
    sys.exit(main())
