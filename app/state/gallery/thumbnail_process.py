"""The process in which thumbnails are made: a file that unpacks to gigabytes, or for ever, ends
this process and nothing else. Started by `app.state.gallery.thumbnail_maker`, with the seconds that
a picture may take as its argument; over when its standard input ends. Imports only what it needs,
so that it begins at once. What is asked and told: see `thumbnail_wire`.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
from contextlib import suppress
from io import BytesIO

from PIL import Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from app.state.gallery.thumbnail_wire import HEAD

MEMORY = 2**30
"""Bytes that this process may have: the largest picture that the door lets in, twice, and what the
readers of the formats need beside it."""
MOST_TEXT = 2**26
"""Bytes of a text of a PNG, which Pillow unpacks to reach the pixels."""
QUALITY = 82
READERS = (JpegImagePlugin, PngImagePlugin, WebPImagePlugin)
"""Imported here, or Pillow imports those of all formats when it is first asked for a WebP."""
NONE = HEAD.pack(0, 0, False, False, 0, 0)


def main() -> None:
    """Answer each line of standard input, until it ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a library prints
    limit()
    patience = float(sys.argv[1])
    Image.MAX_IMAGE_PIXELS = None  # the door has looked
    PngImagePlugin.MAX_TEXT_CHUNK, PngImagePlugin.MAX_TEXT_MEMORY = MOST_TEXT, 2 * MOST_TEXT
    for line in sys.stdin.buffer:
        # From within, so that nobody else need be left; in C, so that no reader can keep it.
        faulthandler.dump_traceback_later(patience, exit=True)
        try:
            answer = made(*json.loads(line))
        except Exception:  # a stranger's file can fail in more ways than Pillow tells
            answer = NONE
        faulthandler.cancel_dump_traceback_later()
        answers.write(answer)
        answers.flush()


def limit() -> None:
    """Bound this process's memory where the system can, and leave Ctrl+C to the window's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def made(path: str, kind: str, side: int, is_packed: bool) -> bytes:
    """The answer for that file."""
    with open(path, "rb") as file, Image.open(file, formats=[kind]) as image:  # noqa: PTH123
        picture = small(image, side)
    pixels = picture.tobytes()
    packed = BytesIO()
    if is_packed:
        picture.save(packed, "WEBP", quality=QUALITY)
    is_clear = picture.getchannel("A").getextrema() != (255, 255)
    head = HEAD.pack(*picture.size, is_clear, True, len(pixels), len(packed.getvalue()))
    return head + pixels + packed.getvalue()


def small(image: Image.Image, side: int) -> Image.Image:
    """RGBA, no longer than that on either side."""
    if image.mode.startswith("I"):  # 16 bits, of which Pillow would cut off the upper ones
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    elif image.mode in ("1", "P", "PA"):  # colours by number cannot be mixed
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    image.thumbnail((side, side), Image.Resampling.BICUBIC, reducing_gap=1.5)
    if image.mode == "CMYK":
        image = image.convert("RGB")
    return image.convert("RGBA")


if __name__ == "__main__":
    main()
