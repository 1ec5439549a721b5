"""The library of models and its dialog, on a scripted engine."""

from __future__ import annotations

from dataclasses import replace

from pytestqt.qtbot import QtBot

from app.main import Application
from app.windows.download_dialog import DownloadDialog
from app.windows.library_dialog import LibraryDialog
from tests.app.conftest import told
from tests.app.fake_engine import FakeEngine, FakePipeline
from tests.app.in_person import error


def test_the_dialog_loads_and_leads_to_downloads(
    qtbot: QtBot, application: Application, fake: FakeEngine
) -> None:
    application.window.libraryRequested.emit()
    dialog = application.window.findChild(LibraryDialog)
    downloads = application.window.findChild(DownloadDialog)
    assert dialog is not None and downloads is not None
    assert dialog.isVisible()
    dialog.downloadRequested.emit()
    assert downloads.isVisible()
    with qtbot.waitSignal(told(application).ready):
        dialog.loadRequested.emit("/models/other")
    assert fake.loaded[-1] == "/models/other"
    dialog.close()
    downloads.close()


def test_a_guess_is_told(qtbot: QtBot, application: Application, fake: FakeEngine) -> None:
    fake.models["/models/silent"] = replace(FakePipeline(), guessed_prediction=True)
    with qtbot.waitSignal(told(application).ready):
        application.models.choose("/models/silent")
    assert "v-prediction is assumed" in error(application)


def test_what_a_file_predicts_holds_for_the_model_that_is_loaded(
    qtbot: QtBot, application: Application, fake: FakeEngine
) -> None:
    application.library.predictionTypeChanged.emit("/models/other")
    with qtbot.waitSignal(told(application).ready):
        application.library.predictionTypeChanged.emit("bundled")
    assert fake.loaded == ["bundled", "bundled"]
