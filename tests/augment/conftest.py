import pytest
import torch
from skimage import data


@pytest.fixture(scope="session")
def photographs():
    """Real colours, uint8 (8, 3, 32, 32): pieces of a photograph."""
    astronaut = torch.from_numpy(data.astronaut()).movedim(-1, 0)
    corners = [
        (30, 180),
        (100, 220),
        (200, 100),
        (300, 60),
        (0, 0),
        (400, 330),
        (250, 400),
        (60, 380),
    ]
    return torch.stack([astronaut[:, y : y + 96 : 3, x : x + 96 : 3] for y, x in corners])
