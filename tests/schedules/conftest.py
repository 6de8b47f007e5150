import pytest
import torch


@pytest.fixture(scope="session")
def rates():
    """Follow one of PyTorch's schedulers: the learning rate of every step."""

    def follow(make_scheduler, steps, lr):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr)
        scheduler = make_scheduler(optimizer)
        seen = []
        for _ in range(steps):
            seen.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
        return seen

    return follow
