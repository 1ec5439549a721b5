#!/usr/bin/env bash
# Pillow 13.0.0 (libwebp 1.6.0): an animation whose frames are all alike loses its time.
#
# Three equal frames of 100, 200 and 300 ms, saved with save_all and a list of durations:
#   GIF   one frame of 600 ms
#   WebP  a still; the 600 ms are gone (duration 0)
#   APNG  a still; the 600 ms are gone (no duration at all)
# and equal frames in a GIF are added up past the 16 bits of its field: twelve frames of 60 s, each of
# which is valid, raise OverflowError, and leave a file that has been begun.
#
# Why it matters: a film of a sampler's steps has equal frames wherever the predicted image no longer
# changes (a scheduler that has come to rest, a step that was skipped, a short run), and a player that
# goes by the file's time shows nothing, or the export fails on input in which no value is out of range.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet "pillow==13.0.0"
cd "$place"
"$place/venv/bin/python" - <<'PYTHON'
import io

from PIL import Image

frame = Image.new("RGB", (16, 16), "red")
found = {}
for kind, options in (("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {})):
    file = io.BytesIO()
    times = [100, 200, 300]
    frame.save(file, kind, save_all=True, append_images=[frame] * 2, duration=times, **options)
    with Image.open(io.BytesIO(file.getvalue())) as image:
        image.load()
        found[kind] = getattr(image, "n_frames", 1), image.info.get("duration")
    print(f"{kind}: frames and milliseconds {found[kind]}")
try:
    others = [frame] * 11
    frame.save(io.BytesIO(), "GIF", save_all=True, append_images=others, duration=[60_000] * 12)
    found["long"] = "written"
except OverflowError as error:
    found["long"] = f"OverflowError: {error}"
print("GIF, twelve equal frames of 60 s:", found["long"])
expected = {"GIF": (1, 600), "WEBP": (1, 0), "PNG": (1, None)}
assert {kind: found[kind] for kind in expected} == expected, "the behaviour has changed"
assert found["long"].startswith("OverflowError"), "the behaviour has changed"
PYTHON
