"""PresentModel: the model that is loaded, and the one before it, as long as there is memory for
both. The worker loads in its own thread; whoever makes pictures holds the lock meanwhile.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from app import paths
from app.i18n import tr
from app.state.models.model_card import ModelCard
from app.state.models.model_source import ModelSource
from app.state.runs.plan import Plan
from app.worker.sentences import sentence_of
from engine.errors import EngineError

if TYPE_CHECKING:
    from app.worker.engine_door import Engine
    from app.worker.signals import WorkerSignals
    from engine.pipelines.pipeline import Pipeline

SPARE_MEMORY = 0.5
"""Share of the memory that must be free for a model to stay there when another takes its place."""

log = logging.getLogger("safelight")


class LoadGivenUp(Exception):
    """Unwinds a load when the program ends."""

    def __str__(self) -> str:
        return tr("Loading was given up.")


class PresentModel:
    """lock: held while `source` and `pipeline` change, and while another thread than the worker's
    uses the pipeline. source: what the pipeline was made of; both are None before the first
    load."""

    def __init__(self, engine: Engine, tell: WorkerSignals) -> None:
        self._engine = engine
        self._tell = tell
        self._spare: tuple[ModelSource, Pipeline] | None = None
        self._given_up = False
        self.lock = threading.Lock()
        self.source: ModelSource | None = None
        self.pipeline: Pipeline | None = None
        self.card: ModelCard | None = None

    def give_up(self) -> None:
        """End the load under way and any that comes. May be called from any thread."""
        self._given_up = True

    def load(self, source: ModelSource) -> None:
        """Make that model the present one, or tell why it cannot be; then the former one stays."""
        try:
            self._exchange(source)
        except LoadGivenUp as end:
            self._tell.loadFailed.emit(str(end))
        except Exception as error:
            self._tell.loadFailed.emit(sentence_of(error, tr("load the model")))

    def ready_for(self, plan: Plan, made_with: ModelSource | None) -> Pipeline:
        """The pipeline that the plan is for, loaded if another has taken its place. made_with: what
        the run was made with that the plan branches off. Raises EngineError where it cannot be."""
        wanted = made_with
        if wanted is None and plan.source:
            wanted = ModelSource(plan.source, plan.prediction_type)
        if wanted is not None and wanted != self.source:
            self._load_again(wanted)
        pipeline = self.pipeline
        if pipeline is None:
            raise EngineError(tr("No model is loaded. Choose one first."))
        if plan.sha256 and pipeline.checkpoint_sha256() != plan.sha256:
            raise EngineError(
                tr(
                    "That image was made with another model ({sha256}…) than {name}. Choose its "
                    "model first.",
                    sha256=plan.sha256[:10],
                    name=pipeline.name,
                )
            )
        return pipeline

    def _load_again(self, source: ModelSource) -> None:
        try:
            self._exchange(source)
        except (EngineError, OSError) as error:
            raise EngineError(
                tr(
                    "The model of that run, {source}, cannot be loaded again. {reason}",
                    source=source.source,
                    reason=error,
                )
            ) from error

    def _exchange(self, source: ModelSource) -> None:
        """Make that model the present one. The former stays at hand while memory allows."""
        self._report(0.0, tr("the engine"))
        spare, self._spare = self._spare, None
        if spare is not None and spare[0] == source:
            pipeline = spare[1]
        else:
            if spare is not None:
                spare[1].close()  # first, for its memory
            pipeline = self._loaded(source)
        with self.lock:
            former_source, self.source = self.source, source
            former, self.pipeline = self.pipeline, pipeline
        if former_source is not None and former is not None:
            if self._engine.memory_left(pipeline.device) > SPARE_MEMORY:
                self._spare = (former_source, former)
            else:
                former.close()
        self.card = card_of(source.source, pipeline)
        self._tell.ready.emit(self.card)

    def _loaded(self, source: ModelSource) -> Pipeline:
        said = {"prediction_type": source.prediction_type} if source.prediction_type else {}
        with _collector_at_rest():
            pipeline = self._engine.load(source.source, progress=self._report, **said)
        try:
            self._engine.keep_previews(pipeline, paths.preview_folder())
        except Exception as error:  # the model makes images all the same
            log.warning("no previews could be prepared", exc_info=error)
        return pipeline

    def _report(self, fraction: float, text: str) -> None:
        if self._given_up:
            raise LoadGivenUp
        self._tell.loading.emit(tr("Loading: {part}", part=text), fraction)


@contextlib.contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Importing torch and transformers makes some million objects, and a collection over them
    stops the window for a third of a second, again and again. So none runs meanwhile, and what the
    first load has imported is left out of all later ones."""
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():
            gc.freeze()
        gc.enable()


def card_of(source: str, pipeline: Pipeline) -> ModelCard:
    """What the window is told of that pipeline. source: what it was made of."""
    return ModelCard(
        source=source,
        name=pipeline.name,
        family=pipeline.family,
        device=str(pipeline.device),
        dtype=str(pipeline.dtype),
        multiple=pipeline.sizes.multiple,
        minimum=pipeline.sizes.minimum,
        maximum=pipeline.sizes.maximum,
        default_request=pipeline.default_request,
        abilities=pipeline.abilities,
        class_count=pipeline.class_count,
        guessed_prediction=pipeline.guessed_prediction,
    )
