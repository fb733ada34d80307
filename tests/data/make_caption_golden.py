"""Writes caption_golden.json: what pycocoevalcap, with Java, makes of some captions.

    S2S_DATA=/path/to/data python tests/data/make_caption_golden.py

Needs Java, `pip install pycocoevalcap`, and COCO's captions_val2017.json in $S2S_DATA/coco. The captions of twelve
pictures go into the file, with their source; all others were made up for it.
"""

# pyright: reportMissingImports=false

import json
import os
from pathlib import Path
from typing import Any

from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.meteor.meteor import Meteor
from pycocoevalcap.rouge.rouge import Rouge
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

SOURCE = (
    "Captions of 12 pictures of COCO 2017 val, by the COCO Consortium (https://cocodataset.org), CC BY 4.0 "
    "(https://creativecommons.org/licenses/by/4.0/), unchanged; tokens and figures by pycocoevalcap 1.2."
)
PICTURES = [99053, 18575, 551780, 530836, 553664, 453302, 269196, 22892, 205401, 229997, 135561, 244592]
ODD = """
A dog (on the left) chases [two] {cats} .
A boy 's ball and the boy's dogs' leash, don't can’t won't I'd he'll we're they've I'm
The sign reads " STOP " , 'go' or “maybe” -- nobody knows ...
wait... what?! really!! no?? yes!
a t-shirt - clad 3-year-old on a 4-wheeler , black/white , w/o helmet
1,000 people at 10:30 pm pay $5.00 or 3/4 of 50% at No. 7 in the '90s
Mr. Smith of the U.S. Navy and Dr. Brown, Ph.D., on Main St. in D.C. at 5 p.m.
rock 'n' roll with 'em , 'til dawn , o'clock O'Brien d'oeuvres ma'am y'all
café naïve Zürich jalapeño — a 日本語 sign ½ full 5° ™ ♥
AT&T R&B Texas A&amp;M black & white #15 # 15 @home C++
He cannot and is gonna , wanna , gotta ; 'tis so .
dog.A cat  sits,on:a;mat! (the end)
A 😀 face , smiling :) ;-) :(
www.example.com and someone@example.com , a avrovulcan.com sign
the best--ever---day – and — more ----- less
-lrb- is not a bracket , ( this is ) .
a man w/ hat * and ** stars ~ 2 + 2 = 4 _ x_y |
colour grey centre theatre aeroplane
tabs	and  double  spaces and a no\u00a0break
a line\nbreak
.
""".strip("\n").split("\n")


def tokens(captions: list[str]) -> list[str]:
    """Of each caption for itself: one file with all, and Stanford's lexer lets one line change the one before it."""
    found = PTBTokenizer().tokenize({0: [{"caption": line} for caption in captions for line in (caption, "and")]})
    return found[0][::2]


def figures(captions: dict[int, str], references: dict[int, list[str]]) -> dict[str, Any]:
    """All scores of tokenised captions; CIDEr-D and ROUGE-L of each picture too."""
    said = {picture: [caption] for picture, caption in captions.items()}
    bleu, _ = Bleu(4).compute_score(references, said, verbose=0)
    rouge, rouges = Rouge().compute_score(references, said)
    cider, ciders = Cider().compute_score(references, said)
    meteor, _ = Meteor().compute_score(references, said)
    found = {"bleu": bleu, "rouge_l": rouge, "cider_d": cider, "meteor": meteor}
    return {**found, "rouge_l_each": list(rouges), "cider_d_each": list(ciders)}


def main() -> None:
    """Write the file beside this one."""
    annotations = json.loads(Path(os.environ["S2S_DATA"], "coco/captions_val2017.json").read_text())["annotations"]
    raw = {picture: [each["caption"] for each in annotations if each["image_id"] == picture] for picture in PICTURES}
    odd = [line.replace("\\n", "\n") for line in ODD]
    references = {picture: tokens(texts) for picture, texts in raw.items()}
    # A caption begins as the picture's first reference and ends as the second of the next picture.
    captions = {}
    for number, (picture, following) in enumerate(zip(PICTURES, PICTURES[1:] + PICTURES[:1])):
        begin, end = references[picture][0].split(), references[following][1].split()
        captions[picture] = " ".join(begin[: number + 1] + end[number : number + 4])
    captions[PICTURES[3]], captions[PICTURES[4]] = "", "laptop"
    people = [
        figures(
            {picture: texts[turn] for picture, texts in references.items()},
            {picture: texts[:turn] + texts[turn + 1 :] for picture, texts in references.items()},
        )
        for turn in range(5)
    ]
    uneven = {picture: texts[: 1 + number % 5] for number, (picture, texts) in enumerate(references.items())}
    golden = {
        "source": SOURCE,
        "odd": dict(zip(odd, tokens(odd))),
        "raw": raw,
        "tokenised": references,
        "captions": captions,
        "scores": figures(captions, references),
        "uneven_scores": figures(captions, uneven),
        "human": {name: sum(each[name] for each in people) / 5 for name in ("rouge_l", "cider_d", "meteor")}
        | {"bleu": [sum(each["bleu"][order] for each in people) / 5 for order in range(4)]},
    }
    text = json.dumps(golden, ensure_ascii=False, indent=1)
    Path(__file__).with_name("caption_golden.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
