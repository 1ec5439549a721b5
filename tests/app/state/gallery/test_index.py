"""The index of the gallery agrees with its folder, whatever happens to either; a search finds what
it should; notes outlive all of it."""

from __future__ import annotations

import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from app.state.gallery import index_file as gallery_file
from app.state.gallery.index import GalleryIndex
from app.state.gallery.index_file import index_file
from app.state.gallery.notes import FILE
from app.state.gallery.query import Query
from app.state.gallery.words import expression, words
from app.state.store.store import Store
from tests.app.gallery_desk import Desk, write

FEW = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
LETTERS = st.text(alphabet='abAB01éÉñß ,.-_\n"*猫犬:', max_size=24)
FOLDED = {"é": "e", "ñ": "n", "ß": "ss"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    return folder


@pytest.fixture
def desk(folder: Path, tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(folder, tmp_path / "cache")
    yield desk
    desk.keeper.close()


class Folder(RuleBasedStateMachine):
    """Files come, change, get other names and go; notes are written; the program starts again; and
    the index file is damaged, truncated or deleted."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.folder, self.cache = self.root / "images", self.root / "cache"
        self.folder.mkdir()
        self.files: dict[str, dict[str, Any]] = {}
        self.clock = 0
        self.desk = Desk(self.folder, self.cache)

    def teardown(self) -> None:
        self.desk.keeper.close()
        shutil.rmtree(self.root)

    @property
    def index(self) -> Path:
        return index_file(self.cache, self.folder)

    def name(self, number: int) -> str:
        return sorted(self.files)[number % len(self.files)]

    def put(self, name: str, prompt: str) -> None:
        self.clock += 1
        write(self.folder / name, self.clock, prompt=prompt)
        known = self.files.get(name, {"note": "", "favourite": False})
        self.files[name] = known | {"prompt": prompt, "age": self.clock}

    @rule(prompt=LETTERS)
    def a_file_comes(self, prompt: str) -> None:
        self.put(f"{self.clock:03} é,\n.png", prompt)

    @precondition(lambda self: self.files)
    @rule(number=st.integers(0, 99), prompt=LETTERS)
    def a_file_changes(self, number: int, prompt: str) -> None:
        self.put(self.name(number), prompt)

    @precondition(lambda self: self.files)
    @rule(number=st.integers(0, 99))
    def a_file_gets_another_name(self, number: int) -> None:
        old, new = self.name(number), f"{self.clock:03} renamed.jpg"
        self.clock += 1
        (self.folder / old).rename(self.folder / new)
        self.files[new] = self.files.pop(old)

    @precondition(lambda self: self.files)
    @rule(number=st.integers(0, 99))
    def a_file_goes(self, number: int) -> None:
        name = self.name(number)
        (self.folder / name).unlink()
        del self.files[name]

    @precondition(lambda self: self.files)
    @rule(number=st.integers(0, 99), note=LETTERS, is_favourite=st.booleans())
    def a_note_is_written(self, number: int, note: str, is_favourite: bool) -> None:
        name = self.name(number)
        self.desk.look()  # the person sees what is written about
        self.desk.keeper.set_note(name, note)
        self.desk.keeper.set_favourite([name], is_favourite)
        self.files[name] |= {"note": note, "favourite": is_favourite}

    @rule()
    def the_program_starts_again(self) -> None:
        self.desk.keeper.close()
        self.desk = Desk(self.folder, self.cache)

    @rule()
    def all_is_read_anew(self) -> None:
        self.desk.keeper.reindex()

    @rule(place=st.floats(0, 1), change=st.integers(1, 255), cut=st.booleans())
    def the_index_is_damaged(self, place: float, change: int, cut: bool) -> None:
        self.desk.keeper.close()
        damage(self.index, place, change, cut)
        self.desk = Desk(self.folder, self.cache)

    @rule()
    def the_index_is_deleted(self) -> None:
        self.desk.keeper.close()
        gallery_file.delete_file(self.index)
        self.desk = Desk(self.folder, self.cache)

    @invariant()
    def the_index_is_what_the_folder_is(self) -> None:
        self.desk.look()
        order = sorted(self.files, key=lambda name: (self.files[name]["age"], name), reverse=True)
        assert self.desk.names == order
        for name, facts in self.desk.facts.items():
            known = self.files[name]
            assert facts.prompt == known["prompt"]
            assert (facts.note, facts.favourite) == (known["note"], known["favourite"])
        assert not self.desk.troubles


def damage(file: Path, place: float, change: int, cut: bool) -> None:
    content = bytearray(file.read_bytes())
    at = min(int(place * len(content)), len(content) - 1)
    if cut:
        del content[at:]
    else:
        content[at] ^= change
    file.write_bytes(content)


TestFolder = Folder.TestCase
TestFolder.settings = settings(max_examples=25, stateful_step_count=14, deadline=None)


def test_damage_at_any_byte_is_found_and_put_right(tmp_path: Path, folder: Path) -> None:
    for number in range(40):
        write(folder / f"{number}.png", number, prompt=f"an owl of kind {number}", seed=2**64 - 1)
    desk = Desk(folder, tmp_path / "cache")
    desk.keeper.close()
    expected = desk.facts
    file = index_file(tmp_path / "cache", folder)
    sound = file.read_bytes()
    rebuilt = 0
    for step in range(0, len(sound), len(sound) // 120):
        file.write_bytes(sound)
        damage(file, step / len(sound), 0x41, cut=False)
        again = Desk(folder, tmp_path / "cache")
        assert again.facts == expected
        assert again.search("kind owl 7") == ["7.png"]
        again.keeper.close()
        rebuilt += len(again.read) == 40
    assert rebuilt > 20  # where a byte is one of many unused ones, there is nothing to put right


@FEW
@given(fields=st.lists(st.tuples(LETTERS, LETTERS), min_size=1, max_size=6), typed=LETTERS)
def test_a_search_finds_what_begins_with_every_word(
    fields: list[tuple[str, str]], typed: str
) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for number, (prompt, negative) in enumerate(fields):
            name = folder / f"{number}.png"
            write(name, number, prompt=prompt, negative_prompt=negative, model="")
        desk = Desk(folder, folder / "cache")
        expected = {
            f"{number}.png"
            for number, texts in enumerate(fields)
            if all(
                any(begins(plain_words(text), run) for text in (*texts, f"{number}.png"))
                for run in plain_runs(typed)
            )
        }
        found = desk.search(typed)
        desk.keeper.close()
    if typed.strip() and not plain_runs(typed):
        expected = set()
    assert set(found) == expected


def plain_runs(text: str) -> list[list[str]]:
    folded = "".join(FOLDED.get(letter, letter) for letter in text.lower())
    return [re.findall("[a-z0-9]+|[猫犬]", run) for run in re.findall("[a-z0-9猫犬]+", folded)]


def plain_words(text: str) -> list[str]:
    return [word for run in plain_runs(text) for word in run]


def begins(there: list[str], run: list[str]) -> bool:
    """Whether the words of the run stand there one after another, the last of them begun."""
    return any(
        there[at : at + len(run) - 1] == run[:-1]
        and len(there) >= at + len(run)
        and there[at + len(run) - 1].startswith(run[-1])
        for at in range(len(there))
    )


ANYTHING = st.text(st.characters(exclude_categories=()), max_size=60)


@settings(max_examples=300, deadline=None)
@given(typed=ANYTHING | st.from_regex(r'[a-z"*()^:+-]{1,20}( (AND|OR|NOT|NEAR) )?.*'))
def test_nothing_that_can_be_typed_is_an_error(typed: str) -> None:
    index = GalleryIndex(None)
    try:
        assert index.select(Query(search=typed)).rows == []
        assert all(word for word in words(typed))
    finally:
        index.close()


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("CAFE", "a café in Paris"),
        ("café", "cafe\u0301"),
        ("ﬁre", "FIRE"),
        ("ส้ม", "แมวสีส้ม"),
        ("猫", "一只猫头鹰"),
        ("頭", "頭"),
        ("🐈", "a 🐈‍⬛ on a 🛹"),
        ("straße", "STRASSE"),
        ("x" * 500, "x" * 400),
    ],
)
def test_forms_of_a_letter_and_scripts_without_spaces(typed: str, text: str) -> None:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE VIRTUAL TABLE words USING fts5 (prompt, tokenize = 'ascii')")
    database.execute("INSERT INTO words VALUES (?)", (" ".join(words(text)),))
    asked = "SELECT count(*) FROM words WHERE words MATCH ?"
    assert database.execute(asked, (expression(typed),)).fetchone() == (1,)
    database.close()


def test_filters_and_orders(desk: Desk, folder: Path) -> None:
    write(folder / "b.png", 1, model="Zeta", scheduler="ddim", seed=9)
    write(folder / "A.png", 2, model="alpha", scheduler="euler", seed=2**64 - 1)
    write(folder / "c.png", 3)
    desk.look()

    def shown(**asked: Any) -> list[str]:
        desk.keeper.set_query(Query(**asked))
        return desk.names

    assert shown() == ["c.png", "A.png", "b.png"]
    assert shown(sort="oldest") == ["b.png", "A.png", "c.png"]
    assert shown(sort="name") == ["A.png", "b.png", "c.png"]
    assert shown(sort="seed") == ["b.png", "A.png", "c.png"]
    assert shown(sort="model") == ["A.png", "b.png", "c.png"]
    assert shown(model="Zeta") == ["b.png"]
    assert shown(scheduler="euler", search="a") == ["A.png"]
    assert shown(since=1) == []
    (folder / "c.png").touch()
    desk.look()
    assert shown(since=1) == ["c.png"]
    desk.keeper.set_favourite(["b.png"], True)
    assert shown(favourites_only=True) == ["b.png"]
    assert desk.facts["b.png"].seed == 9
    assert shown(search="alpha")[0] == "A.png" and desk.facts["A.png"].seed == 2**64 - 1


def test_only_what_is_new_is_read_after_a_restart(desk: Desk, folder: Path, tmp_path: Path) -> None:
    for number in range(20):
        write(folder / f"{number}.png", number, prompt="x")
    desk.look()
    desk.keeper.close()
    write(folder / "20.png", 20, prompt="y")
    again = Desk(folder, tmp_path / "cache")
    assert again.read == ["20.png"]
    assert len(again.names) == 21
    again.keeper.close()


def test_notes_are_found_again_without_index_and_under_another_name(
    desk: Desk, folder: Path, tmp_path: Path
) -> None:
    write(folder / "a.png", 1, prompt="x")
    desk.look()
    desk.keeper.set_note("a.png", "for grandmother, \ud800 “quoted”\0")
    desk.keeper.set_favourite(["a.png", "gone.png"], True)
    desk.keeper.close()
    shutil.rmtree(tmp_path / "cache")
    (folder / "a.png").rename(folder / "b.png")
    again = Desk(folder, tmp_path / "cache")
    assert again.facts["b.png"].favourite
    assert again.facts["b.png"].note == "for grandmother, ? “quoted”"
    assert again.search("grandm") == ["b.png"]
    again.keeper.close()


@pytest.mark.parametrize("content", [b"{", b"SQLite format 3\0" * 300, bytes(5000)])
def test_a_damaged_notes_file_is_kept(desk: Desk, folder: Path, content: bytes) -> None:
    write(folder / "a.png", 1)
    (folder / FILE).write_bytes(content)
    desk.look()
    kept = folder / ".safelight-notes.damaged.sqlite"
    assert kept.read_bytes() == content
    assert [str(kept) in trouble for trouble in desk.troubles] == [True]
    desk.keeper.set_note("a.png", "new")
    desk.look()
    assert desk.facts["a.png"].note == "new"


def test_a_folder_that_cannot_be_written_keeps_notes_until_the_end(
    desk: Desk, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder / "a.png", 1)
    desk.look()

    def refuse(*_: Any, **__: Any) -> Any:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Store, "_opened", refuse)
    desk.keeper.set_note("a.png", "still here")
    assert len(desk.troubles) == 1 and "Read-only" in desk.troubles[0]
    desk.look()
    assert desk.facts["a.png"].note == "still here"


@pytest.mark.parametrize("obstacle", ["file", "full", "version"])
def test_without_a_place_for_the_index_it_is_in_memory(
    folder: Path, tmp_path: Path, obstacle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(300):
        write(folder / f"{number}.png", number, prompt=f"owl {number} " * 40)
    cache = tmp_path / "cache"
    file = index_file(cache, folder)
    if obstacle == "file":
        cache.write_text("")
    elif obstacle == "version":
        cache.mkdir()
        sqlite3.connect(file).execute("CREATE TABLE files (id)").connection.close()
    else:
        opened = gallery_file._opened

        def with_little_room(path: Path | None) -> sqlite3.Connection:
            database = opened(path)
            if path is not None:
                database.execute("PRAGMA max_page_count = 30")
            return database

        monkeypatch.setattr(gallery_file, "_opened", with_little_room)
    desk = Desk(folder, cache)
    assert len(desk.names) == 300
    assert desk.search("299") == ["299.png"]
    assert not desk.troubles
    index = desk.keeper._index
    assert index is not None and (index.path is None) == (obstacle != "version")
    desk.keeper.close()


def test_two_keepers_share_an_index(desk: Desk, folder: Path, tmp_path: Path) -> None:
    other = Desk(folder, tmp_path / "cache")
    for number in range(5):
        write(folder / f"{number}.png", number, prompt=f"owl {number}")
        (desk if number % 2 else other).look()
    (folder / "3.png").unlink()
    other.look()
    desk.look()
    other.keeper.set_note("4.png", "mine")
    desk.look()
    desk.keeper.set_favourite(["4.png"], True)
    other.look()
    for one in (desk, other):
        assert one.search("owl") == ["4.png", "2.png", "1.png", "0.png"]
        assert (one.facts["4.png"].note, one.facts["4.png"].favourite) == ("mine", True)
        assert not one.troubles
    other.keeper.close()


def test_a_folder_that_is_away_for_a_while_is_remembered(desk: Desk, folder: Path) -> None:
    write(folder / "a.png", 1, prompt="owl")
    desk.look()
    folder.rename(folder.with_name("away"))
    desk.look()
    assert (desk.names, desk.listing.is_there, desk.listing.total) == ([], False, 0)
    folder.with_name("away").rename(folder)
    desk.look()
    assert (desk.search("owl"), desk.read) == (["a.png"], ["a.png"])
