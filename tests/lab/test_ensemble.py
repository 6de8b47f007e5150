import pytest
import torch
from torch import nn

from tricks_lib.lab.data import Data, Split
from tricks_lib.lab.ensemble import Ensemble, average_weights


def test_the_average_of_the_probabilities():
    networks = [nn.Linear(5, 3) for _ in range(4)]
    images = torch.randn(7, 5)
    mean = torch.stack([network(images).softmax(dim=1) for network in networks]).mean(dim=0)
    torch.testing.assert_close(Ensemble(*networks)(images).softmax(dim=1), mean)
    torch.testing.assert_close(Ensemble(*networks)(images).exp(), mean)


def test_one_network_votes_as_it_does_alone():
    network, images = nn.Linear(5, 3), torch.randn(7, 5)
    alone = network(images).log_softmax(dim=1)
    torch.testing.assert_close(Ensemble(network)(images), alone)


def test_large_logits_do_not_overflow():
    network = nn.Linear(1, 2)
    with torch.no_grad():
        network.weight.fill_(0).add_(torch.tensor([[1e4], [-1e4]]))
    assert Ensemble(network, network)(torch.ones(1, 1)).isfinite().all()


def test_its_networks_go_where_it_goes():
    ensemble = Ensemble(nn.Dropout(), nn.Dropout()).eval()
    assert not any(network.training for network in ensemble.networks)
    assert Ensemble(nn.Linear(2, 2)).double().networks[0].weight.dtype == torch.float64


def test_frozen_parts_of_its_networks_stay_frozen():
    network = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 3)).train()
    network[0].eval()
    ensemble = Ensemble(network, nn.Linear(2, 3))
    before = network[0].running_mean.clone()
    ensemble(torch.randn(5, 2))
    assert [module.training for module in network.modules()] == [True, False, True]
    assert torch.equal(network[0].running_mean, before)


def test_nobody_cannot_vote():
    with pytest.raises(ValueError, match=r"^expected at least one network, got none$"):
        Ensemble()


def batch_norm_then_linear(slope, seen):
    """Build a network for grey images of one pixel; its statistics are what it has seen."""
    network = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(1), nn.Linear(1, 2))
    with torch.no_grad():
        network[2].weight.fill_(slope)
        network[2].bias.fill_(0)
        network[1].running_mean.fill_(seen)
    return network.eval()


@pytest.fixture
def pixels():
    images = torch.arange(600, dtype=torch.int64).remainder(251).to(torch.uint8).view(-1, 1, 1, 1)
    split = Split(images, torch.arange(600) % 2)
    return Data("pixels", split, split, ("even", "odd"), torch.tensor([0.5]), torch.tensor([0.25]))


def test_weights_are_averaged_and_statistics_collected_anew(pixels):
    networks = [batch_norm_then_linear(slope, seen=100.0 * slope) for slope in (1.0, 2.0, 6.0)]
    average = average_weights(networks, pixels)
    assert torch.equal(average[2].weight, torch.full((2, 1), 3.0))
    batches = [pixels.normalize(part) for part in pixels.train.images.split(500)]
    seen = torch.stack([batch.mean() for batch in batches]).mean()
    torch.testing.assert_close(average[1].running_mean, seen.view(1))
    assert not average.training


def test_the_networks_that_are_averaged_stay_as_they_are(pixels):
    networks = [batch_norm_then_linear(slope, seen=7.0) for slope in (1.0, 2.0)]
    average_weights(networks, pixels)
    assert [network[2].weight[0, 0].item() for network in networks] == [1.0, 2.0]
    assert all(network[1].running_mean.item() == 7.0 for network in networks)


def test_no_networks_have_no_average(pixels):
    with pytest.raises(ValueError, match=r"^expected at least one network, got none$"):
        average_weights([], pixels)
