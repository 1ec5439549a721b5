"""The critic that teaches the decoder, through features that know nothing."""

from __future__ import annotations

import pytest
import torch

from resources.training import perceived, pictures
from resources.training.critic import LOUDEST, Critic, balance


@pytest.fixture
def critic():
    torch.manual_seed(0)
    return Critic()


@pytest.fixture
def features():
    torch.manual_seed(0)
    return perceived.Features().requires_grad_(False).eval()


@pytest.fixture
def shown(work):
    """(B, 3, H, W), and places of styles: discs, as they are and with grain."""
    some = pictures.load(work, 64).at(list(range(12)))
    sharp = some.on(torch.full((12, 3), 255.0))
    grainy = sharp + 0.5 * torch.randn(sharp.shape)
    return sharp, grainy, torch.tensor([pictures.STYLES.index(it.style) for it in some.things])


def test_at_first_it_has_no_opinion(critic, features, shown):
    sharp, grainy, style = shown
    assert critic.loss(features(grainy), features(sharp), style) == 2 * len(perceived.HEIGHTS)
    assert critic.missed(features(grainy), style) == 0


def test_it_learns_to_tell_pictures_from_grainy_ones_which_learn_from_it(critic, features, shown):
    sharp, grainy, style = shown
    known, unknown = slice(0, 8), slice(8, 12)
    optimizer = torch.optim.Adam(critic.parameters(), lr=5e-3)
    for _ in range(60):
        loss = critic.loss(features(grainy[known]), features(sharp[known]), style[known])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    grainy, sharp, style = grainy[unknown].requires_grad_(True), sharp[unknown], style[unknown]
    before = critic.missed(features(grainy), style)
    assert before > critic.missed(features(sharp), style) + 1
    before.backward()
    with torch.no_grad():
        better = grainy - 0.1 * grainy.grad / grainy.grad.abs().max()
        assert critic.missed(features(better), style) < before


def test_each_learns_from_its_own_loss_alone(critic, features, shown):
    sharp, grainy, style = shown
    for line in critic.said:
        torch.nn.init.normal_(line.weight)
    grainy.requires_grad_(True)
    critic.loss(features(grainy), features(sharp), style).backward()
    assert grainy.grad is None
    assert all(weight.grad is not None for weight in critic.parameters())
    critic.zero_grad()
    critic.missed(features(grainy), style).backward()
    assert grainy.grad.abs().max() > 0
    assert all(weight.grad is None for weight in critic.parameters())


def test_two_losses_pull_equally_but_the_second_never_much_louder():
    weight = torch.ones(3, requires_grad=True)
    first, second = 3 * weight.sum(), weight.sum()
    assert balance(first, second / 2, weight).item() == pytest.approx(6, rel=1e-4)
    assert balance(first, second / 1000, weight) == LOUDEST
    assert balance(first, 0 * second, weight) == LOUDEST
