"""z̄^l_k, the derivative of a residual in z^l_k, from its derivatives in the components of a^L down to layer 1 (eq. 24)."""

from .compiled import inlined
from .deltas import clear_lanes
from .jet_workspace import JetPlan, JetWorkspace, components
from .jets import IDENTITY
from .layout import FROM_ZERO, STORED, line, panel_sizes, places
from .linked import shared
from .panels import gather
from .product import panel_product
from .signatures import Line, Plan
from .simd import copy_lines, fma_lines, fma_scaled_lines, lanes_of, multiply_lines
from .transposed import weights_back


@inlined
def gather_seeds(jet, seeds, first, count, workspace):
    """The seeds [m, q K n] of a panel's `count` samples into workspace.seeds; lanes without a sample get zeros."""
    gather(seeds, jet.axes[:0], first, count, workspace.seeds, 0, 0)
    clear_lanes(workspace.seeds, 0, seeds.shape[1], count)


@shared
def jet_errors(backward_weights: Line, plan: Plan, jet: JetPlan, residual: int, workspace: JetWorkspace):
    """z̄^l of every component of a panel for one of its residuals, from its seeds in workspace.seeds."""
    lanes = lanes_of(backward_weights)
    panel, K, delta = panel_sizes(plan, lanes), components(jet), workspace.delta
    for k in range(K):
        copy_lines(workspace.seeds, line(0, (residual * K + k) * panel.n, lanes), delta, k * panel.deltas + panel.chain, panel.n)
    for l in range(panel.depth, 0, -1):
        at = places(plan, l, lanes)
        errors_of_activation(plan, at, jet, workspace)
        if l > 1:
            panel_product(backward_weights, weights_back(plan, l), delta, (at.delta, panel.deltas), delta,
                          (at.delta_below, panel.deltas), workspace.stack, (0, 0), (at.before, at.width, K),
                          (FROM_ZERO, STORED))  # eq. 24: ā^{l-1}_k = Wᵀ z̄_k


@inlined
def errors_of_activation(plan, at, jet, workspace):
    """z̄ of a layer in place of ā, of every component (eq. 24); the same where g is the identity."""
    if at.activation == IDENTITY:
        return
    stack, delta, products = workspace.stack, workspace.delta, workspace.products
    lanes, K, width, axes = lanes_of(stack), components(jet), at.width, jet.axes.size
    panel = panel_sizes(plan, lanes)
    multiply_lines(delta, at.delta, stack, at.gamma, delta, at.delta, width)  # eq. 24: gamma ā
    if K > 1:
        sum_of_products(stack, (panel.stack + at.gamma, panel.stack), delta, (panel.deltas + at.delta, panel.deltas), products,
                        width, K - 1)
        fma_lines(workspace.second, (at.delta, lanes), products, (0, lanes), delta, (at.delta, lanes), width)  # + g″ sum z_k ā_k
    if jet.forms > 0:
        sum_of_products(workspace.squares, (at.delta, panel.deltas), delta, ((1 + axes) * panel.deltas + at.delta, panel.deltas),
                        products, width, jet.forms)
        fma_lines(workspace.third, (at.delta, lanes), products, (0, lanes), delta, (at.delta, lanes), width)  # + g‴ sum q_s ā_s
    for i in range(1, 1 + axes):
        z = i * panel.deltas + at.delta
        multiply_lines(delta, z, stack, at.gamma, delta, z, width)  # eq. 24: gamma ā_i
    for s in range(jet.forms):
        z = (1 + axes + s) * panel.deltas + at.delta
        multiply_lines(workspace.second, at.delta, delta, z, products, 0, width)
        errors_of_form(plan, at, jet, s, workspace)
        multiply_lines(delta, z, stack, at.gamma, delta, z, width)  # eq. 24: gamma ā_s


@inlined
def sum_of_products(A, a, B, b, out, width, count):
    """`width` lines of out: the sum of A_k B_k over `count` ≥ 1 values of k, line times line; a, b = (first, stride of k)."""
    lanes = lanes_of(out)
    multiply_lines(A, a[0], B, b[0], out, 0, width)
    for k in range(1, count):
        fma_lines(A, (a[0] + k * a[1], lanes), B, (b[0] + k * b[1], lanes), out, (0, lanes), width)


@inlined
def errors_of_form(plan, at, jet, s, workspace):
    """z̄_i += 2 g″ ā_s sum_j Q_s[i, j] z_j (eq. 24), term by term of q_s, from g″ ā_s in workspace.products."""
    lanes = lanes_of(workspace.stack)
    panel, stack, delta, products = panel_sizes(plan, lanes), workspace.stack, workspace.delta, workspace.products
    for t in range(jet.coefficients.size):
        if jet.terms[t, 0] != s:
            continue
        i, j, c = 1 + jet.terms[t, 1], 1 + jet.terms[t, 2], jet.coefficients[t]
        z_i, z_j = i * panel.stack + at.gamma, j * panel.stack + at.gamma
        d_i, d_j = i * panel.deltas + at.delta, j * panel.deltas + at.delta
        if i == j:
            fma_scaled_lines(c + c, products, 0, stack, z_i, delta, d_i, at.width)
        else:
            fma_scaled_lines(c, products, 0, stack, z_j, delta, d_i, at.width)
            fma_scaled_lines(c, products, 0, stack, z_i, delta, d_j, at.width)
