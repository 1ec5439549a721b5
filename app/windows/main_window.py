"""The main window: which widgets it has, where they stand, and what its commands ask for.
app.wiring fills and connects it."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QEvent, QSize, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QIcon,
    QMoveEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QMainWindow, QVBoxLayout, QWidget

from app import commands, theme, wording
from app.i18n import tr
from app.widgets.basic.command_actions import CommandActions
from app.widgets.basic.on_screen import fit, fit_once_shown
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
from app.windows import file_questions
from app.windows.about_box import AboutBox
from app.windows.file_questions import local_files
from app.windows.keys_dialog import KeysDialog
from app.windows.main_menu import MainMenu
from app.windows.panels import Panels, PicturePanel
from app.windows.recipe_panel import RecipePanel
from app.windows.tab_order import TAB_ORDER, arrange_tab_order

__all__ = ["TAB_ORDER", "MainWindow"]


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
        self.commands = CommandActions(self)
        self._make_recipe()
        self._make_picture()
        self.menu = MainMenu(self.commands)
        self.gallery_panel = GalleryPanel()
        self.gallery = self.gallery_panel.view
        self.status = StatusLine()
        self.retranslate()

        self._lay_out()
        self.setWindowIcon(QIcon(theme.pixmap("lamp", QSize(64, 64), theme.DARK.accent)))
        self.setMinimumSize(860, 520)
        self.setAcceptDrops(True)
        self.resize(1440, 900)
        self._fit()
        arrange_tab_order(self)

        self._connect_commands()
        self.menu.forgetRequested.connect(self.forgetRequested)
        self.menu.themeChosen.connect(self.themeChosen)
        self.menu.timelineMemoryChosen.connect(self.timelineMemoryChosen)
        self.panels.splitterMoved.connect(self._tell_arrangement)
        self.panels.galleryShown.connect(self.commands[commands.GALLERY].setChecked)
        self.panels.galleryEnlarged.connect(self.commands[commands.LARGE_GALLERY].setChecked)
        self.panels.galleryEnlarged.connect(self._close_bars)
        self.header.saveRequested.connect(self.saveRequested)
        self.header.copyRequested.connect(self.copyRequested)
        self.header.branchRequested.connect(self.branchRequested)
        self.header.varyToggled.connect(self._open_vary)
        self.header.compareToggled.connect(self._open_compare)
        self.canvas.saveRequested.connect(self.saveRequested)
        self.canvas.copyRequested.connect(self.copyRequested)
        self.vary.closed.connect(lambda: self.header.set_vary_open(False))
        self.compare.closed.connect(lambda: self.header.set_compare_open(False))

    def _make_recipe(self) -> None:
        self.models = ModelPicker()
        self.prompt = PromptPanel(self.commands)
        self.class_picker = ClassPicker()
        self.class_picker.hide()
        self.scheduler = SchedulerPicker()
        self.steps = SliderSpin("", 1, 100, 1, 0, "stepsSlider", "stepsSpin", "", spin_high=1000)
        self.economy = EconomySlider()
        self.guidance = GuidancePanel()
        self.seed = SeedField()
        self.size_fields = SizeFields()
        self.run = RunControls(self.commands)

    def _make_picture(self) -> None:
        self.header = CanvasHeader(self.commands)
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

    def _lay_out(self) -> None:
        recipe = (
            self.models, self.prompt, self.class_picker, self.scheduler, self.steps, self.economy,
            self.seed, self.size_fields,
        )  # fmt: skip
        bars = (
            self.switch, self.errors, self.resume, self.unsaved, self.note, self.vary,
            self.compare,
        )  # fmt: skip
        picture = PicturePanel(self.header, bars, self.canvas, self.grid, self.timeline)
        left = RecipePanel(recipe, (self.guidance, self.run))
        self.panels = Panels(left, picture, self.gallery_panel)
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.panels, 1)
        column.addWidget(self.status)
        self.setMenuBar(self.menu)
        self.setCentralWidget(whole)

    def _connect_commands(self) -> None:
        """What the widgets that show a command do not tell themselves."""
        for command, asked in (
            (commands.COPY_SETTINGS, self.copySettingsRequested),
            (commands.PASTE_SETTINGS, self.pasteRequested),
            (commands.EXPORT_FILM, self.filmRequested),
            (commands.OPEN_MODEL, self.openModelRequested),
            (commands.OPEN_MODEL_FILE, self.openModelFileRequested),
            (commands.LIBRARY, self.libraryRequested),
            (commands.DOWNLOAD, self.downloadRequested),
            (commands.IMAGE_FOLDER, self.imageFolderRequested),
            (commands.QUEUE, self.queueRequested),
            (commands.QUIT, self.close),
            (commands.VARY, lambda: self._open_vary(True)),
            (commands.COMPARE, lambda: self._open_compare(True)),
            (commands.GALLERY, self.panels.show_gallery),
            (commands.LARGE_GALLERY, self.panels.set_gallery_large),
            (commands.SEARCH, self.panels.search_gallery),
            (commands.KEYS, self._show_keys),
            (commands.ABOUT, lambda: AboutBox(self).open()),
        ):
            self.commands[command].triggered.connect(asked)

    def arrangement(self) -> tuple[QByteArray, QByteArray]:
        """Where the window stands and how its panels divide it, for `arrange`."""
        self.set_gallery_large(False)
        return self.saveGeometry(), self.panels.saveState()

    def arrange(self, geometry: QByteArray, panels: QByteArray) -> None:
        """Stand as `arrangement` told; what is empty or damaged changes nothing."""
        self.restoreGeometry(geometry)
        self._fit()
        self.panels.restoreState(panels)
        self.panels.follow_sizes()

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
        self.vary.set_can_start(can_branch)

    def show_grid(self, shown: bool) -> None:
        """Whether the grid of a comparison takes the canvas's place."""
        self.panels.show_grid(shown)

    def set_gallery_large(self, large: bool) -> None:
        """Whether the gallery takes the place of the picture, of the line over it and of the
        timeline; the recipe and what went wrong stay in sight."""
        self.panels.set_gallery_large(large)

    def ask_save_path(self, suggested: str) -> str:
        return file_questions.ask_save_path(self, suggested)

    def ask_folder(self, title: str, start: str) -> str:
        return file_questions.ask_folder(self, title, start)

    def ask_model_file(self, start: str) -> str:
        return file_questions.ask_model_file(self, start)

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
        self.steps.retranslate(wording.label("steps"), wording.tooltip("steps"))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
            self.commands.retranslate()
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
        if not self.panels.is_large:  # that is not how the window is to open
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

    def _show_keys(self) -> None:
        sheet = self.findChild(KeysDialog)
        if sheet is None or not sheet.isVisible():
            sheet = KeysDialog(self)
        sheet.show()
        sheet.raise_()
        sheet.activateWindow()

    def _close_bars(self, large: bool) -> None:
        """They are about the picture, which the large gallery hides."""
        if large:
            self._open_vary(False)
            self._open_compare(False)
