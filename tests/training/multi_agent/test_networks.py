"""Networks, distributions and settings: plain twins, torch's own, straight lines, and what is refused."""

from itertools import pairwise

import pytest
import torch

from fund.errors import InvalidParameter, UnknownName
from fund.strategy import Choice
from fund.training.multi_agent.group import groups_of
from fund.training.multi_agent.losses import sequences
from fund.training.multi_agent.networks import Actor, Categorical, Gaussian, Sequence
from fund.training.multi_agent.settings import Settings, at


def test_a_sequence_is_its_steps_one_after_another():
    """With an episode that begins within it."""
    settings = Settings(recurrent=True, rollout=8, chunk=8, net_arch=(8,))
    actor = Actor(3, Choice(2), settings)
    x, memory = torch.randn(6, 5, 3), torch.randn(5, 8)
    begins = torch.zeros(6, 5)
    begins[3, 2:] = 1.0
    whole, last = actor.torso(Sequence(x, memory, begins))
    for t in range(6):
        step, memory = actor.torso(Sequence(x[[t]], memory, begins[[t]]))
        torch.testing.assert_close(step[0], whole[t])
        if t == 3:
            fresh, _ = actor.torso(Sequence(x[[t]], torch.zeros(5, 8), begins[[t]]))
            torch.testing.assert_close(step[0, 2:], fresh[0, 2:])
    torch.testing.assert_close(memory, last)


def test_cut_sequences_keep_the_order_of_time():
    x = torch.arange(12).view(6, 2, 1)  # step * 2 + row
    cut = sequences(x, 3)
    assert cut.shape == (3, 4)
    for b in range(4):
        steps = [int(v) // 2 for v in cut[:, b]]
        assert all(after == before + 1 for before, after in pairwise(steps))
        assert len({int(v) % 2 for v in cut[:, b]}) == 1


def test_distributions_are_torchs_own():
    logits, log_std, action = torch.randn(50, 4), torch.randn(3), torch.randn(50, 3)
    ours, theirs = Categorical(torch.log_softmax(logits, -1)), torch.distributions.Categorical(logits=logits)
    chosen = theirs.sample()
    torch.testing.assert_close(ours.log_prob(chosen), theirs.log_prob(chosen))
    torch.testing.assert_close(ours.entropy(), theirs.entropy())
    mean = torch.randn(50, 3)
    mine, other = Gaussian(mean, log_std), torch.distributions.Normal(mean, log_std.exp())
    torch.testing.assert_close(mine.log_prob(action), other.log_prob(action).sum(-1))
    torch.testing.assert_close(mine.entropy(), other.entropy().sum(-1))


def test_drawn_actions_have_the_frequencies_of_their_probabilities():
    p = torch.tensor([0.1, 0.2, 0.7])
    n = 40_000
    drawn = Categorical(p.log().expand(n, 3)).sample(torch.Generator().manual_seed(0))
    share = torch.bincount(drawn, minlength=3) / n
    assert ((share - p).abs() < 4 * (p * (1 - p) / n).sqrt()).all()


def test_layers_are_orthogonal_and_the_last_one_small(guess):
    group = groups_of(guess(2), Settings(net_arch=(16, 16)))[0]
    for layer, gain in ((group.actor.torso.layers[4], 2.0), (group.actor.head, 1e-4)):
        square = layer.weight @ layer.weight.T
        torch.testing.assert_close(square, gain * torch.eye(len(square)), atol=1e-5, rtol=0)
        assert not layer.bias.any()


# ---------------------------------------------------------------- settings


def test_schedules_are_straight_lines():
    assert at(0.3, 0.7) == 0.3
    assert [at((1.0, 0.0), x) for x in (-1.0, 0.0, 0.25, 1.0, 2.0)] == [1.0, 1.0, 0.75, 0.0, 0.0]


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"critic": "centrl"}, UnknownName, 'Did you mean "central"'),
        ({"rollot": 3}, UnknownName, 'Did you mean "rollout"'),
        ({"gamma": 1.5}, InvalidParameter, "gamma is 1.5, wanted 0 to 1"),
        ({"actor_rate": [1e-3, float("nan")]}, InvalidParameter, "wanted finite"),
        ({"recurrent": True, "rollout": 25}, InvalidParameter, "multiple of chunk"),
        ({"minibatches": 0}, InvalidParameter, "wanted at least 1"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, error, text):
    with pytest.raises(error, match=text):
        Settings.of(changes)
