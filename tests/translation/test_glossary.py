"""translation.glossary: what a file may hold, and which terms a sentence has."""

from __future__ import annotations

import gzip
import unicodedata
from pathlib import Path

import pytest

from s2s.errors import UserError
from translation.glossary import Entry, Glossary


def found(glossary: Glossary, text: str, *, any_case: bool = False) -> list[str]:
    """What is found, as `text=target`."""
    return [f"{text[each.start : each.end]}={each.written(text)}" for each in glossary.find(text, any_case=any_case)]


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_holds_entries_and_comments(tmp_path: Path) -> None:
    text = "\ufeff# animals\r\ndog\tHund\r\n\r\n steering  wheel \t Lenkrad \r\n#cat\tKatze"
    plain, packed = written(tmp_path / "terms.tsv", text), tmp_path / "terms.tsv.gz"
    packed.write_bytes(gzip.compress(text.encode()))
    keep = written(tmp_path / "keep.txt", "# names\nJack Russell\n")
    for path in (plain, packed):
        assert Glossary.read(path, keep).entries == [
            Entry("dog", "Hund", f"{path}: line 2"),
            Entry("steering  wheel", "Lenkrad", f"{path}: line 4"),
            Entry("Jack Russell", None, f"{keep}: line 2"),
        ]
    assert found(Glossary.read(plain), "a steering wheel") == ["steering wheel=Lenkrad"]
    assert Glossary.read(None, keep).find("Jack Russell") != []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("dog\tHund\ncat\n", "line 2: no tab; an entry is SOURCE, a tab, and TARGET"),
        ("dog\tHund\tx\n", "line 1: 2 tabs; an entry is SOURCE, a tab, and TARGET"),
        ("\tHund\n", "line 1: the source is blank; write one, or leave the entry out"),
        ("dog\t \n", "line 1: the target is blank; write one, or put the term into the file of --keep"),
        ("a\n#\nb\nc\nd\ne\n", " and TARGET (4 more lines are wrong: 3, 4, 5, ...)"),
        ("dog\tHund\n\ndog\tKöter\n", "line 3: 'dog' becomes 'Köter', but 'dog' in {path}: line 1 becomes 'Hund'; "),
        ("d\x00g\tHund\n", "line 1, byte 1: a NUL byte"),
    ],
)  # fmt: skip
def test_what_is_no_glossary_is_refused_with_its_line(text: str, problem: str, tmp_path: Path) -> None:
    path = written(tmp_path / "terms.tsv", text)
    with pytest.raises(UserError) as caught:
        Glossary.read(path)
    assert problem.format(path=path) in str(caught.value)
    assert str(caught.value).startswith(f"{path}: line ")


def test_contradictions_between_files_and_cases_are_refused(tmp_path: Path) -> None:
    path, keep = written(tmp_path / "terms.tsv", "dog\tHund\nDog\tKöter\n"), written(tmp_path / "keep.txt", "dog\n")
    assert len(Glossary.read(path).entries) == 2
    with pytest.raises(UserError, match=r"line 2: 'Dog' becomes 'Köter', but 'dog' in .*line 1 becomes 'Hund'"):
        Glossary.read(path, ignore_case=True)
    with pytest.raises(UserError, match=r"keep.txt: line 1: 'dog' stays as it is, but 'dog' in .* becomes 'Hund'"):
        Glossary.read(path, keep)
    with pytest.raises(UserError, match=r"keep.txt: line 1: a tab; a line of --keep is one term"):
        Glossary.read(None, written(tmp_path / "keep.txt", "dog\tHund\n"))
    with pytest.raises(UserError, match="no such file"):
        Glossary.read(tmp_path / "nothing")


def test_blank_entries_of_a_program_are_refused() -> None:
    with pytest.raises(UserError, match="the glossary: the source is blank"):
        Glossary.of({" ": "Hund"})
    with pytest.raises(UserError, match="the glossary: 'dog': the target is blank"):
        Glossary.of({"dog": ""})


def test_terms_of_a_program_are_read_as_those_of_a_file() -> None:
    """In NFC, as lines are, and without white space at their ends."""
    decomposed = unicodedata.normalize("NFD", "café")
    glossary = Glossary.of({f" {decomposed} ": unicodedata.normalize("NFD", "Kaffeehäuser")})
    (match,) = glossary.find("A café.")
    assert match.written("A café.") == "Kaffeehäuser"


def test_the_same_entry_twice_is_told(tmp_path: Path) -> None:
    glossary = Glossary.read(written(tmp_path / "terms.tsv", "dog\tHund\ncat\tKatze\ndog\tHund\n"))
    assert [(one.place[-6:], again.place[-6:]) for one, again in glossary.repeated] == [("line 1", "line 3")]
    assert len(glossary.entries) == 2


TERMS = {
    "dog": "Hund",
    "big dog": "Köter",
    "dog's": "Hundes",
    "C++": "Cpp",
    "AT&T": "Att",
    "New York": "NY",
    "犬": "Hund",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a dog, a big dog", ["dog=Hund", "big dog=Köter"]),
        ("a big  dog", ["big  dog=Köter"]),
        ("dogs hotdog hot-dog dog-house", []),
        ("a (dog) “dog” dog/cat", ["dog=Hund"] * 3),
        ("the dog's bone, the big dog's", ["dog's=Hundes", "big dog=Köter"]),
        ("in C++ and AT&T in New York.", ["C++=Cpp", "AT&T=Att", "New York=NY"]),
        ("NewYork new york NEW YORK", []),
        ("Dog and Dog", ["Dog=Hund"]),
        ("“Dog” Dog", ["Dog=Hund"]),
        ("DOG", []),
        ("黒犬が", ["犬=Hund"]),
        ("", []),
    ],
)
def test_whole_words_match_and_the_longest_term_wins(text: str, expected: list[str]) -> None:
    assert found(Glossary.of(TERMS), text) == expected


def test_case_counts_unless_it_is_ignored() -> None:
    terms = {"us": "uns", "US": "USA", "apple": "Apfel"}
    exact = Glossary.of(terms, keep=["Apple"])
    assert found(exact, "The US and us, an apple of Apple") == ["US=USA", "us=uns", "apple=Apfel", "Apple=Apple"]
    assert found(exact, "Apple and APPLE") == ["Apple=Apple"]
    assert found(exact, "AN APPLE FOR THE DOG", any_case=True) == ["APPLE=Apfel"]
    ignoring = Glossary.of({"apple": "Apfel"}, keep=["Jack"], ignore_case=True)
    assert found(ignoring, "An APPLE for jack, aPPle") == ["APPLE=Apfel", "jack=jack", "aPPle=Apfel"]


def test_ten_thousand_entries_are_as_fast_as_one() -> None:
    """A dictionary is asked once for each length of a term, whatever their number."""
    many = Glossary.of({f"word{i} x": f"wort{i}" for i in range(10_000)})
    assert found(many, "a word77 x and word9999 x") == ["word77 x=wort77", "word9999 x=wort9999"]
