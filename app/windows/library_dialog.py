"""The dialog with all models on this computer: what each is, where it lies, why one cannot be used,
and what can be done with it. app.wiring.library connects it.
"""

from __future__ import annotations

from PySide6.QtCore import QAbstractItemModel, QEvent, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QStyledItemDelegate,
    QVBoxLayout,
    QWidget,
)

from app.i18n import tr
from app.widgets.basic.on_screen import FittedDialog
from app.widgets.basic.plain_label import PlainLabel
from app.widgets.models.library_view import LibraryView

FINE = 1000
"""Steps of the progress bar."""
PREDICTIONS = ("", "epsilon", "v_prediction", "sample")
"""What a person can say that a network predicts; "" leaves it to the file."""


class LibraryDialog(FittedDialog):
    """Not modal: pictures go on developing behind it."""

    opened = Signal()
    loadRequested = Signal(str)
    folderAdded = Signal(str)
    folderRemoved = Signal(str)
    revealRequested = Signal(str)
    verifyRequested = Signal(str)
    stopVerifyRequested = Signal()
    downloadRequested = Signal()
    predictionTypeChosen = Signal(str, str)  # source, one of PREDICTIONS
    filterChanged = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("libraryDialog")
        self._is_scanning = False
        self._verified, self._noted = "", ""
        self._make_list()
        self._make_acts()
        self.set_folders([])
        self.retranslate()

        self._lay_out()

        self._filter.textChanged.connect(self._change_filter)
        self._add.clicked.connect(self._ask_folder)
        self._folders.triggered.connect(lambda entry: self.folderRemoved.emit(entry.data()))
        self._download.clicked.connect(self.downloadRequested)
        self.view.rowChanged.connect(self._show_row)
        self.view.modelActivated.connect(self._ask_load)
        self._load.clicked.connect(self._ask_load)
        self._verify.clicked.connect(self._ask_verify)
        self._reveal.clicked.connect(lambda: self.revealRequested.emit(self.view.value("source")))
        self._prediction.activated.connect(self._choose_prediction)

    def _make_list(self) -> None:
        """The models, the folders that they are looked for in, and a word about one."""
        self._filter = QLineEdit()
        self._filter.setObjectName("libraryFilter")
        self._filter.setClearButtonEnabled(True)
        self._add = _button("addFolderButton")
        self._remove = _button("removeFolderButton")
        self._folders = QMenu(self._remove)
        self._remove.setMenu(self._folders)
        self._download = _button("libraryDownloadButton")
        self.view = LibraryView()
        self._about = QPlainTextEdit()
        self._about.setObjectName("libraryProblem")
        self._about.setReadOnly(True)
        self._about.setTabChangesFocus(True)
        self._about.setFixedHeight(4 * self._about.fontMetrics().lineSpacing() + 14)

    def _make_acts(self) -> None:
        """What can be done with the chosen model."""
        self._prediction_label = PlainLabel("caption")
        self._prediction = QComboBox()
        self._prediction.setObjectName("predictionPicker")
        # The style sheet reaches the rows of the list only through this delegate.
        self._prediction.setItemDelegate(QStyledItemDelegate(self._prediction))
        for value in PREDICTIONS:
            self._prediction.addItem("", value)
        self._bar = QProgressBar()
        self._bar.setObjectName("verifyProgressBar")
        self._bar.setTextVisible(False)
        self._bar.setRange(0, FINE)
        self._note = PlainLabel("note")
        self._note.setObjectName("libraryNote")
        self._note.setWordWrap(True)
        self._reveal = _button("revealModelButton")
        self._verify = _button("verifyButton")
        self._load = _button("loadModelButton")
        self._note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        for part in (self._prediction_label, self._prediction, self._bar):
            keeps_its_place = part.sizePolicy()
            keeps_its_place.setRetainSizeWhenHidden(True)
            part.setSizePolicy(keeps_its_place)
        self._bar.hide()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._filter, 1)
        for button in (self._add, self._remove, self._download):
            head.addWidget(button)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self._prediction_label)
        foot.addWidget(self._prediction)
        foot.addStretch(1)
        for button in (self._reveal, self._verify, self._load):
            foot.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 16)
        layout.setSpacing(10)
        layout.addLayout(head)
        layout.addWidget(self.view, 1)
        layout.addWidget(self._about)
        layout.addWidget(self._bar)
        layout.addWidget(self._note)
        layout.addLayout(foot)
        self.resize(980, 640)

    def set_models(self, models: QAbstractItemModel) -> None:
        """models: see LibraryView."""
        self.view.set_models(models)
        self._show_row()

    def set_folders(self, folders: list[tuple[str, bool]]) -> None:
        """folders: (path, whether it is there) of those that the person has added."""
        self._folders.clear()
        for folder, is_there in folders:
            label = folder if is_there else tr("{folder} (is not there)", folder=folder)
            self._folders.addAction(label.replace("&", "&&")).setData(folder)
        self._remove.setEnabled(bool(folders))

    def set_scanning(self, scanning: bool) -> None:
        """Whether models are being looked for."""
        self._is_scanning = scanning
        self._show_empty_text()

    def set_verifying(self, source: str, fraction: float) -> None:
        """How far a model is read. source: "" if none is."""
        self._verified = source
        self._bar.setVisible(bool(source))
        self._bar.setValue(round(FINE * fraction))
        if source:
            self._note.setText(tr("Reading all of it …"))
        self._name_verify()

    def set_note(self, sentence: str) -> None:
        """What has become of something that was asked for."""
        self._note.setText(sentence)
        self._note.setAccessibleDescription(sentence)

    def open_up(self) -> None:
        """Show the dialog, or bring it to the front, ready for the keyboard."""
        self.show()
        self.raise_()
        self.activateWindow()
        self._filter.setFocus()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.opened.emit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()

    def retranslate(self) -> None:
        self.setWindowTitle(tr("Models on this computer"))
        self.setAccessibleName(tr("Models on this computer"))
        self._filter.setPlaceholderText(tr("Words of a name, a family or a folder"))
        self._add.setText(tr("Add folder…"))
        self._remove.setText(tr("Remove folder"))
        self._download.setText(tr("Download…"))
        self._prediction_label.setText(tr("Predicts"))
        self._reveal.setText(tr("Show in file manager"))
        self._load.setText(tr("Load"))
        self._about.setPlaceholderText(tr("Choose a model to see where it lies."))
        self._explain()
        self.view.retranslate()
        self._name_verify()
        self._show_empty_text()
        self._show_row()

    def _explain(self) -> None:
        """What each control is called and what it does, for screen readers and as tooltips."""
        for control, name, tooltip in (
            (
                self._filter,
                tr("Filter"),
                tr("Show only the models that have all of these words."),
            ),
            (
                self._add,
                tr("Add folder"),
                tr("Find the models in another folder, and in all folders in it."),
            ),
            (
                self._remove,
                tr("Remove folder"),
                tr("Take a folder out of this list. Its files stay as they are."),
            ),
            (
                self._download,
                tr("Download"),
                tr("Fetch another model from the network. Nothing is fetched before you say so."),
            ),
            (
                self._about,
                tr("About the model"),
                tr("Where the model lies, and why it cannot be used. The words can be copied."),
            ),
            (
                self._prediction,
                tr("What the model predicts"),
                tr(
                    "Not every file tells whether its network predicts noise (epsilon) or velocity "
                    "(v). With the wrong one the picture stays noise; your answer is remembered."
                ),
            ),
            (self._bar, tr("Verify"), tr("How much of the model is read.")),
            (
                self._reveal,
                tr("Show in file manager"),
                tr("Open the folder that the model is in."),
            ),
            (
                self._load,
                tr("Load"),
                tr("Make pictures with this model. One that is incomplete or damaged cannot."),
            ),
        ):
            control.setAccessibleName(name)
            control.setToolTip(tooltip)

    def _name_verify(self) -> None:
        if self._verified:
            self._verify.setText(tr("Stop"))
            tooltip = tr("Stop reading the model. It stays as it is.")
        else:
            self._verify.setText(tr("Verify"))
            tooltip = tr(
                "Read the whole model and compare it with its digests: a damaged one makes damaged "
                "pictures, or none."
            )
        self._verify.setAccessibleName(self._verify.text())
        self._verify.setToolTip(tooltip)
        self._show_row()

    def _show_row(self) -> None:
        """What can be done with the current row, and what there is to say about it."""
        source, problem = self.view.value("source"), self.view.value("problem")
        if source != self._noted and not self._verified:
            self._noted = source
            self.set_note("")
        path = self.view.value("path") or ""
        about = "\n".join(filter(None, (problem, "" if path in (problem or "") else path)))
        if self._about.toPlainText() != about:
            self._about.setPlainText(about)
        self._load.setEnabled(bool(self.view.value("loadable")))
        self._reveal.setEnabled(bool(source))
        self._verify.setEnabled(bool(source) or bool(self._verified))
        askable = bool(self.view.value("askable"))
        self._prediction_label.setVisible(askable)
        self._prediction.setVisible(askable)
        if askable:
            self._show_predictions(self.view.value("told"), self.view.value("answer"))

    def _show_predictions(self, told: str, answer: str) -> None:
        names = {
            "epsilon": tr("epsilon"),
            "v_prediction": tr("v-prediction"),
            "sample": tr("sample"),
        }
        by_file = tr("not told: v-prediction is tried")
        if told:
            by_file = tr("{prediction}, says the file", prediction=names.get(told, told))
        with QSignalBlocker(self._prediction):
            for row, value in enumerate(PREDICTIONS):
                self._prediction.setItemText(row, names[value] if value else by_file)
            self._prediction.setCurrentIndex(max(0, self._prediction.findData(answer)))

    def _show_empty_text(self) -> None:
        if self._filter.text().strip():
            text = tr("No model has all of these words.")
        elif self._is_scanning:
            text = tr("Looking for models …")
        else:
            text = tr("No model is here yet. Add a folder that has some, or download one.")
        self.view.set_empty_text(text)

    def _change_filter(self, text: str) -> None:
        self.filterChanged.emit(text)
        self._show_empty_text()

    def _choose_prediction(self, row: int) -> None:
        source = self.view.value("source")
        self.predictionTypeChosen.emit(source, self._prediction.itemData(row))

    def _ask_load(self) -> None:
        if self.view.value("loadable"):
            self.loadRequested.emit(self.view.value("source"))

    def _ask_verify(self) -> None:
        if self._verified:
            self.stopVerifyRequested.emit()
            self.set_note("")
        else:
            self.verifyRequested.emit(self.view.value("source"))

    def _ask_folder(self) -> None:
        """Not modal either: a run may be steered while a folder is looked for."""
        chooser = QFileDialog(self, tr("Add a folder with models"))
        chooser.setFileMode(QFileDialog.FileMode.Directory)
        chooser.setOption(QFileDialog.Option.ShowDirsOnly)
        chooser.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        chooser.fileSelected.connect(self.folderAdded)
        chooser.open()


def _button(name: str) -> QPushButton:
    button = QPushButton()
    button.setObjectName(name)
    button.setAutoDefault(False)  # Enter in the filter is no wish to do any of it
    return button
