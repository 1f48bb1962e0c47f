"""Text that the docstrings of several operators share, written once."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

SHARED = {
    "samples": """\
network : Network
X, y : array_like
    As `value_and_gradient` takes them; m ≥ 1.""",
    "max_bytes": """\
max_bytes : int, optional
    Samples then pass in slabs that take at most so many bytes, forward anew for every product (once for the columns of a
    matrix): the same bits of products, diagonal and trace. X and y may be anything that `value_and_gradient` takes. Beside a
    slab are held X, y, the m losses, ∇φ and φ's own work, and what is asked for.""",
    "trainable": """\
trainable : array_like of bool [P], optional
    Which numbers of θ are trainable, as `fit` takes it (`Network.mask` makes one). The operator is then (T, T), with the rows and
    columns of those T numbers in θ's order. Samples only go forward through the layers below the first one that has a trainable
    number, once (with `max_bytes`, once for each slab): a mask of the last layers costs what a network of those layers would. With
    any other mask a product takes the time of all layers from the first trainable one up, while `dense` and `blocks` form
    the entries of trainable numbers alone, or of the neurons and inputs that have one: a mask of biases saves the
    weights' part, which is most of the work where layers are wide.""",
    "max_bytes_of_factors": """\
max_bytes : int, optional
    Samples then pass in slabs that take at most so many bytes: the factors are the same but for rounding. X, y, the m losses,
    ∇φ and the factors come on top; X and y may be anything that `value_and_gradient` takes.""",
    "kronecker_settings": """\
biases : {"joint", "separate"}
    Whether (W^l, b^l) is one block, or W^l and b^l one each, without what joins them: B_l ⊗ A_l of the inputs alone, and B_l.
curvature : {"ggn", "empirical", "sampled"}
    What B_l holds in place of ∇²L_k: itself; g gᵀ of the gradients g = ∇L_k at the targets that were seen (the empirical Fisher
    matrix; any loss); or at targets drawn from the model, as `fisher` draws them, whose mean is the GGN's for its four losses.
samples : int, optional
    Draws of each sample's targets for "sampled", 1 where None.
seed : int or numpy.random.Generator
    Of the draws.
trainable : array_like of bool [P], optional
    The rows and columns of these numbers of θ alone: whole layers, weights or biases, or some neurons (rows of W) times some
    inputs (columns). Layers below the first of them only go forward, and others without any have no factors.""",
    "operator": """\
LinearOperator (P, P)
    In the network's dtype, symmetric; products, `.diagonal()` [P], `.trace()`, `.dense()` [P, P] and `.blocks()`, a list with
    the diagonal block of each (W^l, b^l). Nothing but `dense` and `blocks` forms a block of it, and nothing at all J.""",
    "factored_operator": """\
    A symmetric LinearOperator (P, P) with `.solve(v, damping=)`, `.log_determinant(damping=)`, `.dense()`, `.diagonal()`,
    `.trace()`, `.frobenius_norm()`, `.blocks()`, `.input_factors` and `.output_factors`; P counts the trainable numbers. Its sums
    go through BLAS, outside the promise of same bits.""",
    "cut_through": """\
ValueError
    Where `trainable` cuts through a layer otherwise than by neurons and inputs; where "sampled" has a loss without a model.""",
    "no_loss_hessian": """\
ValueError
    Where a user's own loss has no Hessian.""",
    "no_block": """\
MemoryError
    Where `max_bytes` does not hold a block of samples; it names the least that does.""",
}


def documented(function: Function) -> Function:
    """`function`, with the shared text in place of each line of its docstring that is a name of SHARED in braces.

    The text is indented as the line is, so that `help` shows a whole numpydoc page.

    Examples
    --------
    >>> import inspect
    >>> def square(network, X, y):
    ...     '''The square.
    ...
    ...     Parameters
    ...     ----------
    ...     {samples}
    ...     '''
    >>> print(inspect.getdoc(documented(square)))
    The square.
    <BLANKLINE>
    Parameters
    ----------
    network : Network
    X, y : array_like
        As `value_and_gradient` takes them; m ≥ 1.
    """
    def text(line: re.Match[str]) -> str:
        return "\n".join(line[1] + part for part in SHARED[line[2]].splitlines())

    if function.__doc__ is not None:  # python -OO has no docstrings
        function.__doc__ = re.sub(r"^( *)\{(\w+)\}$", text, function.__doc__, flags=re.MULTILINE)
    return function
