"""Where sentences begin and end, by kind and language; `|` marks the cuts."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from s2s.text.sentences import sentence_spans

SENTENCES = {
    "several sentences": (
        "en",
        [
            "A man sits. | A woman stands.",
            "A man is playing the guitar. | Two dogs run through the grass.",
            "A man is playing the guitar. | Two dogs run through the grass. | A girl in a red dress is smiling.",
            "A man is playing the guitar! | Two dogs run through the grass? | A girl in a red dress is smiling",
            "A boy jumps. | A dog runs. | A cat sleeps. | A man eats. | A woman reads. | A girl sings.",
            "Two dogs play. | The brown dog has a ball.",
            "A boy is running. | He is wearing a red shirt.",
            "A street at night. | Cars are parked.",
            "The girl smiles! | The boy laughs!",
            "Is the dog asleep? | The cat is awake.",
            "A man runs. | 3 dogs sleep. | iPhones ring. | {name} runs. | https://x.org shows it. | @anna is here.",
            "What?! | He runs!!! | She does not.. | They do.",
            "He waited... | Then he left.",
            "A dog runs . | Two run ?! | Yes .",
            "He ran. | - So did she.",
            "He ran. 😀 😀",
            "He ran.😀 | She ran. :-) | They too.",
            "The rep. | Men run with Rep. Smith, Maj. Jones and Gen. Hill. | Reps. Lee and Fox too.",
            "**He ran.** | Two men left.[1] | <b>A dog stays.</b> | (It snows.) | So be it.",
            "A man sits.<1/> | <2>A dog</2> runs. | <3>It sits.</3><4/> | A cat too.",
        ],
    ),
    "no white space": (
        "en",
        [
            "A man is running.|A woman is walking.",
            "A man is running!|Dogs play?|They do.",
            "A man is running;a woman is walking.",
            "A MAN SITS.|A WOMAN STANDS IN THE U.S.A AND AT ASP.NET.",
            "A man sits.<br>|A woman stands.<br/> | Dogs run.\u200b | a) They do. | b) Cats too.",
            "Read Notes.Txt and main.Java at www.Example.Org/Some.Page?X and Ann.Lee@mail.Org or node.js and ASP.NET.",
            "Version 2.0 costs 3.5 at St.Patrick in the U.S.A of 12.000 or .NET",
        ],
    ),
    "English abbreviations": (
        "en",
        [
            "Mr.",
            "Mr. Smith is playing the guitar.",
            "A man at 5 p.m. is running in the U.S. army.",
            "A man at 5 p.m. Monday is in the U.S. Army.",
            "It was 5 p.m. | The man left the U.S. | He slept.",
            "Dr. Jones and Mrs. Miller are dancing.",
            "A boy, approx. 5 years old, is running.",
            "It has approx. five rooms. | It is big.",
            "Germany vs. France, e.g. No. 7 and Prince St. Cafe in St. John. | No. | He is on Main St. | The dog too.",
            "J. Smith, J. R. R. Tolkien, John A. Noble and John. F Hunt sleep. | I do not.",
            "He wears etc. | The dog, Ph.D. students, cats etc. | A cat.",
            "This is plan B. | The man is 5. | She is 6.",
            "MR. SMITH RUNS. | A DOG SITS.",
        ],
    ),
    "list numbers": (
        "en",
        [
            "1. A man is running.",
            "a. A man runs.",
            "1. A man runs. | 2. A dog sits.",
            "1.2. A man",
            "iv. A man",
            "(3. A man)",
        ],
    ),
    "ellipses": (
        "en",
        [
            "A man ... is running.",
            "A man... is running.",
            "... A man",
            "A man … I think",
            "Of cats . . . . . 12 . . . 24",
        ],
    ),
    "quotations and brackets": (
        "en",
        [
            'The man said: "Stop!" and ran.',
            '"Stop!" | He ran.',
            '"Stop!" he said. | (It snows.) | So be it.',
            "He said “I am tired of it. | Let us go home.” | She left.",
            'A man with a "Pop! Tech" sign.',
            'She stands by the "Oh! Oh!" Tour bus.',
            "He (Mr. X. is old!) runs.",
            "He cried 'Stop! Now!' and ran.",
            '" Stop ! " | He ran .',
            '"Thanks. | They are good." | "Yes. | He left."',
            'He sees "Thanks. They do." on it. | "Oh. Mum," he says.',
            'A man sits.|He said "stop".|They left.',
        ],
    ),
    "no capital letters": (
        "en",
        [
            "a man sits. | a boy runs.",
            "a man sleeps. | dogs run.",
            "he is in. | the end",
            "fire dept. engine",
            "a man , approx. the size of a dog .",
            'he said " stop ! " the',
        ],
    ),
    "German": (
        "de",
        [
            "Ein Mann sitzt. | Eine Frau steht.",
            "Heute ist die„15. Woche“ oder Fa. Meier.",
            "Am 5. Mai. | Er kam am 5. 3. 2020 im 19. Jahrhundert.",
            "Die 3. Liga vom 8.-10. August. | Es war 1990. | Leute.",
            "Das ist Nr. 7, z. B. Hunde, z.B. Katzen, d. h. Tiere usw. im Haus bzw. Garten.",
            "Er sah Tiere usw. | Sie nicht.",
            "Prof. Dr. Müller und Dipl.-Ing. Kern laufen ca. 5 Mio. Meter. | Vögel fliegen.",
            "Er wurde 3. | Dann ging er. | Ludwig XIV. König von Frankreich.",
            "Ein Mann mit „Stop!“ Schild lacht. | „Halt!“ | Er ging. | Er rief: „Halt!“ und ging.",
            "Zum St. Patrick's Day vor dem Prince St. Cafe.",
            "Ein ... Hund schläft... | Er träumt.",
        ],
    ),
    "French": (
        "fr",
        [
            "M. Le Pen et Mme. Dupont dorment. | L'homme court.",
            "Il rit ! | Elle court ? | Oui.",
            "« Stop ! » | Il court. | Il dit « Stop ! » et court.",
            "Il va à l'A.C. Milan et l’U.S. Navy. | De là, il part.",
            "En 50 av. J.-C. César vint. | C'est tout, c.-à-d. rien, etc. | Il dort.",
        ],
    ),
    "Spanish": ("es", ["El Sr. López y la Sra. Ruiz comen. | ¿Qué es? | ¡Corre! | Él corre.", "Los EE. UU. Ganan"]),
    "Italian": ("it", ["Il Sig. Rossi dorme. | È vero. | Il Dott. Bianchi no."]),
    "Portuguese": ("pt", ["O Sr. Silva dorme. | A Dra. Costa não."]),
    "Dutch": ("nl", ["Dhr. Jansen slaapt, bijv. Nu. | Het regent. | Een man e.d. loopt."]),
    "Czech": ("cs", ["Např. Petr a Mgr. Nová šli 5. května 1990. | Pes spí."]),
    "Polish": ("pl", ["Np. Jan i ks. Nowak śpią. | Pies też."]),
    "Russian": ("ru", ["А. С. Пушкин жил на ул. Мойка. | Он спал, т. е. Был там."]),
    "Swedish": ("sv", ["T.ex. Anna sover. | En hund springer."]),
    "Chinese": ("zh", ["一个男人在睡觉。|两只狗在玩！|他说：“停！”然后跑了。|“我累了。”|她走了。|他（很累。）走了。"]),
    "Japanese": ("ja", ["男が走る。|犬が寝る？|はい。"]),
    "Korean": ("ko", ["남자가 달린다. | 개가 잔다."]),
    "Hindi": ("hi", ["एक आदमी दौड़ता है। | एक औरत चलती है।|वह सोती है॥"]),
    "Arabic": ("ar", ["هل الكلب نائم؟ | القط مستيقظ. | نعم."]),
    "unknown": ("xx", ["Mr. Smith runs. | I do not."]),
    "only marks": ("en", ["...", "?! ... !", ". . .", "。。", "-- . A"]),
}


def cut(text: str, language: str = "en") -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text, language)]


@pytest.mark.parametrize(
    ("language", "marked"),
    [
        pytest.param(language, line, id=f"{kind} {number}")
        for kind, (language, lines) in SENTENCES.items()
        for number, line in enumerate(lines, 1)
    ],
)
def test_a_line_becomes_its_sentences(language: str, marked: str) -> None:
    text = marked.replace(" | ", " ").replace("|", "")
    assert cut(text, language) == re.split(r" ?\| ?", marked)


@pytest.mark.parametrize("separator", "\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029")
def test_separators_always_separate(separator: str) -> None:
    text = separator.join(["", "A man is playing the guitar.", "two dogs", " ", "run", "Mr.", "Smith"])
    assert cut(text) == ["A man is playing the guitar.", "two dogs", "run", "Mr.", "Smith"]


@pytest.mark.parametrize(
    "span", ["`a. B`", "`a\tb`", '<a title="X. Y">', "<a\nhref='x'>", "{{ A. B }}", "<!-- A.\tB -->", "ab@cd.De"]
)
def test_protected_spans_are_not_cut(span: str) -> None:
    assert cut(f"He sees {span}. She sees {span} too.") == [f"He sees {span}.", f"She sees {span} too."]


@pytest.mark.parametrize("text", ["", " ", "\t", "\u2028 \n"])
def test_a_blank_text_has_no_sentences(text: str) -> None:
    assert sentence_spans(text, "en") == []


def test_spans_are_offsets_without_white_space() -> None:
    assert sentence_spans("  A man sits.  \u00a0A dog runs. ", "en-GB") == [(2, 13), (16, 27)]


@settings(deadline=None, max_examples=300)
@example("「'。'」 . A", "de")
@given(
    st.text(
        st.sampled_from("aSnoZ 5d.!?,;:–-\"'“”„«»()[]*_<>/@{}  \t\u2028。，…é\U0001f600\u00a0\u200d'"), max_size=120
    ),
    st.sampled_from(["en", "de", "fr", "zh", "xx"]),
)
def test_nothing_is_lost_and_spans_are_in_order(text: str, language: str) -> None:
    spans = sentence_spans(text, language)
    offsets = [0, *(offset for span in spans for offset in span), len(text)]
    assert offsets == sorted(offsets)
    assert all(text[start:end] == text[start:end].strip() != "" for start, end in spans)
    between = list(pairwise(offsets))[::2]
    assert not "".join(text[start:end] for start, end in between).strip()


@pytest.mark.parametrize(
    "unit",
    [
        ".",
        ". ",
        "a.",
        "A. ",
        "a.a.",
        "ab.Ab",
        "! A ",
        "1. A ",
        "z. B. ",
        '"A. ',
        "(a. ",
        "(A! ",
        "' 'a ",
        "“",
        "\t",
        "。",
        " »",
        "_ . ",
        "<a ",
    ],
)
def test_a_line_of_any_content_takes_linear_time(unit: str) -> None:
    """In quadratic time this would take hours."""
    text = unit * (500_000 // len(unit))
    assert "".join("".join(cut(text, "de")).split()) == "".join(text.split())
