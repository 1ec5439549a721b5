"""The dialog that fetches models from the Hugging Face Hub: some to begin with, a field for any
other, what would be fetched, and how far it is. app.wiring.downloads connects it.
"""

from __future__ import annotations

from PySide6.QtCore import QAbstractItemModel, QEvent, QModelIndex, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QStyledItemDelegate,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.i18n import tr
from app.widgets.basic.on_screen import FittedDialog
from app.widgets.basic.plain_label import PlainLabel

FINE = 1000
"""Steps of the progress bar."""


class DownloadDialog(FittedDialog):
    """Looking at a model and fetching it are two acts, each with its button: only these open a
    connection. A download goes on when the dialog is closed."""

    lookRequested = Signal(str, bool)  # a name, whether in half precision where there is one
    downloadRequested = Signal()
    cancelRequested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("downloadDialog")
        self._state = "idle"
        self._make_question()
        self._make_answer()
        self._show_found("", "", [])
        self._show_state()
        self.retranslate()

        self._lay_out()

        self._starts.activated.connect(self._look_at_row)
        self._field.textChanged.connect(self._show_state)
        self._look.clicked.connect(self._ask)
        self._download.clicked.connect(self.downloadRequested)
        self._cancel.clicked.connect(self.cancelRequested)

    def _make_question(self) -> None:
        """What is asked of the Hub."""
        self._promise = PlainLabel("note")
        self._promise.setWordWrap(True)
        self._starts = _table()
        self._field = QLineEdit()
        self._field.setObjectName("downloadField")
        self._field.setClearButtonEnabled(True)
        self._precision = QComboBox()
        self._precision.setObjectName("downloadPrecisionPicker")
        # The style sheet reaches the rows of the list only through this delegate.
        self._precision.setItemDelegate(QStyledItemDelegate(self._precision))
        self._precision.addItems(["", ""])
        self._look = QPushButton()
        self._look.setObjectName("downloadLookButton")
        self._look.setDefault(True)

    def _make_answer(self) -> None:
        """What it has, and what becomes of it."""
        self._title = PlainLabel("title")
        self._about = PlainLabel("note")
        self._about.setWordWrap(True)
        self._files = QPlainTextEdit()
        self._files.setObjectName("downloadFiles")
        self._files.setReadOnly(True)
        self._files.setTabChangesFocus(True)
        self._files.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._files.setTabStopDistance(8 * self._files.fontMetrics().averageCharWidth() + 24)
        self._bar = QProgressBar()
        self._bar.setObjectName("downloadProgressBar")
        self._bar.setTextVisible(False)
        self._bar.setRange(0, FINE)
        keeps_its_place = self._bar.sizePolicy()
        keeps_its_place.setRetainSizeWhenHidden(True)
        self._bar.setSizePolicy(keeps_its_place)
        self._bar.hide()
        self._line = PlainLabel()
        self._line.setObjectName("downloadStatusLabel")
        self._line.setWordWrap(True)
        self._line.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._cancel = QPushButton()
        self._cancel.setObjectName("downloadCancelButton")
        self._download = QPushButton()
        self._download.setObjectName("downloadButton")
        for button in (self._cancel, self._download):
            button.setAutoDefault(False)

    def _lay_out(self) -> None:
        search = QHBoxLayout()
        search.setSpacing(8)
        search.addWidget(self._field, 1)
        search.addWidget(self._precision)
        search.addWidget(self._look)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self._line, 1)
        foot.addWidget(self._cancel, 0, Qt.AlignmentFlag.AlignBottom)
        foot.addWidget(self._download, 0, Qt.AlignmentFlag.AlignBottom)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 16)
        layout.setSpacing(10)
        layout.addWidget(self._starts, 3)
        layout.addLayout(search)
        layout.addWidget(self._promise)
        layout.addSpacing(4)
        layout.addWidget(self._title)
        layout.addWidget(self._about)
        layout.addWidget(self._files, 2)
        layout.addWidget(self._bar)
        layout.addLayout(foot)
        self.resize(960, 680)

    def set_starting_points(self, model: QAbstractItemModel) -> None:
        """model: a row for each model, its name in the first column."""
        self._starts.setModel(model)
        header = self._starts.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        self._starts.selectionModel().currentRowChanged.connect(self._take_row)

    def set_state(self, state: str) -> None:
        """state: "idle", "looking", "found" or "fetching"."""
        self._state = state
        self._bar.setRange(0, 0 if state == "looking" else FINE)
        self._bar.setValue(0)
        self._bar.setVisible(state in ("looking", "fetching"))
        if state == "looking":
            self._show_found("", "", [])
            self._say(tr("Asking the Hub …"))
        elif state == "fetching":
            self._say(tr("Connecting …"))
        self._show_state()
        if state == "fetching":
            self._cancel.setFocus()
        elif state == "found":
            self._download.setFocus()

    def set_found(self, title: str, about: str, files: list[tuple[str, str]]) -> None:
        """What would be fetched. files: (path, size)."""
        self._show_found(title, about, files)
        self._say("")

    def set_progress(self, line: str, fraction: float) -> None:
        self._bar.setValue(round(FINE * fraction))
        self._say(line)

    def show_failure(self, sentence: str) -> None:
        self._say(sentence, "alarm")

    def show_stopped(self, sentence: str) -> None:
        self._say(sentence)

    def show_done(self, source: str, name: str) -> None:
        """source: what is loaded for it; name: for people."""
        self._say(tr("{name} is here. Choose it in the list of models.", name=name))

    def open_up(self) -> None:
        """Show the dialog, or bring it to the front, ready for the keyboard."""
        self.show()
        self.raise_()
        self.activateWindow()
        if self._field.isEnabled():
            self._field.setFocus()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()

    def retranslate(self) -> None:
        self.setWindowTitle(tr("Download a model"))
        self.setAccessibleName(tr("Download a model"))
        self._promise.setText(
            tr(
                "Look asks huggingface.co what there is, and Download fetches it from there. Until "
                "you press one of them, no connection is opened. Sizes in the list are rough."
            )
        )
        self._field.setPlaceholderText(tr("OWNER/NAME, or OWNER/NAME/FILE.safetensors"))
        self._precision.setItemText(0, tr("Half precision, if there is one"))
        self._precision.setItemText(1, tr("Full precision"))
        self._files.setPlaceholderText(tr("What would be fetched is listed here."))
        self._look.setText(tr("Look"))
        self._cancel.setText(tr("Cancel"))
        self._download.setText(tr("Download"))
        for control, name, tooltip in (
            (
                self._starts,
                tr("Models to begin with"),
                tr("Models that are known to work well; a choice only fills in the field below."),
            ),
            (
                self._field,
                tr("Model on the Hub"),
                tr("The name or the web address of a model on huggingface.co."),
            ),
            (
                self._precision,
                tr("Precision"),
                tr("Half precision takes half the room; pictures look the same to the eye."),
            ),
            (
                self._look,
                tr("Look"),
                tr("Ask the Hub over the network what it would fetch, and how large it is."),
            ),
            (
                self._files,
                tr("Files"),
                tr("The files that would be fetched: no others, and none that can run programs."),
            ),
            (self._bar, tr("Download"), tr("How much of the model is on this computer.")),
            (
                self._cancel,
                tr("Cancel"),
                tr("Stop. What has been fetched is kept, so that it can go on later."),
            ),
            (
                self._download,
                tr("Download"),
                tr("Fetch the model, so that pictures can be made with it: over the network."),
            ),
        ):  # fmt: skip
            control.setAccessibleName(name)
            control.setToolTip(tooltip)

    def _show_state(self) -> None:
        """Which controls can be used now."""
        fetching = self._state == "fetching"
        for control in (self._starts, self._field, self._precision):
            control.setEnabled(not fetching)
        self._look.setEnabled(not fetching and bool(self._field.text().strip()))
        self._download.setEnabled(self._state == "found")
        self._cancel.setEnabled(self._state in ("looking", "fetching"))

    def _show_found(self, title: str, about: str, files: list[tuple[str, str]]) -> None:
        for label, text in ((self._title, title), (self._about, about)):
            label.setText(text)
            label.setVisible(bool(text))
        self._files.setPlainText("\n".join(f"{size}\t{path}" for path, size in files))

    def _say(self, line: str, role: str = "") -> None:
        self._line.setText(line)
        self._line.setAccessibleDescription(line)
        if self._line.property("role") != role:
            self._line.setProperty("role", role)
            self._line.style().polish(self._line)

    def _take_row(self, current: QModelIndex, previous: QModelIndex) -> None:
        if current.isValid():
            self._field.setText(current.siblingAtColumn(0).data())

    def _look_at_row(self, index: QModelIndex) -> None:
        self._take_row(index, index)
        self._ask()

    def _ask(self) -> None:
        if self._look.isEnabled():
            self.lookRequested.emit(self._field.text(), self._precision.currentIndex() == 0)


def _table() -> QTableView:
    table = QTableView()
    table.setObjectName("downloadStarts")
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setTabKeyNavigation(False)
    table.setShowGrid(False)
    table.setWordWrap(False)
    table.verticalHeader().hide()
    table.horizontalHeader().setHighlightSections(False)
    table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
    return table
