"""Submission: what is asked for becomes a plan of the queue."""

from __future__ import annotations

from app.state.runs.plan import Plan
from app.state.runs.queue import Queue
from app.state.runs.run import Run
from app.state.runs.submission import Submission
from engine.errors import EngineError
from engine.request.request import Request
from tests.app.by_hand import begun, heard

PLAN = Plan((Request(prompt="an owl"),))


def made(standalone=lambda plan: plan, prediction_type=lambda source: None):
    queue, run = Queue(), Run()
    return queue, run, Submission(queue, run, standalone, prediction_type)


def test_a_request_is_a_plan_of_its_own() -> None:
    queue, _, submission = made()
    submission.submit(Request(prompt="an owl"))
    assert queue.current is not None
    assert [request.prompt for request in queue.current.requests] == ["an owl"]


def test_a_branch_waits_unless_the_run_is_paused() -> None:
    queue, run, submission = made()
    run.start(begun())
    cancelled = heard(submission.cancelAsked)
    first, waiting = Plan((Request(seed=1),)), Plan((Request(seed=2),))
    queue.submit(first)
    queue.submit(waiting)
    submission.submit_branch(PLAN)
    assert queue.waiting == (waiting, PLAN)
    assert not cancelled
    run.set_paused(True)
    other = Plan((Request(seed=3),))
    submission.submit_branch(other)
    assert queue.waiting == (other, waiting, PLAN)
    assert len(cancelled) == 1


def test_a_step_that_is_gone_is_told() -> None:
    def gone(plan: Plan) -> Plan:
        raise EngineError("That step is gone.")

    queue, _, submission = made(gone)
    refused = heard(submission.refused)
    submission.submit_branch(PLAN)
    assert refused == ["That step is gone."]
    assert queue.current is None


def test_what_the_person_said_of_a_model_goes_with_its_plans() -> None:
    told = {"/v": "v_prediction"}
    queue, _, submission = made(prediction_type=told.get)
    plans = [
        Plan((Request(),), source="/v"),
        Plan((Request(),), source="/v", prediction_type="epsilon"),
        Plan((Request(),), source="/other"),
        Plan((Request(),)),
    ]
    submission.submit_for_their_models(tuple(plans))
    assert queue.current is not None
    kinds = [plan.prediction_type for plan in (queue.current, *queue.waiting)]
    assert kinds == ["v_prediction", "epsilon", None, None]
