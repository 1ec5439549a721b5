"""Pictures with texts as other programs write them, for the tests of their readers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

KARRAS = {"use_karras_sigmas": True}


def picture(path: Path, **texts: Any) -> Path:
    chunks = PngInfo()
    for key, text in texts.items():
        plain = text if isinstance(text, str) else json.dumps(text)
        chunks.add_text({"sd_metadata": "sd-metadata"}.get(key, key), plain)
    Image.new("RGB", (8, 8)).save(path, pnginfo=chunks)
    return path


EULER = {"scheduler": "euler", "scheduler_options": {}}
