"""The main window: where every widget stands, and the dialogs it opens. Layout only; app.main fills
and connects it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from PySide6.QtCore import QByteArray, QEvent, QMimeData, QSize, Qt, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QIcon,
    QMoveEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QMainWindow,
    QMessageBox,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app import installed_version, theme
from app.i18n import tr
from app.widgets.basic.on_screen import fit, fit_once_shown
from app.widgets.basic.quiet_wheel import QuietWheel
from app.widgets.basic.slider_spin import SliderSpin
from app.widgets.gallery.gallery_panel import GalleryPanel
from app.widgets.models.model_picker import ModelPicker
from app.widgets.notices.error_bar import ErrorBar
from app.widgets.notices.notice_bar import NoticeBar
from app.widgets.notices.status_line import StatusLine
from app.widgets.notices.switch_bar import SwitchBar
from app.widgets.picture.canvas_header import CanvasHeader
from app.widgets.picture.preview_canvas import PreviewCanvas
from app.widgets.recipe.class_picker import ClassPicker
from app.widgets.recipe.economy_slider import EconomySlider
from app.widgets.recipe.guidance_panel import GuidancePanel
from app.widgets.recipe.prompt_panel import PromptPanel
from app.widgets.recipe.scheduler_picker import SchedulerPicker
from app.widgets.recipe.seed_field import SeedField
from app.widgets.recipe.size_fields import SizeFields
from app.widgets.runs.compare_bar import CompareBar
from app.widgets.runs.compare_grid import CompareGrid
from app.widgets.runs.run_controls import RunControls
from app.widgets.runs.timeline_strip import TimelineStrip
from app.widgets.runs.vary_bar import VaryBar
from app.windows.main_menu import MainMenu

GALLERY_WIDTH = 230
LOWEST_RECIPE = 100
"""Points of the recipe that stay in sight in the lowest window, with all that opens under it."""
TAB_ORDER = (
    "modelPicker",
    "openModelButton",
    "promptEdit",
    "negativePromptEdit",
    "steerButton",
    "promptSentence",
    "classPicker",
    "classDiceButton",
    "schedulerPicker",
    "dropExtrasButton",
    "stepsSlider",
    "stepsSpin",
    "economySlider",
    "seedField",
    "diceButton",
    "lockButton",
    "widthSpin",
    "heightSpin",
    "countSpin",
    "guidanceSlider",
    "guidanceSpin",
    "guidanceMoreButton",
    "guidancePresetPicker",
    "guidanceCurve",
    "guidanceInterval",
    "rescaleSlider",
    "rescaleSpin",
    "queueButton",
    "generateButton",
    "pauseButton",
    "stopButton",
    "stopMenuButton",
    "predictedButton",
    "noisyButton",
    "compareButton",
    "varyButton",
    "branchButton",
    "copyButton",
    "saveButton",
    "afterwardsButton",
    "stopAndLoadButton",
    "keepButton",
    "errorText",
    "dismissButton",
    "resumeText",
    "resumeFirstButton",
    "resumeSecondButton",
    "unwrittenText",
    "unwrittenFirstButton",
    "unwrittenSecondButton",
    "noteText",
    "noteFirstButton",
    "varySlider",
    "varyCountSpin",
    "varyStartButton",
    "varyCloseButton",
    "compareFirstField",
    "compareFirstValues",
    "compareSecondField",
    "compareSecondValues",
    "compareStartButton",
    "compareCloseButton",
    "previewCanvas",
    "compareGrid",
    "timelineStrip",
    "galleryLargeButton",
    "gallerySearch",
    "gallerySort",
    "galleryFilterButton",
    "galleryClearButton",
    "galleryView",
    "galleryUndoButton",
)


class MainWindow(QMainWindow):
    """The recipe on the left, the picture over its timeline in the middle, the gallery on the
    right, one status line below. Its own signals are what the menus ask for."""

    saveRequested = Signal()
    copyRequested = Signal()
    openModelRequested = Signal()
    openModelFileRequested = Signal()
    libraryRequested = Signal()
    downloadRequested = Signal()
    forgetRequested = Signal(str)
    imageFolderRequested = Signal()
    themeChosen = Signal(str)
    timelineMemoryChosen = Signal(int)
    branchRequested = Signal()
    queueRequested = Signal()
    copySettingsRequested = Signal()
    pasteRequested = Signal()
    filmRequested = Signal()
    filesDropped = Signal(list)  # paths
    arrangementChanged = Signal()
    closing = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.menu = MainMenu()
        self.models = ModelPicker()
        self.prompt = PromptPanel()
        self.class_picker = ClassPicker()
        self.class_picker.hide()
        self.scheduler = SchedulerPicker()
        self.steps = SliderSpin("", 1, 100, 1, 0, "stepsSlider", "stepsSpin", "", spin_high=1000)
        self.economy = EconomySlider()
        self.guidance = GuidancePanel()
        self.seed = SeedField()
        self.size_fields = SizeFields()
        self.run = RunControls()
        self.header = CanvasHeader()
        self.switch = SwitchBar()
        self.errors = ErrorBar()
        self.resume = NoticeBar("resume", 2)
        self.unsaved = NoticeBar("unwritten", 2)
        self.note = NoticeBar("note")
        self.vary = VaryBar()
        self.compare = CompareBar()
        self.canvas = PreviewCanvas()
        self.grid = CompareGrid()
        self.timeline = TimelineStrip()
        self.gallery_panel = GalleryPanel()
        self.gallery = self.gallery_panel.view
        self.status = StatusLine()
        self._is_grid, self._is_large = False, False
        self._before = (True, [0, 0, 0])  # the gallery was large: whether it was shown, and how
        self.retranslate()

        self._picture = QStackedWidget()
        self._picture.addWidget(self.canvas)
        self._picture.addWidget(self.grid)
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._splitter.setHandleWidth(5)
        for side in (self._left(), self._middle(), self.gallery_panel):
            self._splitter.addWidget(side)
        self._splitter.setStretchFactor(1, 1)
        self._splitter.setCollapsible(0, False)
        self._splitter.setCollapsible(1, False)
        self._splitter.setSizes([304, 1136 - GALLERY_WIDTH, GALLERY_WIDTH])
        whole = QWidget()
        _column(whole, self._splitter, self.status, stretch=0)
        self.setMenuBar(self.menu)
        self.setCentralWidget(whole)
        self.setWindowIcon(QIcon(theme.pixmap("lamp", QSize(64, 64), theme.DARK.accent)))
        self.setMinimumSize(860, 520)
        self.setAcceptDrops(True)
        self.resize(1440, 900)
        self._fit()
        self._arrange_tab_order()

        self.menu.saveRequested.connect(self.saveRequested)
        self.menu.copyRequested.connect(self.copyRequested)
        self.menu.openModelRequested.connect(self.openModelRequested)
        self.menu.openModelFileRequested.connect(self.openModelFileRequested)
        self.menu.libraryRequested.connect(self.libraryRequested)
        self.menu.downloadRequested.connect(self.downloadRequested)
        self.menu.forgetRequested.connect(self.forgetRequested)
        self.menu.imageFolderRequested.connect(self.imageFolderRequested)
        self.menu.themeChosen.connect(self.themeChosen)
        self.menu.timelineMemoryChosen.connect(self.timelineMemoryChosen)
        self.menu.branchRequested.connect(self.branchRequested)
        self.menu.queueRequested.connect(self.queueRequested)
        self.menu.copySettingsRequested.connect(self.copySettingsRequested)
        self.menu.pasteRequested.connect(self.pasteRequested)
        self.menu.filmRequested.connect(self.filmRequested)
        self.menu.quitRequested.connect(self.close)
        self.menu.aboutRequested.connect(self._show_about)
        self.menu.galleryToggled.connect(self._show_gallery)
        self.menu.largeGalleryToggled.connect(self.set_gallery_large)
        self.menu.searchRequested.connect(self._search_gallery)
        self.gallery_panel.largeToggled.connect(self.set_gallery_large)
        self.gallery.lookRequested.connect(lambda: self.set_gallery_large(False))
        self._splitter.splitterMoved.connect(self._follow_splitter)
        self._splitter.splitterMoved.connect(self._tell_arrangement)
        self.header.canSaveChanged.connect(self.menu.set_can_save)
        self.header.branchRequested.connect(self.branchRequested)
        self.menu.varyRequested.connect(lambda: self._open_vary(True))
        self.menu.compareRequested.connect(lambda: self._open_compare(True))
        self.header.varyToggled.connect(self._open_vary)
        self.header.compareToggled.connect(self._open_compare)
        self.vary.closed.connect(lambda: self.header.set_vary_open(False))
        self.compare.closed.connect(lambda: self.header.set_compare_open(False))

    def arrangement(self) -> tuple[QByteArray, QByteArray]:
        """Where the window stands and how its panels divide it, for `arrange`."""
        self.set_gallery_large(False)
        return self.saveGeometry(), self._splitter.saveState()

    def arrange(self, geometry: QByteArray, panels: QByteArray) -> None:
        """Stand as `arrangement` told; what is empty or damaged changes nothing."""
        self.restoreGeometry(geometry)
        self._fit()
        self._splitter.restoreState(panels)
        self._follow_splitter()

    def set_abilities(self, abilities: frozenset[str], class_count: int) -> None:
        """Show what the model can be asked for: a prompt with its guidance ("prompt"), one of its
        classes ("classes"; class_count: how many there are), both or neither."""
        if class_count:
            self.class_picker.set_classes(class_count)
        self.class_picker.setVisible(bool(class_count))
        self.prompt.set_abilities(abilities)
        self.guidance.setVisible("prompt" in abilities)
        self.timeline.set_guided("prompt" in abilities)
        self.canvas.set_abilities(abilities)

    def set_can_branch(self, can_branch: bool) -> None:
        """Whether a run can begin at what is shown."""
        self.header.set_can_branch(can_branch)
        self.menu.set_can_branch(can_branch)
        self.vary.set_can_start(can_branch)

    def show_grid(self, shown: bool) -> None:
        """Whether the grid of a comparison takes the canvas's place."""
        self._is_grid = shown
        if shown:
            self.set_gallery_large(False)
        if not self._is_large:
            self._picture.setCurrentWidget(self.grid if shown else self.canvas)

    def set_gallery_large(self, large: bool) -> None:
        """Whether the gallery takes the place of the picture, of the line over it and of the
        timeline; the recipe and what went wrong stay in sight."""
        if large != self._is_large:
            self._is_large = large
            focused = self.focusWidget()
            if large:
                self._before = self.gallery_panel.isVisibleTo(self), self._splitter.sizes()
                self._open_vary(False)
                self._open_compare(False)
                self._picture.addWidget(self.gallery_panel)
                self._picture.setCurrentWidget(self.gallery_panel)
                self.menu.set_gallery_shown(True)
            else:
                was_shown, (recipe, _, gallery) = self._before
                self._picture.setCurrentWidget(self.grid if self._is_grid else self.canvas)
                self._splitter.addWidget(self.gallery_panel)
                self.gallery_panel.setVisible(was_shown)
                room = self._splitter.width() - recipe - gallery
                self._splitter.setSizes([recipe, room, gallery])
                self.menu.set_gallery_shown(was_shown)
            self.header.setVisible(not large)
            self.timeline.setVisible(not large)
            if focused is not None and self.gallery_panel.isAncestorOf(focused):
                focused.setFocus()  # it has lost the focus on its way
        self.gallery_panel.set_large(large)
        self.menu.set_gallery_large(large)

    def ask_save_path(self, suggested: str) -> str:
        """The path of a picture that the person names, "" if none. suggested: path or name. An
        ending that was typed says the format, whatever stands beside it; else the format that was
        chosen says the ending."""
        formats = {
            tr("PNG image (*.png)"): (".png",),
            tr("JPEG image (*.jpg *.jpeg)"): (".jpg", ".jpeg"),
            tr("WebP image (*.webp)"): (".webp",),
        }
        ending = Path(suggested).suffix.lower()
        chosen = next((words for words, endings in formats.items() if ending in endings), "")
        while True:
            path, chosen = QFileDialog.getSaveFileName(
                self, tr("Save the picture"), suggested, ";;".join(formats), chosen
            )
            suffix = Path(path).suffix.lower()
            fitting = formats.get(chosen, ())
            known = any(suffix in endings for endings in formats.values())
            typed = known and suffix != Path(suggested).suffix.lower()
            if not path or not fitting or suffix in fitting or typed:
                return path
            # A format was chosen and the name left as it was, or without an ending.
            suggested = (path[: -len(suffix)] if known else path) + fitting[0]
            if not Path(suggested).exists():
                return suggested  # else the dialog has to ask whether it may go

    def ask_folder(self, title: str, start: str) -> str:
        """The path of the folder that the person chooses, "" if none. start: where to begin."""
        return QFileDialog.getExistingDirectory(self, title, start)

    def ask_model_file(self, start: str) -> str:
        """The path of the checkpoint file that the person chooses, "" if none."""
        path, _ = QFileDialog.getOpenFileName(
            self, tr("Open model file"), start, tr("Checkpoints (*.safetensors)")
        )
        return path

    def retranslate(self) -> None:
        self.setWindowTitle(tr("Safelight"))
        self.resume.set_words(
            tr("What was left undone"),
            (tr("Go on"), tr("Make these pictures now, each from its beginning.")),
            (tr("Forget them"), tr("Let go of these pictures. Those that are finished stay.")),
        )
        self.unsaved.set_words(
            tr("Pictures that could not be written"),
            (tr("Try now"), tr("Try at once to write them.")),
            (tr("Other folder…"), tr("Choose where pictures go from now on, these as well.")),
        )
        self.note.set_words(tr("Note"), (tr("All right"), tr("Put this message away.")))
        self.steps.retranslate(
            tr("Steps"),
            tr("In how many steps the picture develops: more are finer and take longer."),
        )

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
            for part in (
                self.menu, self.models, self.prompt, self.class_picker, self.scheduler,
                self.economy, self.seed, self.size_fields, self.guidance, self.run, self.header,
                self.switch, self.errors, self.vary, self.compare, self.canvas, self.grid,
                self.timeline, self.gallery_panel, self.status,
            ):  # fmt: skip
                part.retranslate()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.size() == self._fitted:  # else whoever shows it has said how large it is to be
            fit_once_shown(self)

    def moveEvent(self, event: QMoveEvent) -> None:
        super().moveEvent(event)
        self._tell_arrangement()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._tell_arrangement()

    def _tell_arrangement(self) -> None:
        if not self._is_large:  # that is not how the window is to open
            self.arrangementChanged.emit()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files from elsewhere are taken; a picture that is dragged out of this window is not."""
        if event.source() is None and local_files(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        event.acceptProposedAction()
        self.filesDropped.emit(local_files(event.mimeData()))

    def closeEvent(self, event: QCloseEvent) -> None:
        self.closing.emit()
        super().closeEvent(event)

    def _fit(self) -> None:
        fit(self)
        self._fitted = self.size()

    def _left(self) -> QWidget:
        """The recipe scrolls in a low window; what steers a run stays in sight under it."""
        recipe = QWidget()
        recipe.setObjectName("recipe")
        layout = QVBoxLayout(recipe)
        layout.setContentsMargins(16, 14, 6, 14)
        layout.setSpacing(14)
        for part in (
            self.models,
            self.prompt,
            self.class_picker,
            self.scheduler,
            self.steps,
            self.economy,
            self.seed,
            self.size_fields,
        ):
            layout.addWidget(part)
        layout.addStretch(1)
        QuietWheel(recipe).watch(recipe)
        room = QScrollArea()
        room.setObjectName("recipeScroll")
        room.setWidget(recipe)
        room.setWidgetResizable(True)
        room.setFrameShape(QFrame.Shape.NoFrame)
        room.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        room.setMinimumHeight(LOWEST_RECIPE)
        # Always there, and invisible without need: the controls keep their width.
        room.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        bar = room.verticalScrollBar()
        bar.rangeChanged.connect(lambda low, high: bar.setEnabled(high > low))
        room.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        foot = QWidget()
        foot.setObjectName("runPanel")
        steering = QVBoxLayout(foot)
        steering.setContentsMargins(16, 12, 16, 12)
        steering.setSpacing(10)
        steering.addWidget(self.guidance)
        steering.addWidget(self.run)
        panel = QWidget()
        panel.setObjectName("recipePanel")
        panel.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        panel.setMinimumWidth(280)
        panel.setMaximumWidth(460)
        _column(panel, room, foot, stretch=0)
        return panel

    def _middle(self) -> QWidget:
        middle = QWidget()
        middle.setMinimumWidth(440)
        _column(
            middle, self.header, self.switch, self.errors, self.resume, self.unsaved, self.note,
            self.vary, self.compare, self._picture, self.timeline, stretch=8,
        )  # fmt: skip
        return middle

    def _arrange_tab_order(self) -> None:
        """As the eye goes: the recipe, the run, the picture, the gallery."""
        for name, following in pairwise(TAB_ORDER):
            QWidget.setTabOrder(self._control(name), self._control(following))
        self._control("promptEdit").setFocus()

    def _control(self, name: str) -> QWidget:
        control = self.findChild(QWidget, name)
        if control is None:
            raise LookupError(f"The window has no control named {name!r}.")
        return control

    def _open_vary(self, opened: bool) -> None:
        """One bar at a time."""
        if opened:
            self._open_compare(False)
        self.vary.set_open(opened)
        self.header.set_vary_open(opened)

    def _open_compare(self, opened: bool) -> None:
        if opened:
            self._open_vary(False)
        self.compare.set_open(opened)
        self.header.set_compare_open(opened)

    def _show_gallery(self, shown: bool) -> None:
        self.set_gallery_large(False)
        self.gallery_panel.setVisible(shown)
        self.menu.set_gallery_shown(shown)
        recipe, middle, gallery = self._splitter.sizes()
        if shown and gallery == 0:
            self._splitter.setSizes([recipe, middle - GALLERY_WIDTH, GALLERY_WIDTH])

    def _follow_splitter(self) -> None:
        """A gallery that was pushed to the edge is hidden, so that the Tab key passes it by."""
        if not self._is_large and self._splitter.sizes()[2] == 0:
            self.gallery_panel.hide()
            self.menu.set_gallery_shown(False)

    def _search_gallery(self) -> None:
        if not self.gallery_panel.isVisibleTo(self):
            self._show_gallery(True)
        self.gallery_panel.search()

    def _show_about(self) -> None:
        box = QMessageBox(self)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle(tr("About Safelight"))
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setIconPixmap(
            theme.pixmap("lamp", QSize(56, 56), theme.tokens().accent, self.devicePixelRatioF())
        )
        box.setText(tr("Safelight {version}", version=installed_version()).strip())
        box.setInformativeText(
            tr("Makes images with diffusion models, and lets you watch and steer every one.")
        )
        box.open()


def local_files(dragged: QMimeData) -> list[str]:
    """The paths of local files among what is dragged or copied."""
    return [url.toLocalFile() for url in dragged.urls() if url.isLocalFile()]


def _column(place: QWidget, *parts: QWidget, stretch: int) -> None:
    """Puts `parts` under each other without gaps; number `stretch` takes the room that is left."""
    layout = QVBoxLayout(place)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    for number, part in enumerate(parts):
        layout.addWidget(part, 1 if number == stretch else 0)
