"""Merged models: the experts themselves at the corners, and a descent that finds the way."""

import numpy as np
import pytest

from everygrain.encode.transformer import Transformer
from everygrain.errors import InputError
from everygrain.learn.losses.contrastive import MultipleNegatives
from everygrain.learn.merge import (
    Merging,
    differentiable,
    learned_coefficients,
    merge_transformers,
    merged,
    uniform,
)
from everygrain.learn.pairs.base import Pair

torch = pytest.importorskip("torch")
from .pretrain.small import tiny_transformer  # noqa: E402


@pytest.fixture
def states():
    generator = torch.Generator().manual_seed(0)

    def state():
        matrix = torch.randn(3, 4, generator=generator)
        matrix[0, 0] = -0.0
        return {"matrix": matrix, "half": torch.randn(5, generator=generator).half(),
                "positions": torch.arange(3)}  # fmt: skip

    return state(), [state(), state()]


def bits(state):
    return {name: weight.numpy().tobytes() for name, weight in state.items()}


def test_a_one_hot_choice_is_the_expert_and_none_the_base_bit_for_bit(states):
    base, experts = states
    assert bits(merged(base, experts, [1.0, 0.0])) == bits(experts[0])
    assert bits(merged(base, experts, [0.0, 1.0])) == bits(experts[1])
    assert bits(merged(base, experts, [0.0, 0.0])) == bits(base)


def test_a_merged_model_is_the_base_and_weighted_task_vectors(states):
    base, experts = states
    found = merged(base, experts, [0.3, 0.9])
    for name in ("matrix", "half"):
        expected = base[name].float().numpy().copy()
        for a, expert in zip((0.3, 0.9), experts, strict=True):
            expected += a * (expert[name].float() - base[name].float()).numpy()
        assert np.allclose(found[name].float().numpy(), expected, atol=2e-3)
        assert found[name].dtype == base[name].dtype
    assert found["positions"].tolist() == [0, 1, 2]


def table_loss(state, step):
    """A contrastive loss over three rows of a table."""
    rows = torch.nn.functional.normalize(state["matrix"], dim=-1)
    logits = 5 * rows @ torch.tensor([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1]]).T
    return torch.nn.functional.cross_entropy(logits, torch.arange(3))


def test_the_gradient_of_the_coefficients_equals_finite_differences(states):
    base, experts = states
    at = torch.tensor([0.4, 0.2], requires_grad=True)
    table_loss(differentiable(base, experts, at), 0).backward()
    for k in range(2):
        step = torch.zeros(2)
        step[k] = 1e-2
        above, below = (
            table_loss(differentiable(base, experts, at.detach() + s), 0) for s in (step, -step)
        )
        assert float(at.grad[k]) == pytest.approx(float(above - below) / 2e-2, abs=2e-3)


def test_the_descent_finds_the_mixture_that_the_probes_ask_for():
    generator = torch.Generator().manual_seed(1)
    base, first, second = (torch.randn(6, 4, generator=generator) for _ in range(3))
    target = base + 0.8 * (first - base) - 0.3 * (second - base)

    def loss(state, step):
        return ((state["matrix"] - target) ** 2).mean()

    settings = Merging(steps=300, learning_rate=0.1, momentum=0.5)
    found = learned_coefficients(
        {"matrix": base}, [{"matrix": first}, {"matrix": second}], loss, settings
    )
    assert found == pytest.approx([0.8, -0.3], abs=1e-3)


def test_no_steps_give_the_uniform_average(states):
    base, experts = states
    found = learned_coefficients(base, experts, table_loss, Merging(steps=0))
    assert found == pytest.approx(uniform(experts)) == [0.5, 0.5]


def test_transformers_are_merged_and_one_expert_merged_alone_keeps_its_direction(tmp_path):
    base = tiny_transformer(tmp_path / "base", seed=0)
    experts = [tiny_transformer(tmp_path / f"expert{i}", seed=i) for i in (1, 2)]
    probes = [Pair(f"a{i} tree", f"a{i} forest", "s", f"q{i}", f"d{i}") for i in range(8)]
    settings = Merging(steps=3, batch=4, learning_rate=0.3)
    found, coefficients = merge_transformers(
        base, experts, probes, MultipleNegatives(), tmp_path / "merged", settings
    )
    from safetensors.torch import load_file

    parts = [load_file(tmp_path / name / "model.safetensors")
             for name in ("base", "expert1", "expert2", "merged")]  # fmt: skip
    assert coefficients != pytest.approx([0.5, 0.5])
    for name, weight in parts[3].items():
        expected = parts[0][name].double()
        for a, expert in zip(coefficients, parts[1:3], strict=True):
            expected = expected + a * (expert[name].double() - parts[0][name].double())
        assert torch.allclose(weight.double(), expected, atol=1e-5)
    assert found.encode(["a1 tree"]).shape == (1, base.dimensions)


def test_models_of_another_base_are_refused_by_name(states, tmp_path):
    base, experts = states
    with pytest.raises(InputError, match="'matrix' is") as caught:
        merged(base, [experts[0], {**experts[1], "matrix": torch.zeros(2, 2)}], [0.5, 0.5])
    assert "one and the same base" in caught.value.remedy
    with pytest.raises(InputError, match="2 coefficients for 1 experts"):
        merged(base, experts[:1], [0.5, 0.5])
    with pytest.raises(InputError, match="momentum"):
        Merging(momentum=1.0)
    one = [Pair("a", "b", "s", "q", "d")]
    with pytest.raises(InputError, match="1 probes"):
        merge_transformers(Transformer("x"), [], one, MultipleNegatives(), tmp_path / "m")
    assert not list(tmp_path.iterdir())
