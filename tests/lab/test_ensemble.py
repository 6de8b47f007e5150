import pytest
import torch
from torch import nn

from tricks_lib.lab.ensemble import Ensemble


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
