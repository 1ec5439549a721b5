"""The draft: what a person chose is kept, adapted to a model, and released as a request."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.preferences import Preferences
from app.state.models.model_card import ModelCard
from app.state.recipe import economies
from app.state.recipe.session import Session
from app.state.store.store_thread import StoreThread
from engine.errors import RequestError
from engine.request.economy import ECONOMIES
from engine.request.request import MAX_SEED, Request
from tests.app.by_hand import heard

SCHEDULERS = ("unipc", "euler")
CARD = ModelCard(
    source="bundled",
    name="Emoji",
    family="stable-diffusion",
    device="cpu",
    dtype="torch.float32",
    multiple=8,
    minimum=64,
    maximum=512,
    default_request=Request(width=128, height=128, steps=20, guidance_scale=5.0, scheduler="unipc"),
    abilities=frozenset({"prompt", "negative"}),
    class_count=0,
)
DDPM = replace(
    CARD,
    source="/models/cats",
    family="ddpm",
    default_request=Request(width=64, height=64, guidance_scale=1.0, scheduler="euler"),
    abilities=frozenset(),
)


def of_classes(count: int) -> ModelCard:
    return replace(DDPM, abilities=frozenset({"classes"}), class_count=count)


RESCALED = replace(CARD, default_request=replace(CARD.default_request, guidance_rescale=0.7))


@pytest.fixture
def session(preferences: Preferences) -> Session:
    return Session(preferences, SCHEDULERS)


def test_a_setter_tells_only_what_changes(session: Session) -> None:
    prompts = heard(session.promptChanged)
    session.set_prompt("an owl")
    session.set_prompt("an owl")
    assert prompts == ["an owl"]


def test_the_model_fills_in_what_nobody_chose(session: Session) -> None:
    session.adapt(CARD)
    assert session.size == (128, 128)
    assert (session.steps, session.guidance_scale, session.scheduler) == (20, 5.0, "unipc")


def test_what_a_person_chose_stays_where_the_model_accepts_it(session: Session) -> None:
    session.set_steps(12.0)
    session.set_size(256, 320)
    session.set_scheduler("euler")
    session.adapt(CARD)
    assert (session.steps, session.size, session.scheduler) == (12, (256, 320), "euler")
    assert session.guidance_scale == 5.0


@pytest.mark.parametrize("size", [(130, 128), (1024, 128), (128, 8)])
def test_a_size_that_the_model_cannot_make_becomes_its_own(
    session: Session, size: tuple[int, int]
) -> None:
    session.set_size(*size)
    session.adapt(CARD)
    assert session.size == (128, 128)


def test_the_draft_is_back_at_the_next_start(session: Session, preferences: Preferences) -> None:
    session.set_prompt("แมว 🐈")
    session.set_steps(33)
    session.set_seed(7)
    session.set_seed_locked(True)
    again = Session(preferences, SCHEDULERS)
    again.adapt(CARD)
    assert (again.prompt, again.steps, again.seed, again.seed_locked) == ("แมว 🐈", 33, 7, True)
    assert again.release().seed == 7


@pytest.mark.parametrize(
    "draft",
    [
        {"steps": 0, "prompt": "kept"},
        {"steps": "many", "width": -1, "prompt": "kept", "unknown": 1},
        {"seed": 2**70, "guidance_scale": 1e400, "count": None, "prompt": "kept"},
        {"scheduler": "gone", "prompt": "kept"},
        {"prompt": "kept", "negative_prompt": ["no"]},
    ],
)
def test_a_stored_draft_is_taken_field_by_field(
    preferences: Preferences, draft: dict[str, Any]
) -> None:
    preferences.set("draft", draft)
    session = Session(preferences, SCHEDULERS)
    assert session.release().prompt == "kept"
    assert session.scheduler is None


def test_every_run_has_a_new_seed_unless_it_is_locked(session: Session) -> None:
    told = heard(session.seedChanged)
    seeds = [session.release().seed for _ in range(4)]
    assert len(set(seeds)) == 4
    assert told == seeds
    session.set_seed_locked(True)
    assert {session.release().seed for _ in range(3)} == {seeds[-1]}


def test_a_typed_or_diced_seed_serves_the_next_run(session: Session) -> None:
    session.set_seed(0)
    assert session.release().seed == 0
    session.roll_seed()
    rolled = session.seed
    assert session.release().seed == rolled
    assert session.release().seed != rolled


def test_a_draft_that_cannot_be_released_says_why(session: Session) -> None:
    session.set_seed(MAX_SEED)
    session.set_count(2)
    session.set_seed_locked(True)
    with pytest.raises(RequestError, match="seed"):
        session.release()
    sentences, requests = heard(session.refused), heard(session.released)
    session.generate()
    assert "seed" in sentences[0]
    assert requests == []


def test_what_a_model_has_no_use_for_stays_in_the_draft(session: Session) -> None:
    session.adapt(CARD)
    session.set_prompt("an owl")
    session.set_negative_prompt("rain")
    session.set_guidance_scale(9.0)
    session.adapt(DDPM)
    request = session.release()
    told = DDPM.suited(request)
    assert (told.prompt, told.negative_prompt, told.guidance_scale) == ("", "", 1.0)
    assert replace(request, prompt="", negative_prompt="", guidance_scale=1.0) == told
    session.adapt(CARD)
    assert CARD.suited(session.release()).prompt == "an owl"
    assert (session.negative_prompt, session.guidance_scale) == ("rain", 9.0)


def test_tells_what_the_model_can_be_told(session: Session, preferences: Preferences) -> None:
    told: list[tuple[frozenset[str], int]] = []
    session.abilitiesChanged.connect(lambda *able: told.append(able))
    for card in (CARD, DDPM, of_classes(10), CARD):
        session.adapt(card)
        session.adapt(card)
    assert told == [
        (frozenset(), 0),
        (frozenset({"classes"}), 10),
        (frozenset({"prompt", "negative"}), 0),
    ]
    session.adapt(DDPM)
    again = Session(preferences, SCHEDULERS)
    again.abilitiesChanged.connect(lambda *able: told.append(able))
    again.announce()
    assert told[-1] == (frozenset(), 0)


def test_a_class_is_the_persons_or_the_models_own(session: Session) -> None:
    classes = of_classes(10)
    told = heard(session.classChanged)
    session.adapt(classes)
    assert classes.suited(session.release()).class_label == 0
    session.set_class_label(7)
    assert classes.suited(session.release()).class_label == 7
    session.adapt(CARD)
    assert CARD.suited(session.release()).class_label is None
    session.adapt(classes)
    assert session.class_label == 7
    session.adapt(of_classes(5))
    assert session.class_label == 0
    assert told == [0, 7, 0]


def test_the_dice_draws_every_class(session: Session) -> None:
    session.roll_class()
    assert session.class_label is None
    session.adapt(of_classes(3))
    drawn = set()
    for _ in range(100):
        session.roll_class()
        drawn.add(session.class_label)
    assert drawn == {0, 1, 2}


class TestEconomy:
    def test_is_exact_until_a_person_says_otherwise(self, session: Session) -> None:
        told = heard(session.economyChanged)
        session.adapt(CARD)
        request = session.release()
        assert (request.feature_reuse, request.guidance_reuse) == (1, 0.0)
        for level in (0, 2, 2, 99, -1):
            session.set_economy(level)
        assert told == [2, 0]

    @pytest.mark.parametrize("level", range(len(ECONOMIES)))
    def test_a_level_is_in_the_request_and_back_at_the_next_start(
        self, session: Session, preferences: Preferences, tmp_path: Path, level: int
    ) -> None:
        session.set_economy(level)
        preferences.flush()
        again = Session(Preferences(StoreThread(tmp_path / "safelight.sqlite")), SCHEDULERS)
        told = heard(again.economyChanged)
        again.adapt(CARD)
        again.announce()
        assert told == [level]
        request = again.release()
        assert request == replace(request, **ECONOMIES[level].fields)

    @pytest.mark.parametrize(
        "draft",
        [
            {"feature_reuse": 3, "guidance_reuse": 0.0},
            {"feature_reuse": 1, "guidance_reuse": 0.3},
            {"feature_reuse": 3, "guidance_reuse": "much"},
            {"feature_reuse": 99},
        ],
    )
    def test_what_is_stored_and_no_level_is_exact(
        self, preferences: Preferences, draft: dict[str, Any]
    ) -> None:
        preferences.set("draft", draft)
        request = Session(preferences, SCHEDULERS).release()
        assert (request.feature_reuse, request.guidance_reuse) == (1, 0.0)

    def test_a_model_without_a_prompt_has_no_half_to_leave_out(self, session: Session) -> None:
        fastest = len(ECONOMIES) - 1
        session.set_economy(fastest)
        own = DDPM.suited(session.release())
        assert own.feature_reuse == ECONOMIES[fastest].feature_reuse
        assert own.guidance_reuse == 0.0
        with_a_prompt, without = (
            economies.described(frozenset({"prompt"})),
            economies.described(frozenset()),
        )
        assert len(with_a_prompt) == len(set(with_a_prompt)) == len(ECONOMIES)
        assert len(set(without)) == len(ECONOMIES)
        assert "unguided" in with_a_prompt[fastest]
        assert not any("unguided" in sentence for sentence in without)


HILL = ((0.0, 2.0), (0.5, 12.5), (1.0, 3.0))


class TestCourseOfTheGuidance:
    def restarted(self, preferences: Preferences, tmp_path: Path) -> Session:
        """Another start of the program, with what its file says."""
        preferences.flush()
        return Session(Preferences(StoreThread(tmp_path / "safelight.sqlite")), SCHEDULERS)

    def test_a_drawn_curve_is_back_at_the_next_start(
        self, session: Session, preferences: Preferences, tmp_path: Path
    ) -> None:
        session.set_guidance_scale(5.0)
        session.set_curve(HILL, "cosine")
        session.set_interval(0.25, 0.75)
        session.set_guidance_rescale(0.5)
        again = self.restarted(preferences, tmp_path)
        told = heard(
            again.presetChanged, again.curveChanged, again.intervalChanged, again.rescaleChanged
        )
        again.announce()
        assert sorted(map(str, told)) == sorted(
            map(str, ["custom", (HILL, "cosine"), (0.25, 0.75), 0.5])
        )
        request = again.release()
        assert (request.guidance_curve, request.guidance_easing) == (HILL, "cosine")
        assert (request.guidance_interval, request.guidance_rescale) == ((0.25, 0.75), 0.5)
        again.set_guidance_scale(10.0)
        assert again.guidance_curve == ((0.0, 4.0), (0.5, 25.0), (1.0, 6.0))

    def test_a_preset_is_back_and_follows_the_scale(
        self, session: Session, preferences: Preferences, tmp_path: Path
    ) -> None:
        session.set_guidance_scale(10.0)
        session.set_preset("falling")
        assert session.guidance_curve == ((0.0, 14.0), (1.0, 6.0))
        session = self.restarted(preferences, tmp_path)
        told = heard(session.presetChanged)
        session.announce()
        assert told == ["falling"]
        session.set_guidance_scale(5.0)
        assert session.guidance_curve == ((0.0, 7.0), (1.0, 3.0))
        session.set_preset("constant")
        session.set_preset("nonsense")
        assert session.release().guidance_curve == ()

    @pytest.mark.parametrize("way", [(0.1, 10.0), (0.0, 10.0), (100.0, 10.0), (3.3, 7.7, 10.0)])
    def test_a_drawn_curve_keeps_its_shape_under_the_slider(
        self, session: Session, way: tuple[float, ...]
    ) -> None:
        session.set_guidance_scale(10.0)
        session.set_curve(HILL, "linear")
        for scale in way:
            session.set_guidance_scale(scale)
            assert all(0 <= height <= 100 for _, height in session.guidance_curve)
        assert session.guidance_curve == HILL

    def test_a_curve_without_points_is_constant(self, session: Session) -> None:
        session.set_curve(HILL, "linear")
        presets = heard(session.presetChanged)
        session.set_curve((), "linear")
        session.set_guidance_scale(3.0)
        assert (presets, session.guidance_curve) == (["constant"], ())

    def test_a_models_own_scale_lifts_the_curve(self, session: Session) -> None:
        session.set_preset("rising")
        session.adapt(CARD)
        assert session.guidance_curve == ((0.0, 3.0), (1.0, 7.0))

    def test_a_models_own_rescale_is_taken_unless_the_person_chose(
        self, session: Session, preferences: Preferences, tmp_path: Path
    ) -> None:
        told = heard(session.rescaleChanged, session.ownRescaleChanged)
        session.adapt(RESCALED)
        session.adapt(DDPM)
        assert (session.guidance_rescale, told) == (0.7, [0.7, 0.7])
        session.adapt(CARD)
        assert session.guidance_rescale == 0.0
        session.set_guidance_rescale(0.5)
        session = self.restarted(preferences, tmp_path)
        session.adapt(RESCALED)
        assert session.release().guidance_rescale == 0.5

    def test_a_run_before_a_model_is_there_takes_that_models_own_rescale(
        self, session: Session
    ) -> None:
        assert session.guidance_rescale == 0.0
        assert session.release().guidance_rescale is None
        session.set_guidance_rescale(0.0)
        session.adapt(RESCALED)
        assert session.release().guidance_rescale == 0.0

    def test_a_model_without_a_prompt_gets_none_of_it(self, session: Session) -> None:
        session.set_curve(HILL, "cosine")
        session.set_interval(0.0, 0.5)
        own = DDPM.suited(session.release())
        assert (own.guidance_curve, own.guidance_interval) == ((), (0.0, 1.0))

    @pytest.mark.parametrize(
        "draft",
        [
            {"guidance_curve": [[0.0, "x"]], "guidance_interval": [0.9, 0.1]},
            {"guidance_curve": 5, "guidance_easing": "bouncy", "guidance_interval": None},
        ],
    )
    def test_a_stored_course_that_cannot_be_is_left_out(
        self, preferences: Preferences, draft: dict[str, Any]
    ) -> None:
        preferences.set("draft", draft)
        preferences.set("guidance_preset", "custom")
        session = Session(preferences, SCHEDULERS)
        told = heard(session.presetChanged)
        session.announce()
        assert told == ["constant"]
        assert session.release().guidance_interval == (0.0, 1.0)
