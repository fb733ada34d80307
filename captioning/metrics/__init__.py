"""Caption metrics: CIDEr-D, BLEU, ROUGE-L, and METEOR and SPICE through Java."""
