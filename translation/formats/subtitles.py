"""Subtitles: sentences that go on from one cue to the next are translated as one and cut again; lines are broken anew.

A cue whose sentences did not change keeps its bytes. Of the others the times, numbers, settings and tags stay. A line
that begins with a dash, with a name in capitals, or that stands in brackets, begins a turn; turns stay on lines of
their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import groupby

from s2s.text.sentences import sentence_spans
from translation.formats.document import FormatOptions
from translation.formats.inline import Atom, InlineMark, Stretch, Text
from translation.formats.line_breaks import WIDE, break_lines, cut_in_proportion, width
from translation.formats.text_file import TextFile

_BEFORE_TURN = re.compile(r"(?:>>+\s*)?(?:[-–—‐](?:\s+|(?=[^\W\d]|[\"'“„«¿¡\[(♪♫])))?(?:[A-Z][A-Z0-9 .'’-]{1,30}:\s+)?")
_ENCLOSED = re.compile(r"\[[^\[\]]*\]|\([^()]*\)|[♪♫#*].*")
_ENDED = re.compile(r"[.!?…:。！？—–♪♫#*\])]['\"”’»)\]]*$|-$")
_ENDS_SENTENCE = re.compile(r"[.!?…。！？]")
_LONGEST_PAUSE = 3_000  # milliseconds between two cues of one sentence
_MOST_TURNS = 6  # in one sentence
_MOST_LINES = 2


@dataclass(frozen=True)
class Cue:
    """The words that are shown at a time.

    Attributes:
        line: on which its words begin
        start, end: of the words in the file, [start, end), without the last line end
        begins, ends: milliseconds
        goes_on: whether a sentence may go on in the next cue
    """

    line: int
    start: int
    end: int
    begins: int
    ends: int
    goes_on: bool = True


@dataclass(frozen=True)
class Markup:
    """The markup inside of cues.

    Attributes:
        tag: a pattern of all tags, with a group `name` for those of pairs and a group `close` for a slash
        decode, encode: from what stands in the file between tags to text, and back
    """

    tag: re.Pattern[str]
    decode: Callable[[str], str] = str
    encode: Callable[[str], str] = str


@dataclass(eq=False)
class _Turn:
    """What one speaker says in a cue.

    Attributes:
        before: what is not translated: a dash, a name, a tag of a voice
        atoms: what is translated, in single characters
        lines: how many it has
        portions: of the translations that are shown here
    """

    before: list[Atom]
    atoms: list[Atom]
    lines: int = 1
    portions: list[list[Atom]] = field(default_factory=list)


@dataclass(eq=False)
class _Shown:
    """A cue in its turns, with the marks around all of them."""

    cue: Cue
    head: Sequence[Atom]
    turns: list[_Turn]
    tail: Sequence[Atom]
    changed: bool = False


@dataclass(frozen=True)
class _Sentence:
    """A sentence, and which of its atoms stand in which turn of which cue."""

    stretch: Stretch
    owners: list[tuple[_Shown, _Turn, list[Atom]]]


class SubtitleDocument:
    """A file of subtitles. See `translation.formats.document.Document`."""

    unit = "line"

    def __init__(self, file: TextFile, cues: Sequence[Cue], markup: Markup, options: FormatOptions) -> None:
        self._file, self._markup, self._limit = file, markup, options.line_length
        self._shown = [_shown(cue, file.text, markup) for cue in cues]
        self._newline = next(end for end in ("\r\n", "\n", "\r", "") if end in file.text) or "\n"
        self._sentences = [each for chain in _chains(self._shown) for each in _sentences(chain)]
        translated = [each for each in self._sentences if each.stretch.segment]
        self.segments = [each.stretch.segment for each in translated]
        self.places = [each.owners[0][0].cue.line for each in translated]

    def write(self, translations: Sequence[str]) -> bytes:
        """See `Document.write`."""
        queue = iter(translations)
        for shown in self._shown:
            shown.changed = False
            for turn in shown.turns:
                turn.portions.clear()
        for sentence in self._sentences:
            segment = sentence.stretch.segment
            self._share(sentence, next(queue) if segment else segment)
        written, end = list[str](), 0
        for shown in self._shown:
            if shown.changed:
                written += [self._file.text[end : shown.cue.start], self._rendered(shown)]
                end = shown.cue.end
        return self._file.encode("".join([*written, self._file.text[end:]]))

    @staticmethod
    def _share(sentence: _Sentence, translation: str) -> None:
        """Give each turn its portion of a translation."""
        owners, portions = sentence.owners, [atoms for _, _, atoms in sentence.owners]
        changed = translation != sentence.stretch.segment
        if changed:
            atoms = _characters(sentence.stretch.restore(translation))
            shares = [len(_plain(part)) for part in portions]
            spans = cut_in_proportion(_plain(atoms), shares) if len(owners) > 1 else None
            # Of a sentence with fewer words than cues each cue shows all of it.
            portions = _parts(atoms, spans) if spans else [atoms] * len(owners)
        for (shown, turn, _), portion in zip(owners, portions):
            turn.portions.append(portion)
            shown.changed |= changed

    def _rendered(self, shown: _Shown) -> str:
        atoms = [*shown.head]
        for i, turn in enumerate(shown.turns):
            atoms += [Text("\n", ())] if i else []
            atoms += self._lines(turn)
        return self._tagged([*atoms, *shown.tail])

    def _lines(self, turn: _Turn) -> list[Atom]:
        """The portions of a turn, broken into lines."""
        atoms = list[Atom]()
        for portion in turn.portions:
            before = _plain(atoms[-1:] or portion)
            atoms += [Text(" ", _style(portion))] if atoms and not WIDE.match(before) else []
            atoms += portion
        first, rest = _plain(turn.before).replace(" ", "\xa0"), _plain(atoms)
        needed = -(-width(first + rest) // self._limit)
        lines = break_lines(first + rest, self._limit, min(turn.lines, max(_MOST_LINES, needed)))
        broken = list[Atom]()
        for i, line in enumerate(_parts([*turn.before, *atoms], lines)):
            broken += [Text("\n", ())] if i else []
            broken += line
        return broken

    def _tagged(self, atoms: Sequence[Atom]) -> str:
        """The atoms as they stand in the file."""
        written, opened, depths = list[str](), list[tuple[str, str]](), dict[Hashable, int]()
        for i, atom in enumerate(atoms):
            if isinstance(atom, InlineMark):
                if atom.pair is not None:  # no tag begins between the two marks and ends outside of them
                    depth = depths.setdefault(atom.pair, len(_shared(opened, _style(atoms[i:]))))
                    written += [close for _, close in reversed(opened[depth:])]
                    del opened[depth:]
                written.append(atom.content)
                continue
            style = atom.style if atom.text != "\n" else _shared(opened, _style(atoms[i:]))
            while opened and tuple(opened) != style[: len(opened)]:
                written.append(opened.pop()[1])
            for tags in style[len(opened) :]:
                written.append(tags[0])
                opened.append(tags)
            written.append(self._newline if atom.text == "\n" else self._markup.encode(atom.text))
        return "".join([*written, *(close for _, close in reversed(opened))])


def _plain(atoms: Sequence[Atom]) -> str:
    return "".join(atom.text for atom in atoms if isinstance(atom, Text))


def _style(atoms: Sequence[Atom]) -> tuple[tuple[str, str], ...]:
    """The tags around the first character that is no line end."""
    return next((atom.style for atom in atoms if isinstance(atom, Text) and atom.text != "\n"), ())


def _around(atoms: Sequence[Atom]) -> tuple[tuple[str, str], ...]:
    """The tags around all characters."""
    styles = [atom.style for atom in atoms if isinstance(atom, Text)]
    return reduce(_shared, styles) if styles else ()


def _shared(opened: Sequence[tuple[str, str]], style: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The tags at the start of both."""
    same = [a == b for a, b in zip(opened, style)]
    return tuple(opened[: [*same, False].index(False)])


def _characters(atoms: Sequence[Atom]) -> list[Atom]:
    """The atoms in single characters."""
    split = ([Text(c, atom.style) for c in atom.text] if isinstance(atom, Text) else [atom] for atom in atoms)
    return [atom for part in split for atom in part]


def _parts(atoms: Sequence[Atom], spans: Sequence[tuple[int, int]]) -> list[list[Atom]]:
    """The atoms of each span of characters; a mark where two spans meet belongs to the second."""
    parts, queue, at = list[list[Atom]](), list(reversed(atoms)), 0
    next_start = [*(start for start, _ in spans[1:]), -1]
    for i, (start, end) in enumerate(spans):
        part = list[Atom]()
        while queue and (isinstance(queue[-1], InlineMark) or at < end or i == len(spans) - 1):
            if isinstance(queue[-1], InlineMark) and at == end == next_start[i]:
                break
            atom = queue.pop()
            if isinstance(atom, InlineMark) or start <= at < end:
                part.append(atom)
            at += isinstance(atom, Text)
        parts.append(part)
    return parts


def _shown(cue: Cue, text: str, markup: Markup) -> _Shown:
    """Read a cue."""
    atoms = _atoms(text[cue.start : cue.end], markup)
    visible = [i for i, atom in enumerate(atoms) if isinstance(atom, Text) and not atom.text.isspace()]
    if not visible:
        return _Shown(cue, atoms, [], [])
    first, last = visible[0], visible[-1] + 1
    head, tail = ([atom for atom in part if isinstance(atom, InlineMark)] for part in (atoms[:first], atoms[last:]))
    turns = list[_Turn]()
    enclosed, voice = False, ""
    for line in _split_lines(atoms[first:last]):
        bare = _stripped(line)
        plain, spoken = _plain(bare), _voice(bare)
        found = _BEFORE_TURN.match(plain)
        length = found.end() if found else 0
        starts = not turns or length or enclosed or spoken != voice or _ENCLOSED.fullmatch(plain)
        enclosed, voice = _ENCLOSED.fullmatch(plain) is not None, spoken
        if starts:
            place = _index(bare, length)
            turns.append(_Turn(bare[:place], bare[place:]))
        else:
            turns[-1].atoms += [Text(" ", _style(bare)), *bare]
            turns[-1].lines += 1
    return _Shown(cue, head, turns, tail)


def _atoms(raw: str, markup: Markup) -> list[Atom]:
    """What stands in a cue: characters with the tags around them, and tags that stand alone."""
    tags, closes, opened = list(markup.tag.finditer(raw)), dict[int, int](), list[int]()
    for i, tag in enumerate(tags):
        if tag["close"]:
            begins = next((j for j in reversed(opened) if tags[j]["name"] == tag["name"]), None)
            if begins is not None:
                del opened[opened.index(begins) :]
                closes[begins] = i
        elif tag["name"]:
            opened.append(i)
    atoms, style, end, paired = list[Atom](), (), 0, set(closes.values())
    marks = _ruby_marks(raw, tags, closes)
    for i, tag in enumerate(tags):
        if tag.start() < end:
            continue  # inside an annotation
        atoms += [Text(c, style) for c in _decoded(raw[end : tag.start()], markup)]
        end, pair = marks.get(i, (tag.end(), None))
        if i in marks:
            atoms.append(InlineMark(raw[tag.start() : end], pair))
        elif i in closes:
            style = (*style, (tag[0], tags[closes[i]][0]))
        elif i in paired:
            style = style[:-1]
        else:
            atoms.append(InlineMark(tag[0]))
    return [*atoms, *(Text(c, style) for c in _decoded(raw[end:], markup))]


def _ruby_marks(
    raw: str, tags: Sequence[re.Match[str]], closes: Mapping[int, int]
) -> dict[int, tuple[int, object | None]]:
    """The marks of ruby by their first tags: where each ends, and what pairs it with another.

    An annotation (`<rt>`) says how the words before it are read. It is not translated, and is one mark together with a
    `</ruby>` behind it.
    """
    marks, end = dict[int, tuple[int, object | None]](), 0
    for i, tag in enumerate(tags):
        if tag["name"] != "ruby" or tag["close"] or tag.start() < end:
            continue
        last, pair = closes.get(i, len(tags)), object() if i in closes else None
        marks[i], end = (tag.end(), pair), len(raw)
        if i in closes:
            marks[last], end = (tags[last].end(), pair), tags[last].start()
        for j in range(i + 1, last):
            if tags[j]["name"] == "rt" and not tags[j]["close"]:
                stop = tags[closes[j]].end() if j in closes else end
                marks[j] = marks[last] if stop == end and i in closes else (stop, None)
    return marks


def _decoded(raw: str, markup: Markup) -> str:
    return markup.decode(raw).replace("\r\n", "\n").replace("\r", "\n")


def _split_lines(atoms: Sequence[Atom]) -> Iterator[list[Atom]]:
    """The lines that have visible characters; marks of others stand before the next."""
    line = list[Atom]()
    for atom in [*atoms, Text("\n", ())]:
        if isinstance(atom, InlineMark) or atom.text != "\n":
            line.append(atom)
        elif _plain(line).strip():
            yield line
            line = []


def _stripped(line: Sequence[Atom]) -> list[Atom]:
    """The line without white space at its ends."""
    plain = _plain(line)
    start, end = len(plain) - len(plain.lstrip()), len(plain.rstrip())
    return _parts(line, [(start, end)])[0]


def _index(atoms: Sequence[Atom], characters: int) -> int:
    """The index behind so many characters, and behind the marks there."""
    if not characters:
        return 0
    texts = [i for i, atom in enumerate(atoms) if isinstance(atom, Text)]
    return texts[characters] if characters < len(texts) else len(atoms)


def _voice(line: Sequence[Atom]) -> str:
    """The tag of the voice that speaks a line, or nothing."""
    tags = [*(tag for tag, _ in _style(line)), *(atom.content for atom in line[:1] if isinstance(atom, InlineMark))]
    return next((tag for tag in tags if re.match(r"<v[\s.>]", tag)), "")


def _chains(cues: Sequence[_Shown]) -> Iterator[list[tuple[_Shown, _Turn]]]:
    """The turns, those together through which a sentence goes on."""
    chain = list[tuple[_Shown, _Turn]]()
    for cue in cues:
        for turn in cue.turns:
            if chain and not (turn is cue.turns[0] and len(chain) < _MOST_TURNS and _goes_on(*chain[-1], cue, turn)):
                yield chain
                chain = []
            chain.append((cue, turn))
    if chain:
        yield chain


def _goes_on(before: _Shown, earlier: _Turn, after: _Shown, later: _Turn) -> bool:
    """Whether a sentence goes on from the last turn of a cue to the first turn of the next."""
    first, second = _plain(earlier.atoms), _plain(later.atoms)
    start = next(filter(str.isalnum, second), "")
    together = after.cue.begins - before.cue.ends <= _LONGEST_PAUSE and after.cue.begins >= before.cue.begins
    same = _around(earlier.atoms) == _around(later.atoms) and _raw(before.head) == _raw(after.head)
    if _ENDED.search(first) or later.before or not (together and same and before.cue.goes_on and after.cue.goes_on):
        return False
    if any(map(_ENCLOSED.fullmatch, (first, second))) or second.startswith(("...", "…")):
        return False
    # A capital may begin a name: then the sentence is expected to end with a mark, and titles are not in capitals.
    return start.islower() or bool(_ENDS_SENTENCE.search(second) and first.isupper() == second.isupper())


def _raw(marks: Sequence[Atom]) -> list[object]:
    return [atom.content for atom in marks if isinstance(atom, InlineMark)]


def _sentences(chain: Sequence[tuple[_Shown, _Turn]]) -> Iterator[_Sentence]:
    """The sentences of turns through which sentences go on."""
    owned = list[tuple[int, Atom]]()  # each atom with the turn that it stands in
    for i, (_, turn) in enumerate(chain):
        owned += [(i, Text(" ", _style(turn.atoms)))] if i else []
        owned += [(i, atom) for atom in turn.atoms]
    turns, atoms = {id(atom): i for i, atom in owned}, [atom for _, atom in owned]
    for part in _parts(atoms, sentence_spans(_plain(atoms), "")):
        groups = groupby(part, key=lambda atom: turns[id(atom)])
        yield _Sentence(Stretch(part), [(*chain[i], _stripped(list(group))) for i, group in groups])
