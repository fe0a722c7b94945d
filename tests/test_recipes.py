"""How the shipped models are trained: every file of weights has a recipe, and the metric is never
written over."""
import re

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from course_lib import evaluate
from course_lib.core import History, Trainable, load
from course_lib.data import Digits, digits
from course_lib.recipes import Recipe, __main__, features, recipes, weights

RECIPES = recipes()


def test_every_file_of_weights_has_a_recipe_and_every_recipe_its_file():
    assert set(RECIPES) == {path.stem for path in weights("any").parent.glob("*.safetensors")}


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_makes_the_model_that_its_weights_are_of(name):
    assert isinstance(load(RECIPES[name].make(), weights(name)), Trainable)


def test_the_table_says_how_each_is_rebuilt(capsys):
    __main__.main([])
    rows = capsys.readouterr().out.splitlines()[1:]
    for name, row in zip(RECIPES, rows, strict=True):
        command = f"python -m course_lib.recipes {name}"
        assert re.fullmatch(rf"{name} +\d+ +{RECIPES[name].about} +{command}", row)


class Point(Trainable):
    def __init__(self):
        super().__init__()
        self.place = nn.Parameter(torch.rand(3))


def made(model):
    model.ema = {"place": torch.full((3,), 7.0)}
    return History()


@pytest.mark.parametrize("arguments, written",
                         [(["a"], ["a"]), (["b", "a"], ["a", "b"]), (["--all"], ["a", "b"])])
def test_what_is_named_is_trained_from_one_seed(arguments, written, tmp_path, monkeypatch):
    seen = []
    train = lambda model: (seen.append(model.place.detach().clone()), made(model))[1]
    monkeypatch.setattr(__main__, "recipes",
                        lambda: dict.fromkeys("ab", Recipe(Point, train, "a point")))
    monkeypatch.setattr(__main__, "weights", lambda name: tmp_path / f"{name}.safetensors")
    __main__.main(arguments)
    assert sorted(path.stem for path in tmp_path.iterdir()) == written
    assert all(torch.equal(place, seen[0]) for place in seen)
    assert torch.equal(load(Point(), tmp_path / "a.safetensors").place, torch.full((3,), 7.0))


def test_an_unknown_name_is_refused_before_anything_is_trained(capsys):
    with pytest.raises(SystemExit):
        __main__.main(["gan_digits", "nothing"])
    assert "no recipe for nothing; there are" in capsys.readouterr().err


def test_features_are_made_anew_in_the_form_of_those_that_ship(monkeypatch, tmp_path):
    shipped = evaluate.FEATURES.read_bytes()
    data = lambda *args, **named: Digits(*(part[:320] for part in digits()))
    monkeypatch.setattr(features, "full_digits", data)
    monkeypatch.setattr(features, "BUILT", tmp_path / "build" / "digit_features.safetensors")
    features.main([])
    made, ours = load_file(features.BUILT), load_file(evaluate.FEATURES)
    kinds = lambda tensors: {name: (x.shape, x.dtype) for name, x in tensors.items()}
    assert kinds(made) == kinds(ours)
    assert evaluate.FEATURES.read_bytes() == shipped
    monkeypatch.setattr(evaluate, "_network", lambda kind: made)
    x, y = data()
    model = features.LeNet()
    model.load_state_dict({k: v for k, v in made.items() if not k.startswith("reference")})
    assert torch.allclose(evaluate.features(x), model.hidden(x), atol=1e-5)
    assert evaluate.fid(x) < 1e-2 and (evaluate.classify(x).argmax(1) == y).float().mean() > 0.7


def test_the_features_recipe_never_writes_where_the_metric_lies():
    assert features.BUILT.parent.name == "build" and features.BUILT != evaluate.FEATURES
