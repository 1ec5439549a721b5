"""Networks that leave the card and come back: what is chosen, what is where at which time, and that
the images stay the same. With the CPU as the card, so that no card is needed.
"""

from __future__ import annotations

import threading
import weakref
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import engine
from engine import Request
from engine.placement import streaming
from engine.placement.offload import WORKING, Placement, Stage, placement_for
from engine.placement.streaming import Streamed, grouped, streamed_blocks

GB = 2**30
CPU = torch.device("cpu")
REQUEST = Request("a red apple, 3d", width=64, height=64, steps=4, guidance_scale=5.0, seed=3)
ORDER = list(Placement)


@pytest.mark.parametrize(
    ("free", "sdxl", "placement"),
    [
        (23 * GB, True, Placement.TOGETHER),
        (7.2 * GB, True, Placement.TEXT_APART),
        (6.2 * GB, True, Placement.IN_TURN),
        (5.4 * GB, True, Placement.IN_BLOCKS),
        (3.5 * GB, False, Placement.TOGETHER),
        (1.8 * GB, False, Placement.IN_BLOCKS),
        (float("inf"), True, Placement.TOGETHER),
    ],
)
def test_cards_of_several_sizes(free, sdxl, placement):
    text, unet, vae = (1.65, 5.14, 0.17) if sdxl else (0.25, 1.72, 0.17)
    assert placement_for(free, int(text * GB), int(unet * GB), int(vae * GB)) == placement


sizes = st.integers(0, 20 * GB)


@given(sizes, sizes, sizes, sizes, sizes)
def test_more_memory_is_never_worse_and_what_is_chosen_fits(free, more, text, unet, vae):
    chosen = placement_for(free, text, unet, vae)
    assert ORDER.index(placement_for(free + more, text, unet, vae)) <= ORDER.index(chosen)
    held = {
        Placement.TOGETHER: text + unet + vae,
        Placement.TEXT_APART: max(text, unet + vae),
        Placement.IN_TURN: max(text, unet, vae),
        Placement.IN_BLOCKS: 0,
    }
    assert chosen == Placement.IN_BLOCKS or held[chosen] + WORKING <= free
    for quicker in ORDER[: ORDER.index(chosen)]:
        assert held[quicker] + WORKING > free


@given(st.lists(st.integers(0, 100)), st.integers(1, 100))
def test_groups_are_neighbours_within_the_limit(sizes, limit):
    groups = grouped(sizes, limit)
    assert [place for first, end in groups for place in range(first, end)] == [*range(len(sizes))]
    for first, end in groups:
        assert end - first == 1 or sum(sizes[first:end]) <= limit


def test_an_unknown_placement_lists_the_known(tiny_folder):
    with pytest.raises(engine.LoadError, match=r"'somewhere'.*in blocks"):
        engine.load(tiny_folder, device="cpu", placement="somewhere")


@pytest.mark.parametrize("placement", ORDER)
def test_every_placement_makes_the_same_image(tiny_folder, tiny_pipeline, monkeypatch, placement):
    monkeypatch.setattr(streaming.Streamed.__init__, "__defaults__", (20_000,))
    pipeline = engine.load(tiny_folder, device="cpu", dtype="float32", placement=placement)
    assert pipeline.device == CPU
    *_, plain = engine.generate(tiny_pipeline, replace(REQUEST, clip_skip=2))
    for _ in range(2):
        *_, finished = engine.generate(pipeline, replace(REQUEST, clip_skip=2))
        assert torch.equal(finished.timeline[-1].latents, plain.timeline[-1].latents)
        assert finished.images[0].tobytes() == plain.images[0].tobytes()
        assert finished.record.notes == plain.record.notes  # nothing differs, nothing is to be said
    control = engine.Control()
    events = engine.generate(pipeline, REQUEST, control)
    _ = next(events), next(events)
    control.cancel()
    assert isinstance(list(events)[-1], engine.Cancelled)
    *_, finished = engine.generate(pipeline, replace(REQUEST, clip_skip=2))
    assert finished.images[0].tobytes() == plain.images[0].tobytes()
    unet = weakref.ref(pipeline.unet)
    pipeline.close()
    assert unet() is None  # its memory is free at once


class Part(nn.Module):
    """A network of one layer, which can be told to fail."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 2).requires_grad_(False)
        self.register_buffer("places", torch.arange(3), persistent=False)
        self.error: Exception | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.error:
            raise self.error
        return self.linear(x)


class Card:
    """A stage of three networks. What is on the card is told from the CPU by where it lies."""

    def __init__(self, placement: Placement, monkeypatch: pytest.MonkeyPatch) -> None:
        to = torch.Tensor.to
        monkeypatch.setattr(torch.Tensor, "to", lambda one, *rest: to(one, *rest).clone())
        self.parts = {name: Part() for name in ("text", "unet", "vae")}
        self.homes = {name: self.address(name) for name in self.parts}
        stage = Stage(CPU, placement)
        for name, part in self.parts.items():
            stage.seat(name, part)

    def call(self, name: str) -> torch.Tensor:
        return self.parts[name](torch.ones(1, 2))

    def address(self, name: str) -> int:
        return self.parts[name].linear.weight.data_ptr()

    @property
    def present(self) -> set[str]:
        return {name for name in self.parts if self.address(name) != self.homes[name]}


@pytest.mark.parametrize(
    ("placement", "behind_text", "behind_vae"),
    [
        (Placement.TOGETHER, set(), set()),  # nobody moves
        (Placement.TEXT_APART, {"unet", "vae"}, {"unet", "vae"}),
        (Placement.IN_TURN, {"unet"}, {"vae"}),
        (Placement.IN_BLOCKS, {"unet"}, {"vae"}),
    ],
)
def test_the_text_encoder_leaves_once_it_has_read(placement, behind_text, behind_vae, monkeypatch):
    card = Card(placement, monkeypatch)
    alone = card.parts["unet"].linear.weight.clone()
    card.call("text")
    assert card.present == (set() if placement == Placement.TOGETHER else {"text"})
    card.call("unet")
    assert card.present == behind_text
    card.call("vae")
    assert card.present == behind_vae
    assert torch.equal(card.parts["unet"].linear.weight, alone)


def test_a_call_that_fails_lets_the_others_go_on(monkeypatch):
    card = Card(Placement.IN_TURN, monkeypatch)
    card.parts["unet"].error = ValueError("cancelled")
    with pytest.raises(ValueError, match="cancelled"):
        card.call("unet")
    answers = []
    thread = threading.Thread(target=lambda: answers.append(card.call("vae")), daemon=True)
    thread.start()
    thread.join(20)
    assert answers


def test_a_network_that_finds_no_room_leaves_nothing_behind(monkeypatch):
    card = Card(Placement.IN_TURN, monkeypatch)
    card.call("text")
    with monkeypatch.context() as full:

        def no_room(*_):
            raise torch.OutOfMemoryError("CUDA out of memory")

        full.setattr(torch.Tensor, "to", no_room)
        with pytest.raises(torch.OutOfMemoryError):
            card.call("unet")
    assert card.present == set()
    card.call("unet")
    assert card.present == {"unet"}


class Blocks(nn.Module):
    """Blocks in a list, called in another order than they stand in, one of them by its part."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(4, 4)) for _ in range(5))
        self.requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        for index in (1, 0, 3, 2):
            x = self.blocks[index](x)
        return self.blocks[4][0](x)


def test_two_pieces_are_on_the_card_the_one_at_work_and_the_next():
    network = Blocks()
    expected = network(torch.ones(1, 4))
    assert list(streamed_blocks(network)) == list(network.blocks)
    at_home = [one.data.clone() for one in network.parameters()]
    streamed = Streamed(network, CPU, limit=1)
    assert len(streamed.parameters) == 10
    filled = []
    fill = streamed._fill
    streamed._fill = lambda place, piece: (filled.append(piece), fill(place, piece))
    for calls in range(3):
        streamed.open()
        for place in streamed._places:
            place.memory.fill_(255)  # NaN in every number that is not copied there
        filled.clear()
        assert torch.equal(network(torch.ones(1, 4)), expected)
        # From the second call on the order is known: each comes once, and the first again.
        assert len(filled) == (6 if calls else len(filled))
        there = [place.piece for place in streamed._places]
        assert len(set(there)) == 2
        resting = [piece for piece in streamed._pieces if piece is not streamed._at_work.piece]
        for piece in resting:
            for parameter in piece.parameters:
                assert parameter.untyped_storage().data_ptr() == piece.home.data_ptr()
        streamed.close()
    for one, home in zip(network.parameters(), at_home, strict=True):
        assert torch.equal(one, home)


def test_streamed_weights_keep_their_order_in_memory():
    layer = nn.Conv2d(3, 4, 3).requires_grad_(False)
    network = nn.Sequential(nn.ModuleList([layer]))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    weight = layer.weight.clone()
    streamed = Streamed(network, CPU)
    streamed.open()
    layer(torch.zeros(1, 3, 5, 5))
    moved = layer.weight
    assert moved.data_ptr() == streamed._places[0].memory.data_ptr()
    assert moved.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(moved, weight)
