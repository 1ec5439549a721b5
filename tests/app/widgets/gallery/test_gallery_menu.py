"""What can be done with one picture, two, or several."""

from __future__ import annotations

from PySide6.QtGui import QStandardItemModel

from app.widgets.gallery.gallery_view import GalleryView
from tests.app.widgets.gallery.pictures import Heard, Pictures, ask_menu, choose, entries


class TestMenu:
    def test_one_picture(self, gallery: GalleryView, pictures: Pictures) -> None:
        heard = Heard(gallery)
        menu = ask_menu(gallery, 4)
        for words, action in entries(menu).items():
            if words != "Note…":
                action.trigger()
        menu.close()
        assert heard == [
            ("imageActivated", 4),
            ("lookRequested",),
            ("reuseRequested", 4),
            ("reuseSeedRequested", 4),
            ("copySettingsRequested", 4),
            ("reopenRequested", 4),
            ("favouriteRequested", [4], True),
            ("saveRequested", 4),
            ("copyRequested", 4),
            ("revealRequested", 4),
            ("trashRequested", [4]),
        ]

    def test_two_pictures(self, gallery: GalleryView, pictures: Pictures) -> None:
        pictures.favourites = {"5"}
        choose(gallery, 5, 2)
        heard = Heard(gallery)
        menu = ask_menu(gallery, 5)
        for action in entries(menu).values():
            action.trigger()
        menu.close()
        assert heard == [
            ("compareRequested", 2, 5),
            ("favouriteRequested", [2, 5], True),
            ("favouriteRequested", [2, 5], False),
            ("trashRequested", [2, 5]),
        ]

    def test_another_than_those_that_are_chosen(
        self, gallery: GalleryView, pictures: Pictures
    ) -> None:
        choose(gallery, 2, 5)
        menu = ask_menu(gallery, 3)
        assert "Compare" not in entries(menu)
        menu.close()

    def test_pictures_that_come_while_it_is_open(
        self, gallery: GalleryView, pictures: Pictures
    ) -> None:
        """The menu means the pictures that it was opened for, not their numbers."""
        heard = Heard(gallery)
        menu = ask_menu(gallery, 4)
        pictures.put_in_front("new")
        entries(menu)["Move to trash"].trigger()
        pictures.begin_anew(["7", "8"])
        entries(menu)["Move to trash"].trigger()
        entries(menu)["Show"].trigger()
        menu.close()
        assert heard == [("trashRequested", [5])]

    def test_a_picture_in_memory_only(self, gallery: GalleryView, pictures: Pictures) -> None:
        pictures.names[0] = "unsaved"
        menu = ask_menu(gallery, 0)
        faint = [words for words, action in entries(menu).items() if not action.isEnabled()]
        menu.close()
        assert faint == ["Favourite", "Note…", "Show in folder", "Move to trash"]

    def test_without_roles(self, gallery: GalleryView) -> None:
        plain = QStandardItemModel(3, 1, gallery)
        gallery.setModel(plain)
        gallery.grab()
        menu = ask_menu(gallery, 1)
        assert all(action.isEnabled() for action in entries(menu).values())
        menu.close()
