"""torch: outputs and J are those of the module, both ways; what is no dense network is refused by its place."""

import copy
import re
import subprocess
import sys

import numpy as np
import pytest

import engine
from engine import Network

from . import cases

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from engine.interop.torch import from_torch, state_dict, to_torch  # noqa: E402

LINEAR = nn.Linear(3, 3)


def jacobian(module, X):
    """∂ outputs / ∂ each parameter by torch.func: name → [m n, ...]."""
    named = {name: values.detach() for name, values in module.named_parameters()}
    found = torch.func.jacrev(lambda given: torch.func.functional_call(module, given, (torch.from_numpy(X),)))(named)
    return {name: values.flatten(0, 1).numpy() for name, values in found.items()}


def assert_same_function(network, module, X, given=None):
    dtype = network.dtype.type
    cases.assert_close(network(X), module(torch.from_numpy(X if given is None else given)).detach().numpy(), dtype)
    single = dtype == np.float64 and any(activation.name == "hard_sigmoid" for activation in network.activations)
    times = 1e4 if single else 1  # torch's slope of Hardsigmoid is 1/6 in float32
    J = state_dict(network, network.jacobian(X).dense())
    expected = jacobian(module, X if given is None else given)
    if list(J) == list(expected):
        for name in J:
            cases.assert_close(J[name].numpy(), expected[name], dtype, name, times)
    return J, expected


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("activation", cases.activations(), ids=str)
def test_there_and_back(activation, dtype):
    network, X = cases.network(activation, dtype), cases.samples(dtype)
    module = to_torch(network)
    J, expected = assert_same_function(network, module, X)
    assert list(J) == list(expected)
    back = from_torch(module)
    assert cases.same(back, network)
    assert np.array_equal(nn.utils.parameters_to_vector(module.parameters()).detach().numpy(), network.parameters)


TORCH = [nn.Identity(), nn.Tanh(), nn.Sigmoid(), nn.ReLU(inplace=True), nn.LeakyReLU(), nn.ELU(), nn.SELU(), nn.Softplus(),
         nn.GELU(), nn.SiLU(), nn.Softsign(), nn.Hardtanh()]
PARAMETRIC = [nn.LeakyReLU(0.2), nn.ELU(0.5), nn.Softplus(2.0), nn.Hardtanh(-0.5, 2.0), nn.ReLU6()]
FURTHER = [nn.GELU("tanh"), nn.Mish(), nn.Hardsigmoid(), nn.Hardswish(), nn.LogSigmoid()]


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("activation", [*TORCH, *PARAMETRIC, *FURTHER], ids=str)
def test_torchs_activations(activation, dtype):
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 4), activation, nn.Linear(4, 2)).to(getattr(torch, dtype.__name__))
    assert_same_function(from_torch(module), module, cases.samples(dtype))


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_nested_with_dropout_and_a_flatten(dtype):
    torch.manual_seed(1)
    module = nn.Sequential(nn.Flatten(), nn.Identity(), nn.Sequential(nn.Linear(6, 4), nn.Dropout(0.5), nn.Tanh()),
                           nn.Sequential(nn.Sequential(nn.Linear(4, 4), nn.AlphaDropout())), nn.Linear(4, 2), nn.Identity())
    module = module.to(getattr(torch, dtype.__name__)).eval()
    images = np.random.default_rng(0).standard_normal((5, 2, 3)).astype(dtype)
    network = from_torch(module)
    assert [a.name for a in network.activations] == ["tanh", "identity", "identity"]
    J, expected = assert_same_function(network, module, images.reshape(5, 6), images)
    for (name, found), other in zip(J.items(), expected.values()):
        cases.assert_close(found.numpy(), other, dtype, name)
    assert cases.same(from_torch(module.train()), network)  # it is read as in eval


def test_without_biases_they_are_zero():
    network = from_torch(nn.Sequential(nn.Linear(3, 4, bias=False), nn.ReLU(), nn.Linear(4, 2, bias=False)))
    assert not network.bias(1).any() and not network.bias(2).any() and network.size == 26
    assert not network.parameters[~network.mask(biases=False)].any()


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_batch_norm_is_folded(dtype, bias, affine):
    torch.manual_seed(2)
    module = nn.Sequential(nn.Linear(3, 4, bias=bias), nn.Dropout(), nn.BatchNorm1d(4, affine=affine, eps=1e-3), nn.Tanh(),
                           nn.Linear(4, 2), nn.BatchNorm1d(2)).to(getattr(torch, dtype.__name__))
    for _ in range(3):
        module(3 * torch.randn(20, 3).to(getattr(torch, dtype.__name__)) + 1)
    if affine:
        nn.init.normal_(module[2].weight)
        nn.init.normal_(module[2].bias)
    before, X = copy.deepcopy(module.state_dict()), cases.samples(dtype)
    network = from_torch(module.eval())
    cases.assert_close(network(X), module(torch.from_numpy(X)).detach().numpy(), dtype, times=4)
    slopes = torch.func.vmap(torch.func.jacrev(lambda x: module(x[None])[0]))(torch.from_numpy(X))
    cases.assert_close(network.jacobian(X).wrt_input(), slopes.detach().numpy(), dtype, times=4)
    assert all(torch.equal(before[name], module.state_dict()[name]) for name in before)


def test_a_step_of_torch_leaves_the_network_alone():
    network = cases.network("tanh", np.float64)
    before, X = network.parameters.copy(), cases.samples(np.float64)
    outputs, module = network(X), to_torch(network)
    optimiser = torch.optim.SGD(module.parameters(), lr=1.0)
    module(torch.from_numpy(X)).square().sum().backward()
    optimiser.step()
    for values in state_dict(network).values():
        values.add_(1)
    assert np.array_equal(network.parameters, before) and np.array_equal(network(X), outputs)
    assert not np.array_equal(nn.utils.parameters_to_vector(module.parameters()).detach().numpy(), before)
    copied = from_torch(module)
    first = copied.parameters.copy()
    with torch.no_grad():
        module[0].weight.zero_()
    assert np.array_equal(copied.parameters, first)


def test_to_torch_draws_no_random_numbers():
    before = torch.get_rng_state()
    to_torch(cases.network("tanh", np.float32))
    assert torch.equal(before, torch.get_rng_state())


def test_a_module_of_ours_can_be_saved(tmp_path):
    module = to_torch(cases.network("gaussian", np.float64))
    torch.save(module, tmp_path / "module.pt")
    assert cases.same(from_torch(torch.load(tmp_path / "module.pt", weights_only=False)), from_torch(module))
    assert "Elementwise('gaussian')" in repr(module)


def test_state_dict_has_torchs_names():
    network = cases.network("relu", np.float64)
    module = to_torch(Network.initialize(network.widths, "relu", seed=9))
    assert list(state_dict(network)) == list(module.state_dict())
    module.load_state_dict(state_dict(network))
    assert cases.same(from_torch(module), network)
    X, y = cases.samples(np.float64), np.ones((5, 2))
    gradient = network.jacobian(X).T @ (network(X) - y).ravel() / 5
    (0.5 * (module(torch.from_numpy(X)) - 1).square().sum(1)).mean().backward()
    for (name, parameter), found in zip(module.named_parameters(), state_dict(network, gradient).values()):
        np.testing.assert_allclose(found.numpy(), parameter.grad.numpy(), rtol=0, atol=1e-13, err_msg=name)
    with pytest.raises(ValueError, match="v must have shape"):
        state_dict(network, gradient[1:])


class Own(nn.Module):
    def forward(self, x):
        raise AssertionError("a user's code was called")


class OwnLinear(nn.Linear):
    def forward(self, x):
        raise AssertionError("a user's code was called")


def hooked():
    layer = nn.Linear(3, 3)
    layer.register_forward_hook(lambda *given: 1 / 0)
    return layer


def replaced():
    layer = nn.Linear(3, 3)
    layer.forward = lambda x: 1 / 0
    return layer


def cyclic():
    module = nn.Sequential(nn.Linear(3, 3))
    module.append(module)
    return module


def with_statistics(value):
    layer = nn.BatchNorm1d(3)
    layer.running_var.fill_(value)
    return nn.Sequential(nn.Linear(3, 3), layer)


REFUSED = [
    (lambda: nn.Sequential(LINEAR, nn.ReLU(), nn.Sequential(nn.Linear(3, 2), nn.Softmax(1))), "2.1: Softmax: .*leave it out, for"),
    (lambda: nn.Sequential(LINEAR, nn.LogSoftmax(1)), "1: LogSoftmax: .*the loss takes logits"),
    (lambda: nn.Sequential(LINEAR, nn.LayerNorm(3)), "1: LayerNorm: .*mean over a sample's neurons"),
    (lambda: nn.Sequential(LINEAR, nn.PReLU()), "1: PReLU: .*nn.LeakyReLU"),
    (lambda: nn.Sequential(nn.Conv1d(1, 1, 1), LINEAR), "0: Conv1d: it is not among"),
    (lambda: nn.Sequential(LINEAR, Own()), "1: Own: .*forward may be any code; build it again as an nn.Sequential"),
    (lambda: Own(), "Network: Own: .*any code"),
    (lambda: OwnLinear(3, 3), "OwnLinear: .*any code"),
    (lambda: nn.ModuleList([LINEAR]), r"ModuleList: .*nn.Sequential\(\*layers\)"),
    (lambda: nn.Sequential(hooked()), "0: Linear: it has a forward hook"),
    (lambda: nn.Sequential(replaced()), "0: Linear: its forward was replaced"),
    (lambda: cyclic(), "1: Sequential: it stands within itself"),
    (lambda: nn.Sequential(LINEAR, nn.Tanh(), LINEAR), "2: Linear: its weight is 0.weight too.*copy.deepcopy"),
    (lambda: nn.utils.parametrizations.weight_norm(nn.Linear(3, 3)), "remove_parametrizations"),
    (lambda: torch.compile(LINEAR), "OptimizedModule: give what torch.compile was given"),
    (lambda: nn.Sequential(), "at least one nn.Linear, but holds none"),
    (lambda: nn.Sequential(nn.Tanh(), LINEAR), "0: Tanh: no Linear stands before it"),
    (lambda: nn.Sequential(LINEAR, nn.Tanh(), nn.Dropout(), nn.ReLU()), "3: ReLU: it follows the activation 1"),
    (lambda: nn.Sequential(LINEAR, nn.Softplus(threshold=1)), "1: Softplus: above threshold=1"),
    (lambda: nn.Sequential(LINEAR, nn.Flatten()), "1: Flatten: a Linear stands before it"),
    (lambda: nn.Sequential(nn.Flatten(2), LINEAR), "0: Flatten: start_dim=2"),
    (lambda: nn.Sequential(nn.BatchNorm1d(3), LINEAR), "0: BatchNorm1d: .*there is none"),
    (lambda: nn.Sequential(LINEAR, nn.ReLU(), nn.BatchNorm1d(3)), "2: BatchNorm1d: .*the activation 1 stands between"),
    (lambda: nn.Sequential(LINEAR, nn.BatchNorm1d(3, track_running_stats=False)), "1: BatchNorm1d: it has no running statistics"),
    (lambda: nn.Sequential(LINEAR, nn.BatchNorm1d(4)), "1: BatchNorm1d: it has 4 features, but the Linear 0 gives 3"),
    (lambda: with_statistics(-1.0), "1: BatchNorm1d: running_var .* above 0"),
    (lambda: nn.LazyLinear(3), "LazyLinear: it has no weights yet"),
    (lambda: nn.Linear(3, 3, device="meta"), "Linear: its weight holds no numbers"),
    (lambda: nn.Linear(3, 3, dtype=torch.bfloat16), "Linear: its weight has dtype torch.bfloat16; .*dtype=np.float32"),
    (lambda: nn.Linear(3, 3, dtype=torch.complex64), "Linear: its weight has dtype torch.complex64"),
    (lambda: nn.Sequential(nn.Linear(3, 4), nn.Linear(3, 4)), "W of layer 2 must have 4 columns"),
    (lambda: with_statistics(np.nan), "running_var"),
    (lambda: "model.pt", "module must be a torch.nn.Linear.*'model.pt'"),
    (lambda: None, "module must be a torch.nn.Linear.*None"),
]


@pytest.mark.parametrize("build, message", REFUSED, ids=[message[:30] for _, message in REFUSED])
def test_what_is_no_dense_network_is_refused_by_its_place(build, message):
    with pytest.raises((ValueError, TypeError), match=message):
        from_torch(build())


def test_other_dtypes_are_cast_where_one_is_asked_for():
    torch.manual_seed(3)
    module = nn.Linear(3, 2, dtype=torch.bfloat16)
    assert from_torch(module, np.float32).dtype == np.float32
    assert np.array_equal(from_torch(module, np.float64).weight(1), module.weight.detach().double().numpy())
    with pytest.raises(TypeError, match="dtype must be float32 or float64"):
        from_torch(module, np.float16)


def test_a_users_own_activation_is_refused():
    own = engine.Activation("cube", lambda z: z**3, lambda z: 3 * z**2)
    with pytest.raises(ValueError, match="layer 1 has the activation 'cube', a user's own, which a torch module cannot hold"):
        to_torch(Network((1, 1), (own,), [1.0, 0.0]))
    assert list(state_dict(Network((1, 1), (own,), [1.0, 0.0]))) == ["0.weight", "0.bias"]
    for call in (to_torch, state_dict):
        with pytest.raises(TypeError, match="network must be an engine.Network"):
            call(torch.nn.Linear(1, 1))


def test_importing_engine_imports_no_partner():
    code = ("import engine, sys; names = {'torch', 'jax', 'onnx', 'safetensors', 'sklearn'}; assert not names & set(sys.modules);"
            "engine.interop.torch, engine.interop.jax, engine.interop.onnx, engine.interop.safetensors;"
            "assert not names & set(sys.modules), names & set(sys.modules)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_without_torch_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    for call in (lambda: from_torch(3), lambda: to_torch(cases.network("tanh", np.float64))):
        with pytest.raises(ModuleNotFoundError, match=re.escape('needs torch: python -m pip install "gammachain[interop]"')):
            call()
