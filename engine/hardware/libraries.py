"""The native libraries of torch, loaded without holding up the other threads of the process. Called
by the engine's door before torch is imported for the first time.
"""

from __future__ import annotations

import ctypes
import os
import sys
from importlib.util import find_spec
from pathlib import Path

CUDA = "libtorch_cuda.so"


def load_libraries() -> None:
    """Load what `import torch` needs, so that it finds it there: an import keeps the GIL while the
    system loads a library, and these take some hundred milliseconds, in which a window would stand
    still. A call through ctypes lets go of it.

    Nothing of torch's own Python part is loaded, since that may use the interpreter as it begins.
    What cannot be loaded is left to the import, which says why. On Windows torch itself does all
    this in calls that let go of the GIL.
    """
    if "torch" in sys.modules or os.name != "posix":
        return
    found = find_spec("torch")
    if found is None or found.origin is None:
        return
    folder = Path(found.origin).parent / "lib"
    if os.environ.get("LD_LIBRARY_PATH") and (folder / CUDA).exists():
        return  # torch keeps an order of its own, to take none of CUDA's libraries from there
    ending = "dylib" if sys.platform == "darwin" else "so"
    load = ctypes.CDLL(None).dlopen
    load.argtypes, load.restype = (ctypes.c_char_p, ctypes.c_int), ctypes.c_void_p
    # As torch does: that which all depend on first, and its names for everybody.
    for name, mode in (("libtorch_global_deps", os.RTLD_GLOBAL), ("libtorch", os.RTLD_LOCAL)):
        if not load(os.fsencode(folder / f"{name}.{ending}"), os.RTLD_NOW | mode):
            return
