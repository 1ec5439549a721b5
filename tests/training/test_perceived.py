"""What a network that knows photographs sees, by one that knows nothing, and the judge of styles
that looks through it.
"""

from __future__ import annotations

import shutil

import pytest
import torch

from resources.training import fetch, perceived, pictures, styles
from resources.training.errors import TrainingError
from tests.training.conftest import perceiving


@pytest.fixture(name="work")
def work_with_features(work, tmp_path):
    folder = tmp_path / "work"
    shutil.copytree(work, folder)
    perceiving(folder)
    return folder


@pytest.fixture
def features(work):
    return perceived.Features.load(work)


def test_a_step_keeps_half_of_the_places_whatever_the_size(features):
    sides = [tuple(told.shape[2:]) for told in features(torch.zeros(1, 3, 32, 26))]
    assert sides == [(16, 13), (16, 13), (8, 7), (4, 4)]


def test_what_is_the_same_is_not_unlike_and_grain_is(features):
    torch.manual_seed(0)
    plain = torch.zeros(2, 3, 32, 32)
    slight, strong = (plain + height * torch.randn(plain.shape) for height in (0.01, 0.1))
    assert features.unlike(plain, plain) == 0
    assert 0 < features.unlike(slight, plain) < features.unlike(strong, plain)


def test_there_must_be_weights_and_they_must_be_its_own(work, tmp_path):
    with pytest.raises(TrainingError, match=r"no weights in .*training fetch`"):
        perceived.Features.load(tmp_path / "nothing")
    (path,) = (work / "packages" / fetch.PERCEIVED.folder).glob("*/models/*.pth")
    torch.save({"_conv_stem.weight": torch.zeros(1)}, path)
    with pytest.raises(TrainingError, match=r"lite0.pth cannot be read \(KeyError\)"):
        perceived.Features.load(work)


def test_the_judge_tells_styles_of_pictures_that_it_has_not_seen(features, work):
    """Even through features that know nothing: by chance so many are right once in 50 times."""
    shown = pictures.load(work, 64)
    judge = styles.train(features, shown.where(held_out=False), lambda laid: laid, 40)
    seen = shown.where(held_out=True)
    images = seen.on(torch.full((len(seen.things), 3), 255.0))
    assert len(images) == 12
    assert (judge.told(images) == styles.labels(seen)).sum() >= 10
