"""The recipe: its widgets edit the session's draft and show it."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.parts import Parts
from app.state.recipe import economies, presets
from app.windows.main_window import MainWindow


def connect(parts: Parts, window: MainWindow) -> None:
    session, run, economies_shown = parts.session, parts.run, _Economies(window)
    schedulers = [(one.name, one.label, one.sentence) for one in parts.schedulers]
    window.scheduler.set_schedulers(schedulers)
    window.guidance.set_presets(presets.described())
    economies_shown.describe(session.abilities)

    window.prompt.promptChanged.connect(session.set_prompt)
    window.prompt.negativePromptChanged.connect(session.set_negative_prompt)
    window.scheduler.schedulerChosen.connect(session.set_scheduler)
    window.steps.valueChanged.connect(session.set_steps)
    window.economy.levelChosen.connect(session.set_economy)
    window.guidance.scaleChanged.connect(session.set_guidance_scale)
    window.guidance.rescaleChanged.connect(session.set_guidance_rescale)
    window.guidance.presetChosen.connect(session.set_preset)
    window.guidance.curveChanged.connect(session.set_curve)
    window.guidance.intervalChanged.connect(session.set_interval)
    window.seed.seedChanged.connect(session.set_seed)
    window.seed.lockChanged.connect(session.set_seed_locked)
    window.seed.diceRequested.connect(session.roll_seed)
    window.size_fields.sizeChanged.connect(session.set_size)
    window.size_fields.countChanged.connect(session.set_count)
    window.class_picker.classChosen.connect(session.set_class_label)
    window.class_picker.diceRequested.connect(session.roll_class)
    window.prompt.generateRequested.connect(session.generate)
    window.run.generateRequested.connect(session.generate)
    window.scheduler.dropRequested.connect(session.drop_extras)

    session.promptChanged.connect(window.prompt.set_prompt)
    session.promptChanged.connect(run.forget_tokens)
    session.negativePromptChanged.connect(run.forget_negative_cut)
    session.negativePromptChanged.connect(window.prompt.set_negative_prompt)
    session.schedulerChanged.connect(window.scheduler.set_current)
    session.stepsChanged.connect(window.steps.set_value)
    session.stepsChanged.connect(window.guidance.set_steps)
    session.economyChanged.connect(window.economy.set_level)
    session.guidanceChanged.connect(window.guidance.set_scale)
    session.rescaleChanged.connect(window.guidance.set_rescale)
    session.ownRescaleChanged.connect(window.guidance.set_own_rescale)
    session.curveChanged.connect(window.guidance.set_curve)
    session.presetChanged.connect(window.guidance.set_preset)
    session.intervalChanged.connect(window.guidance.set_interval)
    session.seedChanged.connect(window.seed.set_seed)
    session.lockChanged.connect(window.seed.set_locked)
    session.limitsChanged.connect(window.size_fields.set_limits)
    session.sizeChanged.connect(window.size_fields.set_size)
    session.countChanged.connect(window.size_fields.set_count)
    session.extrasChanged.connect(window.scheduler.set_extras)
    session.abilitiesChanged.connect(window.set_abilities)
    session.abilitiesChanged.connect(economies_shown.describe)
    session.classChanged.connect(window.class_picker.set_class)
    session.refused.connect(window.errors.show_error)
    session.released.connect(parts.submission.submit)


class _Economies(QObject):
    """The sentences of the economy slider, which depend on what the model can do."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._slider = window.economy

    def describe(self, abilities: frozenset[str]) -> None:
        self._slider.set_sentences(economies.described(abilities))
