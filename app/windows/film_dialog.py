"""The dialog that makes a film of a run's steps: which kind, whether each picture tells its step,
how long it stands, and how far it is. app.wiring.film connects it.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QStyledItemDelegate,
    QVBoxLayout,
    QWidget,
)

from app.i18n import tr
from app.widgets.basic.number_spin import DecimalSpin
from app.widgets.basic.on_screen import FittedDialog
from app.widgets.basic.plain_label import PlainLabel

KINDS = ("webp", "gif", "apng", "frames", "sheet")
ENDINGS = {"webp": ".webp", "gif": ".gif", "apng": ".apng", "sheet": ".png"}
ANIMATED = ("webp", "gif", "apng")
SECONDS, LAST_SECONDS = 0.2, 2.0
"""How long a picture stands unless the person says otherwise, and how long the last one does."""
FINE = 1000
"""Steps of the progress bar."""


class FilmDialog(FittedDialog):
    """Not modal: pictures go on developing behind it. A film that is being made goes on when the
    dialog is closed."""

    exportRequested = Signal(str, bool, float, str)  # kind, numbers, seconds a step, target
    stopRequested = Signal()
    revealRequested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("filmDialog")
        self._steps = 0
        self._suggested = ""
        self._make_choices()
        self._make_progress()
        self._set_busy(False)
        self.retranslate()

        self._lay_out()

        self._kind.currentIndexChanged.connect(self._describe)
        self._seconds.valueChanged.connect(self._describe)
        self._export.clicked.connect(self._ask)
        self._stop.clicked.connect(self.stopRequested)
        self._reveal.clicked.connect(self.revealRequested)

    def _make_choices(self) -> None:
        self._title = PlainLabel("title")
        self._title.setWordWrap(True)
        self._kind_label = PlainLabel("caption")
        self._kind = QComboBox()
        self._kind.setObjectName("filmKindPicker")
        # The style sheet reaches the rows of the list only through this delegate.
        self._kind.setItemDelegate(QStyledItemDelegate(self._kind))
        for kind in KINDS:
            self._kind.addItem("", kind)
        self._seconds_label = PlainLabel("caption")
        self._seconds = DecimalSpin()
        self._seconds.setObjectName("filmSecondsSpin")
        self._seconds.setRange(0.02, 10.0)
        self._seconds.setSingleStep(0.05)
        self._seconds.setValue(SECONDS)
        self._seconds.lineEdit().setTextMargins(7, 0, 0, 0)
        self._numbers = QCheckBox()
        self._numbers.setObjectName("filmNumbersBox")

    def _make_progress(self) -> None:
        self._about = PlainLabel("note")
        self._about.setObjectName("filmNote")
        self._about.setWordWrap(True)
        self._bar = QProgressBar()
        self._bar.setObjectName("filmProgressBar")
        self._bar.setTextVisible(False)
        self._bar.setRange(0, FINE)
        self._line = PlainLabel()
        self._line.setObjectName("filmStatusLabel")
        self._line.setWordWrap(True)
        self._line.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._line.setMinimumHeight(3 * self._line.fontMetrics().lineSpacing())
        self._line.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._reveal = _button("filmRevealButton")
        self._stop = _button("filmStopButton")
        self._export = _button("filmExportButton")
        self._export.setDefault(True)
        for part in (self._bar, self._reveal):
            keeps_its_place = part.sizePolicy()
            keeps_its_place.setRetainSizeWhenHidden(True)
            part.setSizePolicy(keeps_its_place)
            part.hide()

    def _lay_out(self) -> None:
        fields = QGridLayout()
        fields.setHorizontalSpacing(12)
        fields.setVerticalSpacing(10)
        fields.addWidget(self._kind_label, 0, 0)
        fields.addWidget(self._kind, 0, 1)
        fields.addWidget(self._seconds_label, 1, 0)
        fields.addWidget(self._seconds, 1, 1)
        fields.addWidget(self._numbers, 2, 1)
        fields.setColumnStretch(1, 1)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self._reveal)
        foot.addStretch(1)
        foot.addWidget(self._stop)
        foot.addWidget(self._export)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 16)
        layout.setSpacing(12)
        layout.addWidget(self._title)
        layout.addLayout(fields)
        layout.addWidget(self._about)
        layout.addStretch(1)
        layout.addWidget(self._bar)
        layout.addWidget(self._line)
        layout.addLayout(foot)
        self.resize(480, 330)

    def open_up(self, title: str, steps: int, suggested: str) -> None:
        """Show the dialog for that run, or bring it to the front. suggested: a path without
        ending."""
        self._steps, self._suggested = steps, suggested
        self._title.setText(tr("{run} · {steps} steps", run=title, steps=steps))
        if self._export.isEnabled():
            self._reveal.hide()
            self._say("")
        self._describe()
        self.show()
        self.raise_()
        self.activateWindow()
        self._kind.setFocus()

    def begin(self) -> None:
        self._reveal.hide()
        self._bar.setValue(0)
        self._bar.show()
        self._set_busy(True)
        self._stop.setFocus()

    def set_progress(self, done: int, total: int, line: str) -> None:
        self._bar.setValue(round(FINE * done / total) if total else 0)
        self._say(line)

    def show_done(self, sentence: str) -> None:
        self._end(sentence)
        self._reveal.show()
        self._reveal.setFocus()

    def show_stopped(self, sentence: str) -> None:
        self._end(sentence)

    def show_failure(self, sentence: str) -> None:
        self._end(sentence, "alarm")

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()

    def retranslate(self) -> None:
        self.setWindowTitle(tr("Export film"))
        self.setAccessibleName(tr("Export film"))
        self._kind_label.setText(tr("Kind"))
        self._seconds_label.setText(tr("Each step stands for"))
        self._seconds.setSuffix(tr(" s"))
        for place, words in enumerate(
            (
                tr("Animated WebP"),
                tr("GIF"),
                tr("Animated PNG"),
                tr("Numbered PNGs in a folder"),
                tr("Contact sheet"),
            )
        ):
            self._kind.setItemText(place, words)
        self._numbers.setText(tr("Step numbers"))
        self._reveal.setText(tr("Show in folder"))
        self._stop.setText(tr("Stop"))
        self._export.setText(tr("Export…"))
        for control, name, tooltip in (
            (self._kind, tr("Kind"), tr("What is made of the steps of this run.")),
            (
                self._seconds,
                tr("Seconds a step"),
                tr("How long each step's picture stands. The last one stands for longer."),
            ),
            (self._numbers, tr("Step numbers"), tr("Each picture tells which step it is.")),
            (self._bar, tr("Progress"), tr("How many of the steps are in the film.")),
            (
                self._reveal,
                tr("Show in folder"),
                tr("Open the folder that the film is in, in the file manager."),
            ),
            (self._stop, tr("Stop"), tr("Give up. No half film is left behind.")),
            (
                self._export,
                tr("Export"),
                tr("Choose where it goes, and write it. Rough steps are decoded in full first."),
            ),
        ):  # fmt: skip
            control.setAccessibleName(name)
            control.setToolTip(tooltip)
        self._describe()

    @property
    def _chosen(self) -> str:
        return self._kind.currentData()

    def _describe(self) -> None:
        """What will come of it."""
        kind = self._chosen
        self._seconds.setEnabled(kind in ANIMATED)
        self._seconds_label.setEnabled(kind in ANIMATED)
        length = (self._steps - 1) * self._seconds.value() + LAST_SECONDS
        words = {
            "webp": tr("The very pixels, in a file that browsers and most programs play."),
            "gif": tr("Plays everywhere, in 256 colours a picture."),
            "apng": tr("The very pixels; programs that cannot play it show the first step."),
            "frames": tr("A new folder with a picture for each step, for video programs."),
            "sheet": tr("All steps side by side in one picture."),
        }[kind]
        if kind in ANIMATED and self._steps:
            words = tr("{words} It lasts {length} s.", words=words, length=f"{length:.1f}")
        self._about.setText(words)

    def _ask(self) -> None:
        if target := self._ask_target(self._chosen):
            self._follow_ending(target)
            self.exportRequested.emit(
                self._chosen, self._numbers.isChecked(), self._seconds.value(), target
            )

    def _ask_target(self, kind: str) -> str:
        """The path that the person chooses, "" if none."""
        suggested = Path(self._suggested)
        if kind == "frames":
            place = QFileDialog.getExistingDirectory(
                self, tr("Where the folder of pictures goes"), str(suggested.parent)
            )
            return str(_new(Path(place) / suggested.name)) if place else ""
        ending = ENDINGS[kind]
        path, _ = QFileDialog.getSaveFileName(
            self,
            tr("Export film"),
            f"{suggested}{ending}",
            tr("{kind} (*{ending})", kind=self._kind.currentText(), ending=ending),
        )
        suffix = Path(path).suffix.lower()
        typed = kind in ANIMATED and suffix in (ENDINGS[one] for one in ANIMATED)
        if path and suffix != ending and not typed:
            path = str(_new(Path(path + ending)))  # nobody was asked whether that one may go
        return path

    def _follow_ending(self, target: str) -> None:
        """A film whose name was typed with the ending of another kind is of that kind."""
        if self._chosen in ANIMATED:
            suffix = Path(target).suffix.lower()
            kind = next(kind for kind in ANIMATED if ENDINGS[kind] == suffix)
            self._kind.setCurrentIndex(KINDS.index(kind))

    def _end(self, sentence: str, role: str = "") -> None:
        self._bar.hide()
        self._set_busy(False)
        self._say(sentence, role)

    def _set_busy(self, busy: bool) -> None:
        for control in (self._kind, self._seconds, self._numbers, self._export):
            control.setEnabled(not busy)
        self._stop.setEnabled(busy)
        if not busy:
            self._seconds.setEnabled(self._chosen in ANIMATED)

    def _say(self, line: str, role: str = "") -> None:
        self._line.setText(line)
        self._line.setAccessibleDescription(line)
        if self._line.property("role") != role:
            self._line.setProperty("role", role)
            self._line.style().polish(self._line)


def _new(path: Path) -> Path:
    """The path, or with -2, -3, … behind its name where there is something."""
    if not path.exists():
        return path
    others = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
    return next(other for other in others if not other.exists())


def _button(name: str) -> QPushButton:
    button = QPushButton()
    button.setObjectName(name)
    button.setAutoDefault(False)
    return button
