import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torchmetrics.functional.classification import multiclass_calibration_error

from tricks_lib import Metrics, evaluate, mlp, predict, score, small_resnet
from tricks_lib.lab.ensemble import Ensemble
from tricks_lib.lab.metrics import best_temperature, calibration_error, reliability


def draw(seed, count, classes, spread=2.0):
    draws = torch.Generator().manual_seed(seed)
    logits = spread * torch.randn(count, classes, generator=draws)
    return logits, torch.randint(classes, (count,), generator=draws)


cases = given(
    seed=st.integers(0, 2**32),
    count=st.integers(1, 300),
    classes=st.integers(2, 12),
    spread=st.sampled_from([0.1, 2.0, 30.0]),
)


def by_numpy(logits, labels, bins=15):
    """Accuracy, NLL and calibration error as the papers write them."""
    z = logits.double().numpy()
    labels = labels.numpy()
    z = z - z.max(axis=1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    right = p.argmax(axis=1) == labels
    nll = -np.mean(z[np.arange(len(z)), labels] - np.log(np.exp(z).sum(axis=1)))
    sure, ece = p.max(axis=1), 0.0
    for m in range(1, bins + 1):
        inside = ((m - 1) / bins < sure) & (sure <= m / bins)
        if inside.any():
            ece += inside.mean() * abs(right[inside].mean() - sure[inside].mean())
    return right.mean(), nll, ece


@cases
def test_score_agrees_with_the_formulas(seed, count, classes, spread):
    logits, labels = draw(seed, count, classes, spread)
    found = score(logits, labels)
    accuracy, nll, ece = by_numpy(logits, labels)
    assert found.accuracy == accuracy
    assert found.nll == pytest.approx(nll, rel=1e-5, abs=1e-6)
    assert found.ece == pytest.approx(ece, rel=1e-5, abs=1e-6)


def test_metrics_show_themselves_rounded_and_keep_all_digits():
    found = Metrics(accuracy=0.86316666666, nll=0.41249999998, ece=0.03105555555)
    shown = "Metrics(accuracy=86.32 %, nll=0.412, ece=3.11 points)"
    assert (repr(found), str(found), f"{found}") == (shown, shown, shown)
    assert found.accuracy == 0.86316666666
    assert found == Metrics(0.86316666666, 0.41249999998, 0.03105555555)
    assert found != Metrics(0.8632, 0.412, 0.0311)
    assert repr(Metrics(0.1, float("nan"), float("nan"))) == (
        "Metrics(accuracy=10.00 %, nll=nan, ece=nan points)"
    )


@given(seed=st.integers(0, 2**32), bins=st.integers(1, 30))
def test_calibration_error_agrees_with_torchmetrics(seed, bins):
    logits, labels = draw(seed, 200, 5)  # none so sure that its probability rounds to 1
    oracle = multiclass_calibration_error(logits.softmax(dim=1), labels, 5, n_bins=bins)
    assert score(logits, labels, bins).ece == pytest.approx(oracle.item(), abs=1e-6)


def test_all_right_and_certain():
    labels = torch.arange(7) % 3
    logits = 1000.0 * nn.functional.one_hot(labels, 3)
    assert score(logits, labels) == Metrics(accuracy=1.0, nll=0.0, ece=0.0)


def test_all_wrong_and_certain():
    labels = torch.arange(7) % 3
    logits = 1000.0 * nn.functional.one_hot((labels + 1) % 3, 3)
    assert score(logits, labels) == Metrics(accuracy=0.0, nll=1000.0, ece=1.0)


def test_no_opinion():
    found = score(torch.zeros(8, 4), torch.tensor([0, 0, 1, 1, 2, 2, 3, 3]))
    assert found.accuracy == 0.25  # the first class is taken
    assert found.nll == pytest.approx(np.log(4), rel=1e-6)
    assert found.ece == pytest.approx(0, abs=1e-6)  # a quarter sure, a quarter right


@given(right=st.integers(0, 50), sure=st.floats(0.51, 1))
def test_constant_predictions_are_off_by_their_conceit(right, sure):
    logits = torch.tensor([[sure, max(1 - sure, 1e-30)]]).log().expand(50, 2)
    labels = (torch.arange(50) >= right).long()
    found = score(logits, labels)
    assert found.accuracy == right / 50
    assert found.ece == pytest.approx(abs(right / 50 - sure), abs=1e-5)


def test_a_certain_answer_shares_the_last_bin():
    # Over-confidence at 0.98 and too little confidence at 1 cancel in one bin.
    confidence = torch.tensor([1.0, 0.98])
    hits = torch.tensor([1.0, 0.0])
    assert calibration_error(confidence, hits).item() == pytest.approx(abs(1 - 1.98) / 2)
    # At 0.9 and 1 the bins differ, and nothing cancels.
    confidence, hits = torch.tensor([0.9, 1.0]), torch.tensor([1.0, 0.0])
    assert calibration_error(confidence, hits).item() == pytest.approx((0.1 + 1.0) / 2)
    assert calibration_error(confidence, hits, bins=1).item() == pytest.approx(abs(1 - 1.9) / 2)


def test_half_precision_is_scored_in_full():
    logits, labels = draw(0, 100, 10)
    rough = logits.bfloat16()
    assert score(rough, labels) == score(rough.float(), labels)


@pytest.mark.parametrize("kind", [torch.int32, torch.int16, torch.uint8])
def test_labels_may_be_any_whole_numbers(kind):
    logits, labels = draw(0, 100, 10)
    assert score(logits, labels.to(kind)) == score(logits, labels)


@given(seed=st.integers(0, 2**32), bins=st.integers(1, 30))
def test_reliability_adds_up_to_the_calibration_error(seed, bins):
    logits, labels = draw(seed, 200, 5)
    found = reliability(logits, labels, bins)
    assert {name: len(values) for name, values in found.items()} == dict.fromkeys(
        ["images", "hits", "confidence"], bins
    )
    assert found["images"].sum() == 200
    assert found["hits"].sum().item() / 200 == pytest.approx(score(logits, labels).accuracy)
    error = (found["hits"] - found["confidence"]).abs().sum().item() / 200
    assert error == pytest.approx(score(logits, labels, bins).ece, abs=1e-6)


@pytest.mark.parametrize("measure", [score, reliability])
@pytest.mark.parametrize(
    ("logits", "labels", "error", "message"),
    [
        (torch.zeros(4, 3), [0] * 5, ValueError, r"\(N,\), got \(4, 3\) and \(5,\)"),
        (torch.zeros(4), [0] * 4, ValueError, r"\(N,\), got \(4,\) and \(4,\)"),
        (torch.zeros(4, 3), [[0]] * 4, ValueError, r"\(N,\), got \(4, 3\) and \(4, 1\)"),
        (torch.zeros(4, 3, 1, 1), [0] * 4, ValueError, r"\(N,\), got \(4, 3, 1, 1\) and"),
        (torch.zeros(0, 3), [], ValueError, r"got \(0, 3\): is the split empty\?"),
        (torch.zeros(4, 0), [0] * 4, ValueError, r"at least one image and class, got \(4, 0\)"),
        (torch.zeros(2, 3), [0, -100], ValueError, r"labels 0 \.\.\. 2 .*, got -100 \.\.\. 0"),
        (torch.zeros(2, 3), [3, 1], ValueError, r"labels 0 \.\.\. 2 .*, got 1 \.\.\. 3"),
        (torch.zeros(2, 3), [0.0, 1.9], TypeError, "labels of whole numbers, got torch.float32"),
        (torch.zeros(2, 3), [True, False], TypeError, "labels of whole numbers, got torch.bool"),
        (torch.zeros(2, 3).long(), [0, 1], TypeError, "floating-point numbers, got torch.int64"),
    ],
)
def test_what_cannot_be_scored_is_refused(measure, logits, labels, error, message):
    labels = torch.tensor(labels, dtype=None if labels else torch.int64)
    with pytest.raises(error, match=rf"^expected .*{message}"):
        measure(logits, labels)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_an_answer_that_is_no_number_is_wrong(bad):
    labels = torch.tensor([0, 1, 2, 2])
    logits = 10.0 * nn.functional.one_hot(labels, 3)
    logits[0, 0] = logits[3] = bad  # where argmax would take it for the largest
    found = score(logits, labels)
    assert found.accuracy == 0.5
    assert np.isnan([found.nll, found.ece]).all()


def test_a_class_that_is_ruled_out_is_a_number():
    logits = torch.tensor([[0.0, -torch.inf], [0.0, -torch.inf]])
    assert score(logits, torch.tensor([0, 0])) == Metrics(accuracy=1.0, nll=0.0, ece=0.0)
    assert score(logits, torch.tensor([0, 1])) == Metrics(accuracy=0.5, nll=np.inf, ece=0.5)


def test_bins_are_counted():
    logits, labels = draw(0, 8, 3)
    for measure in (score, reliability):
        for bins, error in ((0, ValueError), (-1, ValueError), (1.5, TypeError), (None, TypeError)):
            with pytest.raises(error, match=r"^bins must be a whole number >= 1, got"):
                measure(logits, labels, bins)
    assert score(logits, labels, np.int64(5)) == score(logits, labels, 5)


@pytest.mark.parametrize(
    ("confidence", "hits"), [((0,), (0,)), ((3,), (2,)), ((3, 1), (3, 1)), ((3,), (3, 1))]
)
def test_a_calibration_error_is_of_something(confidence, hits):
    with pytest.raises(
        ValueError, match=r"^expected confidence \(N,\) and hits \(N,\) of at least"
    ):
        calibration_error(torch.ones(confidence), torch.ones(hits))


@pytest.mark.parametrize("factor", [0.2, 1.0, 7.0])
def test_the_best_temperature_undoes_a_factor(factor):
    draws = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(20_000, 5, generator=draws)
    labels = torch.multinomial(logits.softmax(dim=1), 1, generator=draws)[:, 0]
    assert best_temperature(factor * logits, labels) == pytest.approx(factor, rel=0.05)


# --- Of a model ---


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_predict_is_the_model_on_every_image_in_order(toy, split):
    data = toy().hold_out(10)
    model = small_resnet(1, 4, width=8, depths=(1,))
    logits = predict(model, data, split)
    model.eval()
    images = data.splits[split].images
    one_by_one = [model((image[None] / 255 - 0.3) / 0.2) for image in images]
    torch.testing.assert_close(logits, torch.cat(one_by_one).detach(), rtol=1e-4, atol=1e-5)
    assert logits.dtype == torch.float32
    assert not logits.requires_grad
    assert evaluate(model, data, split) == score(logits, data.splits[split].labels)


def test_test_images_are_the_default(toy):
    data = toy(train=8, test=20)
    model = mlp(1, 4, size=8)
    assert torch.equal(predict(model, data), predict(model, data, "test"))
    assert evaluate(model, data) == evaluate(model, data, "test")


@pytest.mark.parametrize("batch_size", [1, 7, 40, 1000])
def test_batch_size_does_not_matter(toy, batch_size):
    data = toy(test=40)
    model = small_resnet(1, 4, width=8, depths=(1,))
    expected = predict(model, data)
    torch.testing.assert_close(
        predict(model, data, batch_size=batch_size), expected, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("training", [True, False])
def test_predict_leaves_the_model_as_it_was(toy, training):
    data = toy()
    model = nn.Sequential(small_resnet(1, 4, width=8, depths=(1,)), nn.Dropout()).train(training)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert torch.equal(predict(model, data), predict(model, data))  # no dropout meanwhile
    assert model.training == model[1].training == training
    after = model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_predict_leaves_parts_frozen_that_were(toy):
    model = small_resnet(1, 4, width=8, depths=(1,)).train()
    model.stem[1].eval()  # its running statistics are to stay
    modes = [module.training for module in model.modules()]
    assert len(set(modes)) == 2
    evaluate(model, toy())
    assert [module.training for module in model.modules()] == modes


class Overridden(nn.Sequential):
    """A network whose own `train` keeps the batch normalisation frozen, as detectors have it."""

    def train(self, mode=True):
        super().train(mode)
        self[1].eval()
        return self


@pytest.mark.parametrize("wrap", [lambda network: network, Ensemble])
def test_every_way_to_evaluate_leaves_modes_and_statistics(toy, wrap):
    data = toy()
    network = Overridden(nn.Flatten(), nn.BatchNorm1d(64), nn.Dropout(), nn.Linear(64, 4)).train()
    model = wrap(network)
    modes = [module.training for module in model.modules()]
    statistics = network[1].running_mean.clone()
    assert torch.equal(predict(model, data), predict(model, data))
    evaluate(model, data, "train")
    assert [module.training for module in model.modules()] == modes
    assert torch.equal(network[1].running_mean, statistics)


def test_a_network_without_parameters_can_be_asked(toy):
    data = toy()
    found = predict(nn.Flatten(), data)
    assert torch.equal(found, data.normalize(data.test.images).flatten(1))


@pytest.mark.parametrize(("size", "error"), [(0, ValueError), (-3, ValueError), (2.5, TypeError)])
def test_a_batch_has_images(toy, size, error):
    with pytest.raises(error, match=r"^batch_size must be a whole number >= 1, got"):
        predict(mlp(1, 4, size=8), toy(), batch_size=size)


def test_predict_restores_the_mode_when_the_model_fails(toy):
    model = small_resnet(3, 4).train()
    with pytest.raises(RuntimeError):
        predict(model, toy(channels=1))
    assert model.training


@pytest.mark.parametrize("name", ["validation", "classes", "dev", ""])
def test_predict_says_which_splits_there_are(toy, name):
    with pytest.raises(ValueError, match=f"^expected a split of the data .*, got {name!r}$"):
        predict(mlp(1, 4), toy(), name)
