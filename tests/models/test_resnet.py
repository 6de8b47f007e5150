import pytest
import torch
from torch import nn
from torchvision.models.resnet import BasicBlock

from tricks_lib.models import ResidualBlock, small_resnet


def as_torchvision(block):
    """The same block by torchvision, with the same weights."""
    conv = block.conv1
    downsample = None
    if not isinstance(block.shortcut, nn.Identity):
        one_by_one = nn.Conv2d(conv.in_channels, conv.out_channels, 1, conv.stride, bias=False)
        downsample = nn.Sequential(one_by_one, nn.BatchNorm2d(conv.out_channels))
    twin = BasicBlock(conv.in_channels, conv.out_channels, conv.stride[0], downsample)
    weights = block.state_dict().items()
    twin.load_state_dict({name.replace("shortcut", "downsample"): w for name, w in weights})
    return twin


def scramble(module):
    """Leave no weight at a value that hides a mistake, such as a scale of 1."""
    draws = torch.Generator().manual_seed(0)
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.is_floating_point():
            tensor.data = torch.empty(tensor.shape).uniform_(0.2, 0.6, generator=draws)
    return module


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("inputs", "outputs", "stride"), [(4, 4, 1), (4, 6, 1), (4, 8, 2), (8, 16, 2)]
)
def test_residual_block_is_that_of_torchvision(inputs, outputs, stride, training):
    block = scramble(ResidualBlock(inputs, outputs, stride)).train(training)
    twin = as_torchvision(block).train(training)
    images = torch.randn(5, inputs, 9, 7, generator=torch.Generator().manual_seed(1))
    output = block(images)
    assert output.shape == (5, outputs, -(-9 // stride), -(-7 // stride))
    torch.testing.assert_close(output, twin(images))


@pytest.mark.parametrize("stem_stride", [1, 2])
@pytest.mark.parametrize("depths", [(1, 1, 1), (2, 1), (1,)])
def test_network_is_blocks_between_stem_and_head(depths, stem_stride):
    model = small_resnet(3, 5, width=4, depths=depths, stem_stride=stem_stride).eval()
    images = torch.randn(2, 3, 13, 16, generator=torch.Generator().manual_seed(1))
    stem, norm, _ = model.stem
    x = torch.relu(norm(torch.conv2d(images, stem.weight, stride=stem_stride, padding=1)))
    width, seen = 4, iter(model.blocks)
    for stage, depth in enumerate(depths):
        for position in range(depth):
            block = next(seen)
            down = stage > 0 and position == 0
            assert block.conv1.stride == ((2, 2) if down else (1, 1))
            assert block.conv1.in_channels == (width // 2 if down else width)
            assert block.conv2.out_channels == width
            x = as_torchvision(block).eval()(x)
        width *= 2
    assert next(seen, None) is None
    expected = x.flatten(2).mean(dim=2) @ model.head.weight.T + model.head.bias
    torch.testing.assert_close(model(images), expected)


def test_default_has_8_layers_and_78_thousand_parameters():
    model = small_resnet(1, 10)
    main_path = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear) and "shortcut" not in name
    ]
    assert len(main_path) == 8

    def block(inputs, outputs):  # 3×3 twice with batch norm, and 1×1 with it where widths differ
        shortcut = inputs * outputs + 2 * outputs if inputs != outputs else 0
        return 9 * (inputs * outputs + outputs * outputs) + 4 * outputs + shortcut

    stem, head = 9 * 16 + 2 * 16, 64 * 10 + 10
    expected = stem + block(16, 16) + block(16, 32) + block(32, 64) + head
    assert sum(p.numel() for p in model.parameters()) == expected == 77_754


def test_a_network_is_fresh_and_in_training_mode():
    torch.manual_seed(3)
    first, second = small_resnet(1, 4), small_resnet(1, 4)
    assert first.training
    assert not torch.equal(first.head.weight, second.head.weight)
    torch.manual_seed(3)
    again = small_resnet(1, 4)
    assert all(map(torch.equal, first.state_dict().values(), again.state_dict().values()))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"channels": 0}, "channels must be at least 1, got 0"),
        ({"classes": 1}, "classes must be at least 2, got 1"),
        ({"width": 0}, "width must be at least 1, got 0"),
        ({"stem_stride": 0}, "stem_stride must be at least 1, got 0"),
        ({"depths": ()}, r"depths must be block counts of at least 1, got \(\)"),
        ({"depths": (1, 0)}, r"depths must be block counts of at least 1, got \(1, 0\)"),
    ],
)
def test_small_resnet_says_what_it_expected(arguments, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        small_resnet(**{"channels": 1, "classes": 10} | arguments)
