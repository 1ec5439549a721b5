"""A gallery view with a few pictures, or with many."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from app.widgets.gallery.gallery_view import GalleryView
from tests.app.widgets.gallery.pictures import MANY, Pictures, fill


@pytest.fixture
def gallery(qtbot: QtBot) -> GalleryView:
    view = GalleryView()
    qtbot.addWidget(view)
    view.resize(230, 400)
    view.show()
    return view


@pytest.fixture
def pictures(gallery: GalleryView) -> Pictures:
    return fill(gallery, 30)


@pytest.fixture
def many(gallery: GalleryView) -> Pictures:
    return fill(gallery, MANY)
