"""Why what other programs can do is left out, in words that end a sentence: what this program lacks
or does otherwise, each once. Read by the readers of `engine.record.interchange`.
"""

from __future__ import annotations

NO_SETTING = "there is no such setting here"
BEGUN_FROM = "the picture that this one began from is not in the file"
NO_CONTROLNET = "there is no ControlNet here"
NO_LORAS = "LoRAs are not loaded here"
NO_EMBEDDINGS = "textual inversions are not loaded here"
NO_SECOND_MODEL = "there is no second model here"
NO_SECOND_PASS = "there is no second pass here"
NO_REFERENCES = "there are no reference images here"
NO_TILING = "pictures do not tile here"
NOT_PAINTED_OVER = "nothing is painted over here"
ENLARGED_APART = "a finished picture is enlarged by an act of its own here"
ONE_PROMPT = "the whole picture has one prompt here"
OWN_AUTOENCODER = "the model's own autoencoder is taken"
SEEDS_UNMIXED = "seeds are not mixed here"
NOT_DISTILLED = "no model here takes a distilled guidance"
CPU_NOISE = "a seed's noise is drawn on the CPU here, so that the picture will be another"
