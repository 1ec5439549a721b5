"""The gallery: what is searched, marked and put away in it, and what is done with its rows."""

from __future__ import annotations

from app.parts import Parts
from app.windows.compare_dialog import CompareDialog
from app.windows.main_window import MainWindow


def connect(parts: Parts, window: MainWindow) -> None:
    gallery, acts = parts.gallery, parts.picture_acts
    panel, view, dialog = window.gallery_panel, window.gallery, CompareDialog(window)
    view.setModel(gallery)
    panel.searchChanged.connect(gallery.set_search)
    panel.modelChosen.connect(gallery.set_model)
    panel.schedulerChosen.connect(gallery.set_scheduler)
    panel.favouritesToggled.connect(gallery.set_favourites_only)
    panel.sinceChosen.connect(gallery.set_since)
    panel.sortChosen.connect(gallery.set_sort)
    panel.undoRequested.connect(gallery.undo_trash)
    view.favouriteRequested.connect(gallery.set_favourite)
    view.noteRequested.connect(gallery.set_note)
    view.trashRequested.connect(gallery.trash)
    view.reuseRequested.connect(acts.reuse)
    view.reuseSeedRequested.connect(acts.reuse_seed)
    view.copySettingsRequested.connect(acts.copy_settings)
    view.reopenRequested.connect(acts.reopen)
    view.compareRequested.connect(acts.compare)
    view.saveRequested.connect(acts.save)
    view.copyRequested.connect(acts.copy)
    view.revealRequested.connect(acts.reveal)
    view.imageActivated.connect(parts.history.unfollow)
    view.imageActivated.connect(gallery.open)
    gallery.countChanged.connect(panel.set_count)
    gallery.choicesChanged.connect(panel.set_choices)
    gallery.indexingChanged.connect(panel.set_indexing)
    gallery.trashed.connect(panel.set_undo)
    gallery.opened.connect(parts.showing.show_picture)
    gallery.failed.connect(window.errors.show_error)
    parts.pair.compared.connect(dialog.show_pair)
    parts.pair.failed.connect(window.errors.show_error)
