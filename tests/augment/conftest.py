import pytest
import torch

from tricks_lib.course.photographs import photographs as whole_photographs


@pytest.fixture(scope="session")
def photographs():
    """Real colours, uint8 (8, 3, 32, 32): two corners of each of the course's photographs."""
    images = whole_photographs(64)
    return torch.cat([images[..., :32, :32], images[..., 32:, 32:]])
