"""What the process of the thumbnails and whoever asks it have in common: imported by both, by
`app.state.gallery.thumbnail_process` for Pillow and by `app.state.gallery.thumbnail_maker` for Qt,
and so has neither.

Asked: a line of JSON, `[path, format, pixels of the longer side, whether to pack it]`. Told: HEAD,
then the pixels as RGBA, then the same as a WebP, or nothing of either where it can make none.
"""

from __future__ import annotations

import struct

HEAD = struct.Struct(">HH??II")
"""Width and height; whether it is see-through anywhere; whether there is a picture at all; the
bytes of the pixels and of the WebP."""
