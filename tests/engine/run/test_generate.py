"""The loop: events, exact repetition, batches, steering, cancelling, starting from a snapshot."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

import engine
from engine import Control, Edit, Request
from tests import tiny

REQUEST = Request("a red apple, 3d", width=64, height=64, steps=6, guidance_scale=5.0, seed=3)


def run(pipeline, request, control=None, start=None) -> list:
    return list(engine.generate(pipeline, request, control, start))


def final_latents(events) -> torch.Tensor:
    return events[-1].timeline[-1].latents


def test_events_come_in_order_and_hold_what_they_promise(bundled):
    request = replace(REQUEST, count=2)
    encoded, *steps, finished = run(bundled, request)
    assert isinstance(encoded, engine.Encoded)
    assert encoded.token_count == 6
    assert encoded.truncated == ""
    assert [step.index for step in steps] == list(range(6))
    for step in steps:
        assert isinstance(step, engine.Step)
        assert step.total == 6
        assert step.guidance_scale == 5.0
        assert step.seconds > 0
        for tensor in (step.snapshot.latents, step.snapshot.denoised):
            assert tensor.shape == (2, 4, 8, 8)
            assert tensor.dtype == torch.float32
    assert steps[0].timestep > steps[-1].timestep
    assert isinstance(finished, engine.Finished)
    assert [image.size for image in finished.images] == [(64, 64)] * 2
    assert list(finished.timeline) == [step.snapshot for step in steps]
    assert finished.record.executed_steps == 6
    assert finished.record.checkpoint == "Emoji"


def test_the_same_request_gives_the_same_bytes(bundled):
    first, second = (run(bundled, REQUEST)[-1].images[0].tobytes() for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("model", "scheduler"),
    [("tiny_pipeline", name) for name in engine.schedulers.names()]
    + [("bundled", name) for name in ("unipc", "euler_ancestral")],
)
def test_an_image_of_a_batch_equals_that_image_alone(model, scheduler, request):
    pipeline = request.getfixturevalue(model)
    request = replace(REQUEST, count=3, steps=4, scheduler=scheduler)
    batch = run(pipeline, request)[-1].images
    for index, image in enumerate(batch):
        alone = run(pipeline, replace(request, seed=request.seed + index, count=1))[-1].images[0]
        difference = np.asarray(image, np.int16) - np.asarray(alone, np.int16)
        assert np.abs(difference).max() <= 1
    assert batch[0].tobytes() != batch[1].tobytes()


@pytest.mark.parametrize("scheduler", engine.schedulers.names())
def test_a_run_from_any_snapshot_ends_bit_identical(tiny_pipeline, scheduler):
    request = replace(REQUEST, scheduler=scheduler, count=2)
    whole = run(tiny_pipeline, request)
    for snapshot in whole[-1].timeline:
        rest = run(tiny_pipeline, request, start=snapshot)
        assert rest[-1].record == whole[-1].record
        if snapshot.state.done:
            assert rest[-1].images[0].tobytes() == whole[-1].images[0].tobytes()
        else:
            assert torch.equal(final_latents(rest), final_latents(whole))
            assert len(rest[-1].timeline) == len(whole[-1].timeline) - snapshot.index - 1


def test_a_snapshot_of_another_grid_or_size_is_refused(tiny_pipeline):
    snapshot = run(tiny_pipeline, REQUEST)[-1].timeline[2]
    for change in ({"steps": 7}, {"scheduler": "euler"}, {"width": 72}, {"count": 2}):
        with pytest.raises(engine.RequestError, match="start"):
            run(tiny_pipeline, replace(REQUEST, **change), start=snapshot)


def test_guidance_moved_in_mid_run_acts_is_recorded_and_replays(bundled):
    control = Control()
    events = []
    for event in engine.generate(bundled, REQUEST, control):
        events.append(event)
        if isinstance(event, engine.Step) and event.index == 2:
            control.set_guidance_scale(8.0)
            control.set_guidance_scale(9.0)
    steps, finished = events[1:-1], events[-1]
    assert [step.guidance_scale for step in steps] == [5.0, 5.0, 5.0, 9.0, 9.0, 9.0]
    assert finished.record.edits == (Edit(3, "guidance_scale", 9.0),)
    assert finished.images[0].tobytes() != run(bundled, REQUEST)[-1].images[0].tobytes()
    replayed = run(bundled, replace(REQUEST, edits=finished.record.edits))[-1]
    assert replayed.images[0].tobytes() == finished.images[0].tobytes()
    assert replayed.record.edits == finished.record.edits


def test_a_prompt_changed_in_mid_run_replays(tiny_pipeline):
    control = Control()
    events = []
    for event in engine.generate(tiny_pipeline, REQUEST, control):
        events.append(event)
        if isinstance(event, engine.Step) and event.index == 1:
            control.set_prompt("an owl", negative="blue")
    steered = events[-1]
    assert [edit.field for edit in steered.record.edits] == ["prompt", "negative_prompt"]
    replayed = run(tiny_pipeline, steered.record.request)[-1]
    assert replayed.images[0].tobytes() == steered.images[0].tobytes()


def test_setting_what_already_holds_is_no_edit(tiny_pipeline):
    control = Control()
    control.set_guidance_scale(5.0)
    assert run(tiny_pipeline, REQUEST, control)[-1].record.edits == ()


def test_pause_holds_the_run_until_resume(tiny_pipeline):
    control = Control()
    events = engine.generate(tiny_pipeline, REQUEST, control)
    next(events)
    next(events)
    control.pause()
    arrived = threading.Event()

    def advance() -> None:
        next(events)
        arrived.set()

    thread = threading.Thread(target=advance)
    thread.start()
    assert not arrived.wait(0.3)
    control.resume()
    assert arrived.wait(10)
    thread.join()


def test_cancel_ends_a_run_also_while_it_is_paused(tiny_pipeline):
    control = Control()
    control.pause()
    threading.Timer(0.2, control.cancel).start()
    *_, last = run(tiny_pipeline, REQUEST, control)
    assert isinstance(last, engine.Cancelled)
    assert last.at == 0


def test_cancel_acts_inside_a_network_call(tiny_pipeline, monkeypatch):
    control = Control()
    blocks = 0
    poll = control.poll

    def cancel_at_the_twelfth() -> None:
        nonlocal blocks
        blocks += 1
        if blocks == 12:
            control.cancel()
        poll()

    monkeypatch.setattr(control, "poll", cancel_at_the_twelfth)
    *_, last = run(tiny_pipeline, REQUEST, control)
    assert isinstance(last, engine.Cancelled)
    assert last.at == len(last.timeline) < 6
    assert blocks == 12


def test_abandoning_the_generator_leaves_the_pipeline_usable(tiny_pipeline):
    events = engine.generate(tiny_pipeline, REQUEST)
    next(events)
    next(events)
    events.close()
    assert isinstance(run(tiny_pipeline, REQUEST)[-1], engine.Finished)


def test_gradients_stay_as_the_consumer_had_them(tiny_pipeline):
    for _ in engine.generate(tiny_pipeline, REQUEST):
        assert torch.is_grad_enabled()


class Counting:
    """A pipeline that counts how many texts its UNet was asked about."""

    def __init__(self, pipeline):
        self._pipeline = pipeline
        self.texts = []

    def __getattr__(self, name):
        return getattr(self._pipeline, name)

    def denoiser(self, x, t, conditioning, call):
        self.texts.append(len(conditioning))
        return self._pipeline.denoiser(x, t, conditioning, call)


@pytest.mark.parametrize(
    ("change", "texts"),
    [
        ({}, [2, 2, 2, 2, 2, 2]),
        ({"guidance_scale": 1.0}, [1, 1, 1, 1, 1, 1]),
        ({"guidance_interval": (0.34, 0.7)}, [1, 1, 1, 2, 2, 1]),
        ({"guidance_curve": ((0.2, 1.0), (0.4, 5.0), (1.0, 1.0))}, [1, 1, 2, 2, 2, 1]),
        ({"edits": (Edit(2, "guidance_scale", 1.0),)}, [2, 2, 1, 1, 1, 1]),
    ],
    ids=["guided", "scale 1", "interval", "curve", "edit"],
)
def test_the_unconditional_half_is_skipped_where_guidance_is_off(tiny_pipeline, change, texts):
    counting = Counting(tiny_pipeline)
    run(counting, replace(REQUEST, scheduler="ddim", **change))
    assert counting.texts == texts


@pytest.mark.parametrize(
    ("easing", "scales"), [("linear", [3, 5, 7, 9, 7, 5]), ("cosine", [3, 4.5, 7.5, 9, 7, 5])]
)
def test_the_guidance_scale_of_every_step_follows_the_curve(tiny_pipeline, easing, scales):
    points = ((0.0, 3.0), (0.6, 9.0), (1.0, 5.0))
    request = replace(
        REQUEST, scheduler="ddim", guidance_curve=points, guidance_easing=easing, seed=8
    )
    events = run(tiny_pipeline, request)
    steps, finished = events[1:-1], events[-1]
    assert [step.guidance_scale for step in steps] == pytest.approx(scales)
    assert [step.snapshot.guidance_scale for step in steps] == pytest.approx(scales)
    # The same scales set one by one make the same image.
    edits = [Edit(step.index, "guidance_scale", step.guidance_scale) for step in steps]
    by_hand = run(tiny_pipeline, replace(request, guidance_curve=(), edits=tuple(edits)))
    assert by_hand[-1].images[0].tobytes() == finished.images[0].tobytes()
    assert torch.equal(final_latents(by_hand), final_latents(events))


@pytest.mark.parametrize("scheduler", engine.schedulers.names())
def test_reguide_at_any_step_is_what_a_run_would_predict_there(tiny_pipeline, scheduler):
    request = replace(REQUEST, scheduler=scheduler, steps=4, guidance_rescale=0.2)
    timeline = run(tiny_pipeline, request)[-1].timeline
    for before, snapshot in zip([None, *timeline], timeline, strict=False):
        same = engine.reguide(tiny_pipeline, snapshot, 5.0)
        assert torch.equal(same, snapshot.denoised)
        assert torch.equal(engine.reguide(tiny_pipeline, snapshot, 5.0, 0.2), same)
        for scale, rescale in ((9.0, None), (0.0, 0.0), (5.0, 0.7)):
            edits = [Edit(snapshot.index, "guidance_scale", scale)]
            if rescale is not None:
                edits.append(Edit(snapshot.index, "guidance_rescale", rescale))
            other = engine.generate(
                tiny_pipeline, replace(request, edits=tuple(edits)), start=before
            )
            next(other)
            predicted = next(other).snapshot.denoised
            reguided = engine.reguide(tiny_pipeline, snapshot, scale, rescale)
            torch.testing.assert_close(reguided, predicted, rtol=1e-5, atol=1e-5)
            assert not torch.equal(reguided, same)


def test_reguide_without_guidance_says_why_it_cannot(tiny_pipeline):
    snapshot = run(tiny_pipeline, replace(REQUEST, guidance_scale=1.0))[-1].timeline[0]
    with pytest.raises(engine.EngineError, match="without guidance"):
        engine.reguide(tiny_pipeline, snapshot, 5.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 60}, "width: 60 is not a multiple of 8.*56 or 64"),
        ({"height": 4}, "height: 4 is not a multiple of 8.*Nearest: 8"),
        ({"width": 65000}, "width: 65000.*Nearest: 8192"),
        ({"scheduler": "karras"}, "karras"),
        ({"scheduler_options": {"no_such_option": 1}}, "no_such_option"),
        ({"scheduler": "euler", "eta": 0.5}, "eta.*ddim"),
    ],
    ids=str,
)
def test_a_request_that_does_not_suit_is_one_clear_error(tiny_pipeline, change, message):
    with pytest.raises(engine.EngineError, match=message):
        run(tiny_pipeline, replace(REQUEST, **change))


@pytest.mark.parametrize("prompt", ["", "แอปเปิลสีแดง", "🍎🌈", "word " * 1000, "\ud83d", "\n\t\0"])
def test_any_text_is_a_prompt(bundled, prompt):
    events = run(bundled, replace(REQUEST, prompt=prompt, steps=1))
    assert isinstance(events[-1], engine.Finished)


def test_what_did_not_fit_is_reported_in_the_users_own_words(bundled):
    words = [f"Apple{n}" for n in range(30)]
    encoded = next(engine.generate(bundled, replace(REQUEST, prompt=" ".join(words))))
    assert encoded.truncated
    assert " ".join(words).endswith(encoded.truncated)
    assert "Apple29" in encoded.truncated


@pytest.mark.parametrize("family", ["one encoder", "two encoders"])
def test_what_did_not_fit_of_the_negative_prompt_is_reported_too(tiny_pipeline, tmp_path, family):
    """It was cut without a word."""
    pipeline = tiny_pipeline
    if family == "two encoders":
        pipeline = engine.load(tiny.save_sdxl(tmp_path / "sdxl"), device="cpu")
    long = " ".join(f"Owl{n}" for n in range(60))
    request = Request(prompt="a cat", negative_prompt=long, width=32, height=32, steps=1)
    encoded, *_, finished = run(pipeline, request)
    assert encoded.truncated == ""
    assert encoded.negative_truncated and long.endswith(encoded.negative_truncated)
    assert [note for note in finished.record.notes if note.startswith("the negative prompt is too")]
    encoded, *_, finished = run(pipeline, replace(request, negative_prompt="an owl"))
    assert encoded.negative_truncated == ""
    assert not [note for note in finished.record.notes if "too long" in note]


def test_what_the_second_encoder_alone_does_not_read_is_reported(tmp_path):
    pipeline = engine.load(tiny.save_sdxl(tmp_path / "sdxl"), device="cpu")
    words, short = " ".join(f"Owl{n}" for n in range(5)), pipeline.text.readers[1]
    assert pipeline.conditioner.read(words).truncated == ""
    short.length = 8
    assert pipeline.conditioner.read(words) == short.read(words)
    assert pipeline.conditioner.read(words).truncated


def test_latents_that_are_not_finite_name_the_step(tiny_pipeline, monkeypatch):
    def broken(x, *rest):
        nan = torch.full_like(x, float("nan"))
        return nan, nan

    monkeypatch.setattr(tiny_pipeline, "denoiser", broken)
    with pytest.raises(engine.NonFiniteError, match="step 1 of 6"):
        run(tiny_pipeline, replace(REQUEST, scheduler="ddim"))


def test_running_out_of_memory_says_what_would_help(tiny_pipeline, monkeypatch):
    def full(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(tiny_pipeline.unet, "forward", full)
    with pytest.raises(engine.OutOfMemory, match="smaller width"):
        run(tiny_pipeline, REQUEST)


def test_a_decode_without_memory_is_done_again_in_tiles(tiny_pipeline, monkeypatch):
    whole = tiny_pipeline.vae.decode

    def only_tiles(latents, poll):
        if latents.shape[-1] > 32:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return whole(latents, poll)

    request = replace(REQUEST, width=320, height=320, steps=1)
    plain = np.asarray(run(tiny_pipeline, request)[-1].images[0], np.float32)
    monkeypatch.setattr(tiny_pipeline.vae, "decode", only_tiles)
    finished = run(tiny_pipeline, request)[-1]
    tiled = np.asarray(finished.images[0], np.float32)
    assert "tiles" in " ".join(finished.record.notes)
    assert tiled.shape == plain.shape
    assert np.abs(tiled - plain).mean() < 0.5 * plain.std()


def test_a_decode_that_overflows_is_done_again_in_float32(tiny_folder, monkeypatch):
    pipeline = engine.load(tiny_folder, device="cpu", dtype="bfloat16")
    whole = pipeline.vae.decode

    def overflows(latents, poll):
        image = whole(latents, poll)
        return image * float("inf") if image.dtype == torch.bfloat16 else image

    monkeypatch.setattr(pipeline.vae, "decode", overflows)
    finished = run(pipeline, REQUEST)[-1]
    assert "float32" in " ".join(finished.record.notes)
    assert np.asarray(finished.images[0]).std() > 0
    assert next(pipeline.vae.parameters()).dtype == torch.bfloat16


def test_a_closed_pipeline_says_so(tiny_folder):
    pipeline = engine.load(tiny_folder, device="cpu")
    pipeline.close()
    with pytest.raises(engine.EngineError, match="closed"):
        run(pipeline, REQUEST)
