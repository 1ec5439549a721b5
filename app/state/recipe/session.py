"""Session: the draft of the next request and what the person chose, kept over restarts. The
widgets of the recipe edit it and show it; `app.wiring` hands what it releases to the queue.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal, SignalInstance, Slot

from app.state.models.model_card import ModelCard
from app.state.recipe import economies, file_settings, presets
from app.state.recipe.curve_choice import CurveChoice
from app.state.recipe.draft import EXTRAS, Draft
from app.state.recipe.kept_abilities import keep_abilities, kept_abilities
from engine.errors import RequestError
from engine.families.family import Ability
from engine.request.request import Request

if TYPE_CHECKING:
    from app.preferences import Preferences

SEEDS = 2**32  # drawn seeds stay short enough to read out, and fit every other program's field


class Session(QObject):
    """One setter and one signal a field. A seed is used for one run and then drawn anew, unless it
    is locked; so a seed that was typed or diced always serves the next run.

    The draft keeps also what the present model has no use for: a prompt is there again, as it was
    typed, with the next model that takes one. `ModelCard.suited` leaves it out of a run."""

    promptChanged = Signal(str)
    negativePromptChanged = Signal(str)
    sizeChanged = Signal(int, int)
    stepsChanged = Signal(float)
    guidanceChanged = Signal(float)
    rescaleChanged = Signal(float)
    ownRescaleChanged = Signal(float)  # what the model does if nobody chooses
    curveChanged = Signal(tuple, str)  # points, easing
    presetChanged = Signal(str)
    intervalChanged = Signal(float, float)
    economyChanged = Signal(int)
    schedulerChanged = Signal(str)
    seedChanged = Signal(object)
    countChanged = Signal(int)
    classChanged = Signal(int)
    lockChanged = Signal(bool)
    limitsChanged = Signal(int, int, int)  # multiple, minimum, maximum
    extrasChanged = Signal(str)  # what acts besides the controls, in words; "" for nothing
    abilitiesChanged = Signal(object, int)  # a frozenset of names, how many classes there are
    released = Signal(object)  # Request
    refused = Signal(str)

    def __init__(
        self,
        preferences: Preferences,
        schedulers: tuple[str, ...],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._schedulers = schedulers
        self._draft = Draft(preferences, schedulers)
        self._abilities, self._class_count = kept_abilities(preferences)
        self._curve = CurveChoice(preferences, self.guidance_curve, self.guidance_scale)
        self._locked = preferences.get("seed_locked")
        self._spent = preferences.get("seed_spent", not self._locked)
        self._limits = (1, 1, 2**16)  # until a model has told its own

    @property
    def prompt(self) -> str:
        return self._draft["prompt"]

    @property
    def negative_prompt(self) -> str:
        return self._draft["negative_prompt"]

    @property
    def size(self) -> tuple[int | None, int | None]:
        """Width and height in pixels; None until a model has told what it makes."""
        return self._draft["width"], self._draft["height"]

    @property
    def steps(self) -> int:
        return self._draft["steps"]

    @property
    def guidance_scale(self) -> float:
        return self._draft["guidance_scale"]

    @property
    def guidance_rescale(self) -> float:
        """0 until a model has told its own; a run that starts before takes that of its model."""
        return self._draft["guidance_rescale"] or 0.0

    @property
    def guidance_curve(self) -> presets.Points:
        """(fraction of the run, scale); empty where the guidance scale holds for all of it."""
        return self._draft["guidance_curve"]

    @property
    def abilities(self) -> frozenset[str]:
        """What the present model can be asked for, by the names of `Ability`."""
        return self._abilities

    @property
    def scheduler(self) -> str | None:
        return self._draft["scheduler"]

    @property
    def seed(self) -> int:
        return self._draft["seed"]

    @property
    def count(self) -> int:
        return self._draft["count"]

    @property
    def class_label(self) -> int | None:
        """None until a model with classes was there."""
        return self._draft["class_label"]

    @property
    def economy(self) -> int:
        """The level, from exact to fast; see `economies`."""
        return economies.level(self._draft.values)

    @property
    def seed_locked(self) -> bool:
        return self._locked

    @Slot(str)
    def set_prompt(self, text: str) -> None:
        self._choose(self.promptChanged, prompt=text)

    @Slot(str)
    def set_negative_prompt(self, text: str) -> None:
        self._choose(self.negativePromptChanged, negative_prompt=text)

    @Slot(int, int)
    def set_size(self, width: int, height: int) -> None:
        self._choose(self.sizeChanged, width=width, height=height)

    @Slot(float)
    def set_steps(self, steps: float) -> None:
        self._choose(self.stepsChanged, steps=round(steps))

    @Slot(float)
    def set_guidance_scale(self, scale: float) -> None:
        """A curve is lifted or lowered with it."""
        self._choose(self.guidanceChanged, guidance_scale=float(scale))
        self._lift_curve()

    @Slot(float)
    def set_guidance_rescale(self, rescale: float) -> None:
        self._choose(self.rescaleChanged, guidance_rescale=float(rescale))

    @Slot(str)
    def set_preset(self, name: str) -> None:
        """Take the curve of that name, at the present guidance scale."""
        if name in presets.PRESETS:
            self._put_curve(*presets.curve(name, self.guidance_scale))
            self._curve.choose(name)
            self.presetChanged.emit(name)

    @Slot(tuple, str)
    def set_curve(self, points: presets.Points, easing: str) -> None:
        """Take a curve that was drawn by hand."""
        self._curve.draw(points, self.guidance_scale)
        self._put_curve(points, easing)
        self.presetChanged.emit(self._curve.preset)

    @Slot(float, float)
    def set_interval(self, start: float, end: float) -> None:
        """The part of the run, 0 to 1, in which guidance acts."""
        if self._draft.keep({"guidance_interval": (start, end)}):
            self.intervalChanged.emit(start, end)

    @Slot(int)
    def set_economy(self, level: int) -> None:
        """How much the steps take over from each other: a level from exact to fast."""
        if self._draft.keep(economies.fields(level)):
            self.economyChanged.emit(self.economy)

    @Slot(str)
    def set_scheduler(self, name: str) -> None:
        """The options of the former one go with it."""
        if name != self.scheduler:
            self._set_extras(scheduler_options={}, eta=0.0)
        self._choose(self.schedulerChanged, scheduler=name)

    @Slot()
    def drop_extras(self) -> None:
        """Take away what acts besides the controls."""
        default = Request()
        self._set_extras(**{name: getattr(default, name) for name in EXTRAS})

    @Slot(object)
    def set_seed(self, seed: int) -> None:
        self._set_spent(False)
        self._choose(self.seedChanged, seed=seed)

    @Slot(int)
    def set_count(self, count: int) -> None:
        self._choose(self.countChanged, count=count)

    @Slot(int)
    def set_class_label(self, label: int) -> None:
        self._choose(self.classChanged, class_label=label)

    @Slot()
    def roll_class(self) -> None:
        """Draw one of the model's classes."""
        if self._class_count:
            self.set_class_label(secrets.randbelow(self._class_count))

    @Slot(bool)
    def set_seed_locked(self, locked: bool) -> None:
        if locked != self._locked:
            self._locked = locked
            self._preferences.set("seed_locked", locked)
            self.lockChanged.emit(locked)

    @Slot()
    def roll_seed(self) -> None:
        """Draw a seed for the next run."""
        self.set_seed(secrets.randbelow(SEEDS))

    @Slot(object)
    def adapt(self, card: ModelCard) -> None:
        """Take the model's own size, steps, guidance, scheduler and class, except where the person
        chose something that this model accepts."""
        default = card.default_request
        size = (default.width or card.minimum, default.height or card.minimum)
        own = self.size
        if self._draft.is_chosen("width") and all(side and card.accepts_size(side) for side in own):
            size = own
        self._limits = (card.multiple, card.minimum, card.maximum)
        self.limitsChanged.emit(*self._limits)
        self._put(self.sizeChanged, width=size[0], height=size[1])
        if not self._draft.is_chosen("steps"):
            self._put(self.stepsChanged, steps=default.steps)
        if Ability.PROMPT in card.abilities:
            rescale = float(default.guidance_rescale or 0.0)
            self._adapt_guidance(float(default.guidance_scale), rescale)
        if not self._draft.is_chosen("scheduler") and default.scheduler in self._schedulers:
            self._put(self.schedulerChanged, scheduler=default.scheduler)
        self._set_abilities(card.abilities, card.class_count)
        chosen = self._draft.is_chosen("class_label") and card.accepts_class(self.class_label)
        if card.class_count and not chosen:
            self._put(self.classChanged, class_label=default.class_label or 0)

    def apply(self, fields: Mapping[str, Any]) -> list[str]:
        """Take settings from a file: fields of a request with values that it accepts. What the file
        does not tell stays as it is, but for what acts besides the controls. A seed that is told
        serves the next run. Returns a sentence for each that cannot be taken."""
        given, left = file_settings.usable(fields, self._schedulers, self._accepts)
        if "scheduler" in given:
            self._choose(self.schedulerChanged, scheduler=given["scheduler"])
        self._set_extras(**{name: given[name] for name in EXTRAS})
        if "width" in given:
            self._choose(self.sizeChanged, width=given["width"], height=given["height"])
        if "guidance_scale" in given or "guidance_curve" in given:
            scale = given.get("guidance_scale", self.guidance_scale)
            self._choose(self.guidanceChanged, guidance_scale=float(scale))
            self.set_curve(given.get("guidance_curve", ()), given.get("guidance_easing", "linear"))
        if "guidance_interval" in given:
            self.set_interval(*given["guidance_interval"])
        self.set_economy(economies.level(given))
        for name, signal in self._signals.items():
            if name in given:
                self._choose(signal, **{name: given[name]})
        if "seed" in fields:
            self._set_spent(False)
        return left

    def request(self) -> Request:
        """The draft as it is, for a branch or a grid. Raises RequestError."""
        return self._draft.request

    def release(self) -> Request:
        """The draft as a request, with a fresh seed if the one there is spent. Raises
        RequestError, which names the field that cannot be used."""
        if self._spent and not self._locked:
            self.roll_seed()
        request = self.request()
        self._set_spent(True)
        return request

    @Slot()
    def generate(self) -> None:
        """Release the draft to whoever listens, or say why it cannot be."""
        try:
            request = self.release()
        except RequestError as error:
            self.refused.emit(str(error))
        else:
            self.released.emit(request)

    def announce(self) -> None:
        """Tell every value, for widgets that have just been connected."""
        self.promptChanged.emit(self.prompt)
        self.negativePromptChanged.emit(self.negative_prompt)
        width, height = self.size
        if width and height:
            self.sizeChanged.emit(width, height)
        self.stepsChanged.emit(self.steps)
        self.economyChanged.emit(self.economy)
        self.guidanceChanged.emit(self.guidance_scale)
        self.rescaleChanged.emit(self.guidance_rescale)
        self.curveChanged.emit(self.guidance_curve, self._draft["guidance_easing"])
        self.presetChanged.emit(self._curve.preset)
        self.intervalChanged.emit(*self._draft["guidance_interval"])
        if self.scheduler:
            self.schedulerChanged.emit(self.scheduler)
        self.seedChanged.emit(self.seed)
        self.countChanged.emit(self.count)
        self.abilitiesChanged.emit(self._abilities, self._class_count)
        if self.class_label is not None:
            self.classChanged.emit(self.class_label)
        self.lockChanged.emit(self.seed_locked)
        self.extrasChanged.emit(self._draft.extras)

    @property
    def _signals(self) -> dict[str, SignalInstance]:
        """Of the fields that stand by themselves."""
        return {
            "prompt": self.promptChanged,
            "negative_prompt": self.negativePromptChanged,
            "steps": self.stepsChanged,
            "guidance_rescale": self.rescaleChanged,
            "seed": self.seedChanged,
            "class_label": self.classChanged,
        }

    def _set_extras(self, **values: object) -> None:
        if self._draft.keep(values):
            self.extrasChanged.emit(self._draft.extras)

    def _accepts(self, width: int, height: int) -> bool:
        multiple, low, high = self._limits
        return all(low <= side <= high and side % multiple == 0 for side in (width, height))

    def _set_abilities(self, abilities: frozenset[str], class_count: int) -> None:
        if (abilities, class_count) != (self._abilities, self._class_count):
            self._abilities, self._class_count = abilities, class_count
            keep_abilities(self._preferences, abilities, class_count)
            self.abilitiesChanged.emit(abilities, class_count)

    def _adapt_guidance(self, scale: float, rescale: float) -> None:
        if not self._draft.is_chosen("guidance_scale"):
            self._put(self.guidanceChanged, guidance_scale=scale)
            self._lift_curve()
        self.ownRescaleChanged.emit(rescale)
        if not self._draft.is_chosen("guidance_rescale"):
            self._put(self.rescaleChanged, guidance_rescale=rescale)

    def _lift_curve(self) -> None:
        """Put the curve at the present guidance scale."""
        if curve := self._curve.at(self.guidance_scale, self._draft["guidance_easing"]):
            self._put_curve(*curve)

    def _put_curve(self, points: presets.Points, easing: str) -> None:
        if self._draft.keep({"guidance_curve": points, "guidance_easing": easing}):
            self.curveChanged.emit(points, easing)

    def _set_spent(self, spent: bool) -> None:
        """Whether the seed has served its run. Kept over a restart, so that one that was typed
        still serves the next run."""
        self._spent = spent
        self._preferences.set("seed_spent", spent)

    def _choose(self, signal: SignalInstance, **values: object) -> None:
        if self._put(signal, **values):
            self._draft.choose(values)

    def _put(self, signal: SignalInstance, **values: object) -> bool:
        """Whether the draft has changed; if so it is told."""
        if not self._draft.keep(values):
            return False
        signal.emit(*values.values())
        return True
