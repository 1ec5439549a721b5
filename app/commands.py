"""Every act of the program once: its name, words, keys and icon. Menus, buttons, context menus and
the sheet of keys read them; `app.widgets.basic.command_actions` makes actions of them.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from enum import Enum

from app.i18n import marked, tr


class Area(Enum):
    """Where a command belongs, in the words that stand over its keys. The keys of the gallery and
    of the queue act while the keyboard is there; all others act anywhere in the main window."""

    FILE = marked("Files and models")
    RUN = marked("The run")
    VIEW = marked("The window")
    GALLERY = marked("In the gallery")
    QUEUE = marked("In the queue")

    @property
    def title(self) -> str:
        return tr(self.value)


@dataclass(frozen=True, slots=True)
class Command:
    """One act. All words are in English; what shows them reads the properties, which translate.

    name: what scripts and tests call it, unique; words: in a menu, with its mnemonic; keys: as
    QKeySequence reads them, the first is the one that people are told; icon: a drawing of
    resources/icons; short: the words on a button, where they are others; help: the tooltip.
    """

    name: str
    area: Area
    words: str
    keys: tuple[str, ...] = ()
    _: KW_ONLY
    icon: str = ""
    short: str = ""
    help: str = ""

    @property
    def menu_text(self) -> str:
        return tr(self.words)

    @property
    def plain_text(self) -> str:
        """As in the menu, without a mnemonic: for context menus and the sheet of keys."""
        return _without_mnemonic(self.menu_text)

    @property
    def button_text(self) -> str:
        return _without_mnemonic(tr(self.short or self.words))

    @property
    def tooltip(self) -> str:
        return tr(self.help) if self.help else ""


def _without_mnemonic(text: str) -> str:
    return text.replace("&", "")


SAVE = Command(
    "save",
    Area.FILE,
    marked("&Save as…"),
    ("Ctrl+S",),
    icon="save",
    short=marked("Save"),
    help=marked("Save the picture that is shown as a file."),
)
COPY = Command(
    "copy",
    Area.FILE,
    marked("&Copy"),
    ("Ctrl+Shift+C",),
    icon="copy",
    help=marked("Copy the picture that is shown to the clipboard."),
)
COPY_SETTINGS = Command("copySettings", Area.FILE, marked("Copy se&ttings"), ("Ctrl+Alt+C",))
PASTE_SETTINGS = Command("pasteSettings", Area.FILE, marked("&Paste settings"), ("Ctrl+Shift+V",))
EXPORT_FILM = Command("exportFilm", Area.FILE, marked("&Export film…"))
OPEN_MODEL = Command(
    "openModel",
    Area.FILE,
    marked("&Open model folder…"),
    ("Ctrl+O",),
    icon="folder",
    short=marked("Open model folder"),
    help=marked("Make pictures with a model from a folder on this computer."),
)
OPEN_MODEL_FILE = Command(
    "openModelFile", Area.FILE, marked("Open model f&ile…"), ("Ctrl+Shift+O",)
)
LIBRARY = Command("library", Area.FILE, marked("Model &library…"), ("Ctrl+L",))
DOWNLOAD = Command("download", Area.FILE, marked("&Download a model…"))
IMAGE_FOLDER = Command("imageFolder", Area.FILE, marked("&Image folder…"))
QUIT = Command("quit", Area.FILE, marked("&Quit"), ("Ctrl+Q",))

GENERATE = Command(
    "generate",
    Area.RUN,
    marked("&Generate"),
    ("Ctrl+Enter", "Ctrl+Return"),
    help=marked("Make a picture from this recipe (Ctrl+Enter)."),
)
GENERATE_NEXT = replace(
    GENERATE,
    words=marked("&Generate next"),
    help=marked("Make another picture from this recipe as soon as this one is done (Ctrl+Enter)."),
)
GENERATE_AFTERWARDS = replace(
    GENERATE,
    help=marked("Make another picture from this recipe after those that wait (Ctrl+Enter)."),
)
PAUSE = Command(
    "pause",
    Area.RUN,
    marked("&Pause"),
    ("Ctrl+P",),
    icon="pause",
    help=marked("Hold the picture at this step, to look at it or to change the guidance."),
)
RESUME = replace(
    PAUSE, words=marked("&Resume"), icon="resume", help=marked("Let the picture develop further.")
)
GO_ON = replace(RESUME, words=marked("G&o on"), help=marked("Go on with the pictures that wait."))
STOP = Command(
    "stop",
    Area.RUN,
    marked("Stop now"),
    ("Ctrl+T",),
    icon="stop",
    short=marked("Stop"),
    help=marked("End this run at once: the picture stays as unfinished as it is."),
)
STOP_AND_HOLD = replace(
    STOP,
    help=marked("End this run at once, unfinished. What waits stands still until you go on."),
)
FORGET = replace(
    STOP,
    words=marked("Forget them"),
    keys=(),  # who presses twice to stop must not lose what waits
    short="",
    help=marked("Take the pictures that wait out of the queue."),
)
FINISH = Command(
    "finish",
    Area.RUN,
    marked("Finish with what is there"),
    ("Ctrl+Shift+T",),
    help=marked("End this run: the picture that this step predicts becomes the finished one."),
)
SKIP = Command(
    "skip",
    Area.RUN,
    marked("Skip to the next"),
    ("Ctrl+N",),
    help=marked("End this run unfinished and go on with the next that waits."),
)
NOTHING_TO_SKIP_TO = replace(
    SKIP, help=marked("Nothing waits: there is no next picture to go on with.")
)
USE_IN_THIS_RUN = Command(
    "useInThisRun",
    Area.RUN,
    marked("&Use in this run"),
    ("Ctrl+Shift+Enter", "Ctrl+Shift+Return"),
    help=marked(
        "The picture that is developing follows these words from its next step on "
        "(Ctrl+Shift+Enter)."
    ),
)
BRANCH = Command(
    "branch",
    Area.RUN,
    marked("&Branch from here"),
    ("Ctrl+B",),
    icon="branch",
    help=marked(
        "Start a new run from the step that is shown, with the guidance and the words as "
        "they stand now: only the remaining steps run (Ctrl+B)."
    ),
)
VARY = Command(
    "vary",
    Area.RUN,
    marked("&Vary from here…"),
    ("Ctrl+Shift+B",),
    icon="vary",
    short=marked("Vary"),
    help=marked("Make a few variations from this step: the composition stays, the detail changes."),
)
COMPARE = Command(
    "compare",
    Area.RUN,
    marked("&Compare…"),
    ("Ctrl+K",),
    icon="compare",
    short=marked("Compare"),
    help=marked("Make a grid of pictures over one or two settings."),
)
QUEUE = Command(
    "queue",
    Area.RUN,
    marked("&Queue…"),
    ("Ctrl+J",),
    short=marked("Queue"),
    help=marked("See what waits, and put it in another order (Ctrl+J)."),
)

PREDICTED_PICTURE = Command(
    "predictedPicture",
    Area.VIEW,
    marked("Predicted picture"),
    icon="predicted",
    help=marked("Show the finished picture as the model sees it coming at this step."),
)
NOISY_LATENTS = Command(
    "noisyLatents",
    Area.VIEW,
    marked("Noisy latents"),
    icon="noisy",
    help=marked("Show the latents as they are at this step, with the noise that is still there."),
)
GALLERY = Command("gallery", Area.VIEW, marked("&Gallery"), ("Ctrl+G",))
LARGE_GALLERY = Command(
    "largeGallery",
    Area.VIEW,
    marked("La&rge gallery"),
    ("Ctrl+Shift+G",),
    icon="enlarge",
    short=marked("Large gallery"),
    help=marked("Give the gallery the place of the picture, and back (Ctrl+Shift+G)."),
)
SEARCH = Command(
    "search",
    Area.VIEW,
    marked("&Search the gallery"),
    ("Ctrl+F",),
    short=marked("Search"),
    help=marked("Show the pictures whose prompt, note, model or name has these words (Ctrl+F)."),
)
DISMISS = Command(
    "dismiss",
    Area.VIEW,
    marked("Dismiss the message"),
    ("Esc",),
    icon="close",
    short=marked("Dismiss"),
    help=marked("Put this message away (Escape). The picture stays as it is."),
)
KEYS = Command("keys", Area.VIEW, marked("&Keys…"), ("F1", "?"))
ABOUT = Command("about", Area.VIEW, marked("&About Safelight"))

SHOW = Command("show", Area.GALLERY, marked("Show"), ("Enter", "Return"))
REUSE = Command("reuse", Area.GALLERY, marked("Use these settings"))
REUSE_SEED = Command("reuseSeed", Area.GALLERY, marked("Use this seed"))
COPY_ITS_SETTINGS = Command("copyItsSettings", Area.GALLERY, marked("Copy settings"))
REOPEN = Command("reopen", Area.GALLERY, marked("Open its timeline"))
COMPARE_TWO = Command("compareTwo", Area.GALLERY, marked("Compare"))
FAVOURITE = Command("favourite", Area.GALLERY, marked("Favourite"), ("F",))
NO_FAVOURITE = replace(FAVOURITE, words=marked("No favourite"))
NOTE = Command("note", Area.GALLERY, marked("Note…"), ("F2",))
SAVE_IT = Command("saveIt", Area.GALLERY, marked("Save as…"))
COPY_IT = Command("copyIt", Area.GALLERY, marked("Copy"), ("Ctrl+C", "Ctrl+Ins", "Copy"))
REVEAL = Command("reveal", Area.GALLERY, marked("Show in folder"))
TRASH = Command("trash", Area.GALLERY, marked("Move to trash"), ("Del",))
UNDO_TRASH = Command(
    "undoTrash",
    Area.GALLERY,
    marked("Undo"),
    ("Ctrl+Z", "Undo"),
    help=marked("Bring the pictures back from the trash (Ctrl+Z)."),
)

EARLIER = Command(
    "earlier",
    Area.QUEUE,
    marked("Up"),
    ("Alt+Up",),
    help=marked("Make the chosen pictures earlier (Alt+Up)."),
)
LATER = Command(
    "later",
    Area.QUEUE,
    marked("Down"),
    ("Alt+Down",),
    help=marked("Make the chosen pictures later (Alt+Down)."),
)
REMOVE = Command(
    "remove",
    Area.QUEUE,
    marked("Remove"),
    ("Del",),
    help=marked("Take the chosen pictures out of the queue (Delete)."),
)
AGAIN = Command(
    "again",
    Area.QUEUE,
    marked("Run again"),
    ("Enter", "Return"),
    help=marked("Make the chosen pictures once more, at the end."),
)
HOLD = Command(
    "hold",
    Area.QUEUE,
    marked("Hold"),
    help=marked("Let the picture develop that has begun, and begin no other."),
)
RELEASE = replace(HOLD, words=marked("Go on"), help=GO_ON.help)

EVERY = (
    SAVE, COPY, COPY_SETTINGS, PASTE_SETTINGS, EXPORT_FILM, OPEN_MODEL, OPEN_MODEL_FILE, LIBRARY,
    DOWNLOAD, IMAGE_FOLDER, QUIT, GENERATE, PAUSE, STOP, FINISH, SKIP, USE_IN_THIS_RUN, BRANCH,
    VARY, COMPARE, QUEUE, PREDICTED_PICTURE, NOISY_LATENTS, GALLERY, LARGE_GALLERY, SEARCH,
    DISMISS, KEYS, ABOUT, SHOW, REUSE, REUSE_SEED, COPY_ITS_SETTINGS, REOPEN, COMPARE_TWO,
    FAVOURITE, NOTE, SAVE_IT, COPY_IT, REVEAL, TRASH, UNDO_TRASH, EARLIER, LATER, REMOVE, AGAIN,
    HOLD,
)  # fmt: skip
"""Each act, in the order of the menus. What an act is called at another moment, such as `RESUME`
for `PAUSE`, has the same name and the same keys."""
