"""Jets of the network in its inputs, panel by panel: a, its first derivatives a_i along chosen axes and second ones
a_s = sum_ij Q_s[i, j] d²a / dx_i dx_j by symmetric forms Q_s, all layers forward (eq. 22 and 23).

The K components of a panel lie one after another, each as a panel's stack; of the first the lines of gamma hold gamma^l, of every
other z^l_k, the derivative of z^l. A panel with its components stays in the first-level cache where layers are narrow.
"""

from .activations import ActivationCode, activate
from .compiled import inlined
from .higher_derivatives import follow_from_slope, higher_derivatives
from .jet_workspace import JetPlan, JetWorkspace, components, jet_workspace_of
from .layout import FROM_BIAS, FROM_ZERO, STORED, line, panel_sizes, places, samples_in, weights
from .linked import kernel, shared
from .panels import gather, scatter
from .product import panel_product
from .second_derivatives import second_derivative
from .signatures import Line, Plan, Table
from .simd import copy_lines, fma_lines, fma_scaled_lines, lanes_of, multiply_lines
from .third_derivatives import third_derivative

IDENTITY = int(ActivationCode.IDENTITY)


@kernel
def fixed_components(theta, plan, jet, workspace):
    """What no sample changes: a^0 of every component but the first, which are the unit vectors of the axes, and 0; and of layer 1
    z_k = W a^0_k, and q_s (eq. 22)."""
    lanes, stack = lanes_of(theta), workspace.stack
    at, panel, K = places(plan, 1, lanes), panel_sizes(plan, lanes), components(jet)
    for k in range(1, K):
        stack[k * panel.stack:k * panel.stack + line(0, panel.n_0, lanes)] = 0
    for i in range(jet.axes.size):
        unit = line((i + 1) * panel.stack, jet.axes[i], lanes)
        stack[unit:unit + lanes] = 1
    derivative_products(theta, at, K, stack, panel.stack, stack, panel.stack + z_offset(at), panel.stack)
    if at.activation != IDENTITY:
        form_squares(plan, at, jet, workspace)


@inlined
def value_product(matrix, at, stack, out, offset):
    """W a^{l-1} + b of the value, W and b where layer l has them in `matrix` [P]."""
    panel_product(matrix, weights(at), stack, (at.a_below, 0), out, (offset, 0), out, (0, 0), (at.width, at.before, 1),
                  (FROM_BIAS, STORED))


@inlined
def derivative_products(matrix, at, K, stack, stride, out, offset, out_stride):
    """W a^{l-1}_k of every component but the value, W where layer l has it in `matrix` [P]."""
    panel_product(matrix, weights(at), stack, (stride + at.a_below, stride), out, (offset, out_stride), out, (0, 0),
                  (at.width, at.before, K - 1), (FROM_ZERO, STORED))


@inlined
def z_offset(at):
    """Where z^l_k of a derivative begins in its stack: with a^l_k, which is the same, where g is the identity."""
    return at.a if at.activation == IDENTITY else at.gamma


@inlined
def jet_layer(theta, plan, l, jet, workspace, with_third):
    """z^l, a^l and what follows of them of every component (eq. 1 and 22)."""
    lanes, K, stack = lanes_of(theta), components(jet), workspace.stack
    at, stride = places(plan, l, lanes), panel_sizes(plan, lanes).stack
    value_product(theta, at, stack, stack, at.a)  # eq. 1
    if l > 1:
        derivative_products(theta, at, K, stack, stride, stack, stride + z_offset(at), stride)  # eq. 22: z_k = W a_k
    if at.activation == IDENTITY:
        return
    jet_activation(at, jet, workspace, with_third)
    for k in range(1, K):
        multiply_lines(stack, at.gamma, stack, k * stride + at.gamma, stack, k * stride + at.a, at.width)  # eq. 22: gamma z_k
    if l > 1:
        form_squares(plan, at, jet, workspace)
    for s in range(jet.forms):
        fma_lines(workspace.second, (at.delta, lanes), workspace.squares, (form_offset(plan, s, at, lanes), lanes), stack,
                  ((1 + jet.axes.size + s) * stride + at.a, lanes), at.width)  # eq. 22: + g″ q_s


@inlined
def jet_activation(at, jet, workspace, with_third):
    """a = g(z) and gamma (eq. 2 and 4); g″ where there are derivatives, and g‴ of second ones where it is wanted."""
    stack, count = workspace.stack, line(0, at.width, lanes_of(workspace.stack))
    second, third = workspace.second[at.delta:at.delta + count], workspace.third[at.delta:at.delta + count]
    follow = follow_from_slope(at.activation)
    if not follow and components(jet) > 1:
        z = stack[at.a:at.a + count]
        second_derivative(at.activation, z, second, at.parameters)
        if with_third != 0 and jet.forms > 0:
            third_derivative(at.activation, z, third, at.parameters)
    activate(at.activation, stack, at.a, stack, at.gamma, count, at.parameters)  # eq. 2 and 4
    if follow and components(jet) > 1:
        higher_derivatives(at.activation, stack[at.a:at.a + count], stack[at.gamma:at.gamma + count], second, third)


@inlined
def form_offset(plan, s, at, lanes):
    """Where q_s of a layer begins in workspace.squares."""
    return s * panel_sizes(plan, lanes).deltas + at.delta


@inlined
def form_squares(plan, at, jet, workspace):
    """q_s = sum_ij Q_s[i, j] z_i z_j of every form (eq. 22)."""
    lanes, stack, squares = lanes_of(workspace.stack), workspace.stack, workspace.squares
    stride, count = panel_sizes(plan, lanes).stack, line(0, at.width, lanes)
    for s in range(jet.forms):
        q = form_offset(plan, s, at, lanes)
        squares[q:q + count] = 0
    for t in range(jet.coefficients.size):
        q = form_offset(plan, jet.terms[t, 0], at, lanes)
        z_i, z_j = (1 + jet.terms[t, 1]) * stride + at.gamma, (1 + jet.terms[t, 2]) * stride + at.gamma
        fma_scaled_lines(jet.coefficients[t], stack, z_i, stack, z_j, squares, q, at.width)


@shared
def jets_of_panel(theta: Line, plan: Plan, jet: JetPlan, X: Table, first: int, count: int, workspace: JetWorkspace,
                  with_third: int):
    """All layers of samples first … first + count - 1, those of a panel whose fixed components are there; g‴ besides, for the pass
    back, where `with_third` is not 0."""
    gather(X, jet.axes[:0], first, count, workspace.stack, 0, 0)
    for l in range(1, plan.shape[0]):
        jet_layer(theta, plan, l, jet, workspace, with_third)


@inlined
def scatter_jets(plan, jet, sample, count, workspace, out):
    """The components of a^L of a panel's `count` samples into the rows of out [m, K n] from `sample` on, by way of
    workspace.seeds."""
    lanes = lanes_of(out)
    panel, top = panel_sizes(plan, lanes), places(plan, plan.shape[0] - 1, lanes)
    for k in range(components(jet)):
        copy_lines(workspace.stack, k * panel.stack + top.a, workspace.seeds, line(0, k * panel.n, lanes), panel.n)
    scatter(workspace.seeds, 0, 0, sample, count, out)


@kernel
def jets(theta, plan, jet, X, out, workspaces, span):
    """The components of a^L of the panels of `span` into out [m, K n], those of a sample one after another."""
    lanes = lanes_of(theta)
    first, stop, slot = span
    workspace = jet_workspace_of(workspaces[slot], plan, jet, lanes, 1)
    fixed_components(theta, plan, jet, workspace)
    for j in range(first, stop):
        sample, count = line(0, j, lanes), samples_in(j, lanes, X.shape[0])
        jets_of_panel(theta, plan, jet, X, sample, count, workspace, 0)
        scatter_jets(plan, jet, sample, count, workspace, out)
