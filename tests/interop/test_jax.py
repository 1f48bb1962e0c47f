"""JAX and Flax: outputs and J are those of the model, both ways."""

import functools
import sys

import numpy as np
import pytest

from engine import Network
from engine.interop import activation_forms
from engine.interop.jax import from_tree, to_tree

from . import cases

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402

PLAIN = {"identity": lambda z: z, "exp": jnp.exp, "sin": jnp.sin, "cos": jnp.cos, "erf": jax.lax.erf,
         "gaussian": lambda z: jnp.exp(-z * z), "gelu": functools.partial(jax.nn.gelu, approximate=False), "gelu_tanh": jax.nn.gelu,
         "softsign": jax.nn.soft_sign}


@pytest.fixture(autouse=True)
def float64():
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def jax_function(activation):
    """What computes it in JAX."""
    name, parameters = activation_forms.form(activation)
    if name == "leaky_relu":
        return functools.partial(jax.nn.leaky_relu, negative_slope=parameters[0])
    if name == "elu":
        return functools.partial(jax.nn.elu, alpha=parameters[0])
    if name == "softplus":
        return lambda z: jax.nn.softplus(parameters[0] * z) / parameters[0]
    if name == "hard_tanh":
        return lambda z: jnp.clip(z, *parameters)
    return PLAIN.get(name) or getattr(jax.nn, name)


def model(activation, tree, x):
    """A plain model of (kernel, bias) pairs."""
    for l, (kernel, bias) in enumerate(tree, 1):
        x = x @ kernel + bias
        x = activation(x) if l < len(tree) else x
    return x


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("activation", cases.activations(), ids=str)
def test_outputs_and_jacobians(activation, dtype):
    network, X = cases.network(activation, dtype), cases.samples(dtype)
    function = jax_function(activation)
    tree = [tuple(map(jnp.asarray, layer)) for layer in to_tree(network)]
    cases.assert_close(network(X), model(function, tree, X), dtype)
    J = network.jacobian(X).dense()
    expected = jax.jacrev(functools.partial(model, function))(tree, X)
    for (kernel, bias), (W, b) in zip(expected, network.unflatten(J)):
        cases.assert_close(W.swapaxes(-1, -2), np.asarray(kernel).reshape(len(J), *kernel.shape[2:]), dtype)
        cases.assert_close(b, np.asarray(bias).reshape(len(J), -1), dtype)
    assert cases.same(from_tree(tree, activation), network)


FUNCTIONS = ("tanh", "sigmoid", "relu", "leaky_relu", "elu", "selu", "softplus", "gelu", "silu", "swish", "soft_sign", "hard_tanh",
             "mish", "hard_sigmoid", "hard_swish", "hard_silu", "log_sigmoid", "relu6", "identity")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_jax_are_what_jax_makes_of_them(name):
    function = getattr(jax.nn, name)
    network, z = from_tree([jnp.eye(1)], (function,)), np.linspace(-7, 7, 41)[:, None]
    np.testing.assert_allclose(network(z), function(z), rtol=0, atol=1e-12)


@pytest.mark.parametrize("function", [jnp.tanh, jnp.sin, jnp.cos, jnp.exp, jax.lax.erf, jax.scipy.special.erf,
                                      functools.partial(jax.nn.gelu, approximate=False), functools.partial(jax.nn.gelu),
                                      functools.partial(jax.nn.leaky_relu, negative_slope=0.2),
                                      functools.partial(jax.nn.elu, alpha=0.5)], ids=str)
def test_further_functions(function):
    network, z = from_tree([jnp.eye(1)], (function,)), np.linspace(-2, 2, 21)[:, None]
    np.testing.assert_allclose(network(z), function(z), rtol=0, atol=1e-12)


def test_other_functions_are_refused():
    for function in (jax.nn.softmax, lambda z: z, functools.partial(jax.nn.gelu, True), functools.partial(jax.nn.celu, alpha=2)):
        with pytest.raises(TypeError, match="an activation must be a name or an engine.Activation"):
            from_tree([jnp.eye(1)], (function,))


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_flax(dtype):
    linen = pytest.importorskip("flax.linen")

    class Model(linen.Module):
        @linen.compact
        def __call__(self, x):
            for _ in range(11):
                x = linen.gelu(linen.Dense(3, param_dtype=dtype)(x))
            return linen.Dense(2, use_bias=False, param_dtype=dtype)(x)

    X = cases.samples(dtype)
    params = Model().init(jax.random.key(0), X)
    network = from_tree(params, linen.gelu)
    assert network.depth == 12 and network.dtype == dtype and network.activations[0].name == "gelu_tanh"
    cases.assert_close(network(X), Model().apply(params, X), dtype)
    J, expected = network.jacobian(X).dense(), jax.jacrev(lambda given: Model().apply(given, X))(params)
    for row, (i, j) in zip(J, np.ndindex(len(X), 2)):
        found = to_tree(network, row, like=params)
        assert jax.tree.structure(found) == jax.tree.structure(params)
        jax.tree.map(lambda a, b, i=i, j=j: cases.assert_close(a, b[i, j], dtype), found, expected)
    back = to_tree(network, like=params)
    assert all(jax.tree.leaves(jax.tree.map(lambda a, b: isinstance(a, jax.Array) and a.dtype == dtype and bool((a == b).all()),
                                            back, params)))


def test_nnx():
    nnx = pytest.importorskip("flax.nnx")
    module = nnx.Sequential(nnx.Linear(3, 4, rngs=nnx.Rngs(0)), nnx.relu, nnx.Dropout(0.5, rngs=nnx.Rngs(1)),
                            nnx.Linear(4, 2, rngs=nnx.Rngs(2)))
    module.eval()
    X = cases.samples(np.float32)
    network = from_tree(nnx.to_pure_dict(nnx.state(module, nnx.Param)), nnx.relu)
    cases.assert_close(network(X), module(X), np.float32)


def test_batch_statistics_and_bfloat16():
    params = {"params": {"Dense_0": {"kernel": jnp.ones((2, 2), jnp.bfloat16)}}}
    assert from_tree(params, "tanh", dtype=np.float32).dtype == np.float32
    with pytest.raises(TypeError, match="must hold real numbers, but has dtype bfloat16"):
        from_tree(params, "tanh")
    with pytest.raises(ValueError, match="beside 'params'"):
        from_tree({**params, "batch_stats": {}}, "tanh")


def test_without_jax_numpy_trees_are_read(monkeypatch):
    network = Network.initialize((2, 3, 1), "tanh")
    like = [tuple(map(jnp.asarray, layer)) for layer in to_tree(network)]
    for name in ("jax", "jax.nn", "jax.numpy", "jax.lax"):
        monkeypatch.setitem(sys.modules, name, None)
    assert cases.same(from_tree(to_tree(network), "tanh"), network)
    with pytest.raises(ModuleNotFoundError, match="needs jax: python -m pip install"):
        to_tree(network, like=like)
