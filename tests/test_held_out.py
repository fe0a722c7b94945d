"""Combinations of attributes that training never sees."""
import functools

import pytest
import torch

from course_lib.data import ATTRIBUTES, faces
from course_lib.data.captions import named
from course_lib.data.faces import GROUPS, combinations
from course_lib.data.held_out import HELD_OUT, seen, unseen

portraits = functools.cache(lambda: seen(4000, seed=3))
strangers = functools.cache(lambda: unseen(83, seed=5))


def has(table, combination):
    columns = [ATTRIBUTES.index(name) for name in combination]
    return (table[:, columns] == torch.tensor([*combination.values()])).all(1)


def shares():
    """Of all possible portraits: the table, and their shares among those that are seen."""
    table, weights = combinations()
    for held in HELD_OUT:
        weights = weights.where(~has(table, held), 0)
    return table, weights / weights.sum()


def test_training_never_has_a_held_out_combination():
    for held in HELD_OUT:
        assert not has(portraits().attributes, held).any(), held
    assert len(portraits().images) == len(portraits().captions) == 4000


def test_no_caption_of_training_names_a_held_out_combination():
    for caption in portraits().captions:
        said = named(caption).items()
        assert not any(held.items() <= said for held in HELD_OUT), caption


def test_unseen_portraits_have_one_and_their_captions_name_it():
    x = strangers()
    assert x.images.shape == (83, 3, 16, 16) and x.attributes.shape == (83, len(ATTRIBUTES))
    for i, (row, caption) in enumerate(zip(x.attributes, x.captions, strict=True)):
        held = HELD_OUT[i % len(HELD_OUT)]
        assert has(row[None], held).all() and held.items() <= named(caption).items(), caption
        assert named(caption).items() <= dict(zip(ATTRIBUTES, row.tolist())).items(), caption


def test_each_combination_is_there_equally_often():
    for n in (1, 20):
        x = unseen(n, seed=1)
        assert len(x.images) == len(x.attributes) == len(x.captions) == n
    assert strangers().attributes.unique(dim=0).shape[0] > 70         # and otherwise they differ


def test_each_member_is_well_seen_without_the_others():
    """Exact shares: of every member 3 % of all portraits at least, thus 900 of 30,000; and of each
    pair within a triple 1 %."""
    table, p = shares()
    share = lambda part: float(p[has(table, part)].sum())
    for held in HELD_OUT:
        for name, value in held.items():
            assert share({name: value}) > 0.03, name
            rest = {other: v for other, v in held.items() if other != name}
            assert share(rest) > 0.01, rest
            assert share(rest | {name: not value}) == pytest.approx(share(rest), abs=1e-12)
    # What is held out is a smaller part of all.
    weights = combinations()[1]
    assert 0.1 < 1 - sum(weights[p > 0]) < 0.5


def test_combinations_are_possible_spread_and_do_not_hold_each_other():
    table, _ = combinations()
    group = {name: kind for kind, names in GROUPS.items() for name in names if name}
    group |= {"Wearing_Hat": "hat"}
    kinds = [{group[name] for name in held} for held in HELD_OUT]
    for held, kind in zip(HELD_OUT, kinds):
        assert has(table, held).any() and len(kind) == len(held)
        assert not any(other.items() < held.items() for other in HELD_OUT)
    assert set.union(*kinds) == set(GROUPS)                                # every group is in some
    assert {len(held) for held in HELD_OUT} == {2, 3}


def test_a_seed_means_one_set():
    for draw in (seen, unseen):
        a, b, c = draw(24, 1), draw(24, 1), draw(24, 2)
        assert torch.equal(a.images, b.images) and a.captions == b.captions
        assert not torch.equal(a.images, c.images) and a.captions != c.captions
        assert torch.cdist(a.images.flatten(1), c.images.flatten(1)).min() > 0.3   # none in both


@pytest.mark.parametrize("draw", [seen, unseen])
def test_no_portraits_are_an_error(draw):
    for n in (0, -8, 2.5):
        with pytest.raises(ValueError, match="whole number"):
            draw(n)


def test_seen_is_faces_without_them():
    assert torch.equal(seen(40, 2).images, faces(40, seed=2, without=HELD_OUT).images)
