"""The main window: where every widget stands, and the dialogs it opens. Layout only; app.main fills
and connects it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from pathlib import Path

from PySide6.QtCore import QByteArray, QEvent, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QIcon
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

from app import theme
from app.i18n import tr
from app.widgets.canvas_header import CanvasHeader
from app.widgets.class_picker import ClassPicker
from app.widgets.compare_bar import CompareBar
from app.widgets.compare_grid import CompareGrid
from app.widgets.economy_slider import EconomySlider
from app.widgets.error_bar import ErrorBar
from app.widgets.gallery_view import GalleryView
from app.widgets.guidance_panel import GuidancePanel
from app.widgets.model_picker import ModelPicker
from app.widgets.plain_label import PlainLabel
from app.widgets.preview_canvas import PreviewCanvas
from app.widgets.prompt_panel import PromptPanel
from app.widgets.quiet_wheel import QuietWheel
from app.widgets.run_controls import RunControls
from app.widgets.scheduler_picker import SchedulerPicker
from app.widgets.seed_field import SeedField
from app.widgets.size_fields import SizeFields
from app.widgets.slider_spin import SliderSpin
from app.widgets.status_line import StatusLine
from app.widgets.switch_bar import SwitchBar
from app.widgets.timeline_strip import TimelineStrip
from app.widgets.vary_bar import VaryBar
from app.windows.main_menu import MainMenu

GALLERY_WIDTH = 230
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
    "galleryView",
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
        self.vary = VaryBar()
        self.compare = CompareBar()
        self.canvas = PreviewCanvas()
        self.grid = CompareGrid()
        self.timeline = TimelineStrip()
        self.gallery = GalleryView()
        self.status = StatusLine()
        self._gallery_title = PlainLabel("caption")
        self.retranslate()

        self._picture = QStackedWidget()
        self._picture.addWidget(self.canvas)
        self._picture.addWidget(self.grid)
        self._gallery_panel = self._right()
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._splitter.setHandleWidth(5)
        for side in (self._left(), self._middle(), self._gallery_panel):
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
        self.resize(1440, 900)
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
        self.menu.quitRequested.connect(self.close)
        self.menu.aboutRequested.connect(self._show_about)
        self.menu.galleryToggled.connect(self._show_gallery)
        self._splitter.splitterMoved.connect(self._follow_splitter)
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
        return self.saveGeometry(), self._splitter.saveState()

    def arrange(self, geometry: QByteArray, panels: QByteArray) -> None:
        """Stand as `arrangement` told; what is empty or damaged changes nothing."""
        self.restoreGeometry(geometry)
        self._splitter.restoreState(panels)
        self._follow_splitter()

    def set_conditions(self, takes_prompt: bool, classes: int) -> None:
        """Show what the model can be told: a prompt with its guidance, a class (classes: how many
        there are), both or neither."""
        if classes:
            self.class_picker.set_classes(classes)
        self.class_picker.setVisible(bool(classes))
        self.prompt.set_conditions(takes_prompt, classes)
        self.guidance.setVisible(takes_prompt)
        self.timeline.set_guided(takes_prompt)
        self.canvas.set_takes_prompt(takes_prompt)

    def set_can_branch(self, can_branch: bool) -> None:
        """Whether a run can begin at what is shown."""
        self.header.set_can_branch(can_branch)
        self.menu.set_can_branch(can_branch)
        self.vary.set_can_start(can_branch)

    def show_grid(self, shown: bool) -> None:
        """Whether the grid of a comparison takes the canvas's place."""
        self._picture.setCurrentWidget(self.grid if shown else self.canvas)

    def ask_save_path(self, suggested: str) -> str:
        """The path of a picture that the person names, "" if none. suggested: path or name."""
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
            if not path or not fitting or suffix in fitting:
                return path
            # A format was chosen and the name left as it was, or without an ending.
            known = any(suffix in endings for endings in formats.values())
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
        self._gallery_title.setText(tr("Gallery"))
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
                self.timeline, self.gallery, self.status,
            ):  # fmt: skip
                part.retranslate()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.closing.emit()
        super().closeEvent(event)

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
        panel = _panel("recipePanel", 280, 460)
        _column(panel, room, foot, stretch=0)
        return panel

    def _middle(self) -> QWidget:
        middle = QWidget()
        middle.setMinimumWidth(440)
        _column(
            middle, self.header, self.switch, self.errors, self.vary, self.compare, self._picture,
            self.timeline, stretch=5,
        )  # fmt: skip
        return middle

    def _right(self) -> QWidget:
        panel = _panel("galleryPanel", 150, 720)
        self._gallery_title.setContentsMargins(4, 14, 4, 4)
        _column(panel, self._gallery_title, self.gallery, stretch=1)
        panel.setContentsMargins(10, 0, 0, 8)
        return panel

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
        self._gallery_panel.setVisible(shown)
        recipe, middle, gallery = self._splitter.sizes()
        if shown and gallery == 0:
            self._splitter.setSizes([recipe, middle - GALLERY_WIDTH, GALLERY_WIDTH])

    def _follow_splitter(self) -> None:
        """A gallery that was pushed to the edge is hidden, so that the Tab key passes it by."""
        if self._splitter.sizes()[2] == 0:
            self._gallery_panel.hide()
            self.menu.set_gallery_shown(False)

    def _show_about(self) -> None:
        box = QMessageBox(self)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle(tr("About Safelight"))
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setIconPixmap(
            theme.pixmap("lamp", QSize(56, 56), theme.tokens().accent, self.devicePixelRatioF())
        )
        box.setText(tr("Safelight {version}", version=_version()).strip())
        box.setInformativeText(
            tr("Makes images with diffusion models, and lets you watch and steer every one.")
        )
        box.open()


def _panel(name: str, narrowest: int, widest: int) -> QWidget:
    panel = QWidget()
    panel.setObjectName(name)
    panel.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    panel.setMinimumWidth(narrowest)
    panel.setMaximumWidth(widest)
    return panel


def _column(place: QWidget, *parts: QWidget, stretch: int) -> None:
    """Puts `parts` under each other without gaps; number `stretch` takes the room that is left."""
    layout = QVBoxLayout(place)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    for number, part in enumerate(parts):
        layout.addWidget(part, 1 if number == stretch else 0)


def _version() -> str:
    try:
        return version("safelight")
    except PackageNotFoundError:
        return ""
