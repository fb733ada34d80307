"""The attention heads of a captioner with a Transformer decoder, for `s2s view heads`."""

from __future__ import annotations

from pathlib import Path

import torch

from captioning.captioner import Captioner
from captioning.model import CaptioningModel
from s2s.decoding.search import BeamOptions
from s2s.errors import UserError, check
from s2s.models.looking import decoder_looks
from s2s.models.transformer_decoder import TransformerDecoder
from s2s.nn.precision import choose_device, use_threads
from s2s.text.tokens import END, START
from s2s.views.heads import LONGEST, Heads, InputToRead, LookingHeads
from s2s.vision.batches import stack_pictures
from s2s.vision.images import read_image

_WIDTH = 5  # of the beam, as that of `caption`


def read_heads(directory: Path, given: InputToRead) -> Heads:
    """See `ReadHeads`."""
    use_threads(given.threads)
    device, model = choose_device(given.device), CaptioningModel.load(directory)
    if not isinstance(model.network.decoder, TransformerDecoder):
        raise UserError(
            f"{directory}: its decoder is no Transformer, so it has no heads; see its attention with "
            "`caption --attention FOLDER`"
        )
    model.network.to(device)
    return photograph_heads(model, Path(given.text), given.target)


def photograph_heads(model: CaptioningModel, path: Path, target: str | None = None) -> Heads:
    """The heads over a photograph and a caption, that of the model or a given one; see `read_heads`."""
    decoder, vocabulary = model.network.decoder, model.vocabulary
    assert isinstance(decoder, TransformerDecoder)
    captioner = Captioner(model.engine("float32"), BeamOptions(_WIDTH, minimum_length=1))
    image = read_image(path)
    picture = model.config.preprocessing.apply(image)
    if target is None:
        target = captioner.describe([picture])[0][0].text
    ids = vocabulary.encode(model.config.writing.normalise(target))
    check(len(ids) < LONGEST, f"the caption has {len(ids):,} tokens; give one of fewer than {LONGEST}")
    encoded = captioner.engine.encode(stack_pictures([picture], model.config.preprocessing))
    with torch.no_grad():
        memory = model.encoder.grid(encoded.inputs)
    read = torch.tensor([[START, *ids]], device=memory.grid.device)
    own, over = decoder_looks(decoder, read, memory)
    before, written = vocabulary.tokens([START, *ids]), vocabulary.tokens([*ids, END])
    size = model.config.preprocessing.size
    return Heads(
        [
            LookingHeads("decoder: what is written looks at the photograph", written, [], over, encoded.grid),
            LookingHeads("decoder: what was read looks at itself", before, before, own),
        ],
        image,
        (0.0, 0.0, size / picture.width, size / picture.height),
    )
