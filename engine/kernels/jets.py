"""Jets of the network in its inputs, by panels of samples: a, its first derivatives a_i along chosen axes and second ones
a_s = sum_ij Q_s[i, j] d²a / dx_i dx_j by symmetric forms Q_s, all layers forward (eq. 22 and 23).

The K components of a block of panels lie one after another, each as a panel's stack; of the first the lines of gamma hold gamma^l,
of every other z^l_k, the derivative of z^l.
"""

from .activations import activate
from .jet_workspace import JetPlan, JetWorkspace, components, jet_workspace_of
from .layout import FROM_BIAS, FROM_ZERO, STORED, line, lines_for, panel_sizes, places, weights
from .linked import kernel, shared
from .panels import gather, scatter
from .product import group_product, panel_product
from .second_derivatives import second_derivative
from .signatures import Line, Plan, Table
from .simd import copy_lines, fma, lanes_of, multiply_lines
from .third_derivatives import third_derivative

JET_BLOCK = 32  # samples whose components go through a layer together, and that are summed in order; a constant


@kernel
def jet_inputs(plan, jet, X, first, count, workspace):
    """a^0 of every component of samples first … first + count - 1: x, the unit vectors of the axes, and 0."""
    lanes = lanes_of(X)
    panel, panels, stack = panel_sizes(plan, lanes), lines_for(count, lanes), workspace.stack
    gather(X, jet.axes[:0], first, count, stack, 0, panel.stack)
    for v in range(panels, components(jet) * panels):
        stack[v * panel.stack:v * panel.stack + line(0, panel.n_0, lanes)] = 0
    for i in range(jet.axes.size):
        for v in range((i + 1) * panels, (i + 2) * panels):
            unit = line(v * panel.stack, jet.axes[i], lanes)
            stack[unit:unit + lanes] = 1


@kernel
def jet_layer(theta, plan, l, jet, panels, workspace, with_third):
    """z^l, a^l and what follows of them of every component (eq. 1 and 22)."""
    lanes = lanes_of(theta)
    at, panel, stack = places(plan, l, lanes), panel_sizes(plan, lanes), workspace.stack
    shape, group = (at.width, at.before, panels), panels * panel.stack
    panel_product(theta, weights(at), stack, (at.a_below, panel.stack), stack, (at.a, panel.stack), stack, (0, 0), shape,
                  (FROM_BIAS, STORED))  # eq. 1
    group_product(theta, weights(at), stack, (group + at.a_below, panel.stack, group), stack,
                  (group + at.gamma, panel.stack, group), stack, (0, 0, 0), (*shape, components(jet) - 1),
                  (FROM_ZERO, STORED))  # eq. 22: z_k = W a_k
    for j in range(panels):
        jet_activation(plan, at, jet, workspace, j, group, with_third)


@kernel
def jet_activation(plan, at, jet, workspace, j, group, with_third):
    """a = g(z), a_i = gamma z_i and a_s = g″ q_s + gamma z_s of panel j, q_s = sum_ij Q_s[i, j] z_i z_j (eq. 22)."""
    lanes = lanes_of(workspace.stack)
    panel, stack = panel_sizes(plan, lanes), workspace.stack
    start, d, count = j * panel.stack, j * panel.deltas + at.delta, line(0, at.width, lanes)
    z, second = stack[start + at.a:start + at.a + count], workspace.second[d:d + count]
    if components(jet) > 1:
        second_derivative(at.activation, z, second, at.parameters)
    if with_third != 0 and jet.forms > 0:
        third_derivative(at.activation, z, workspace.third[d:d + count], at.parameters)
    activate(at.activation, stack, start + at.a, stack, start + at.gamma, count, at.parameters)  # eq. 2 and 4
    for k in range(1, components(jet)):
        source = start + k * group
        multiply_lines(stack, start + at.gamma, stack, source + at.gamma, stack, source + at.a, at.width)  # eq. 22: gamma z_k
    if jet.forms > 0:
        form_squares(plan, at, jet, workspace, j, group)
    for s in range(jet.forms):
        top = start + (1 + jet.axes.size + s) * group + at.a
        a, squares = stack[top:top + count], form_lines(plan, jet, workspace, s, j, at)
        for x in range(count):
            a[x] = fma(second[x], squares[x], a[x])  # eq. 22: + g″ q_s


@kernel
def form_lines(plan, jet, workspace, s, j, at):
    """The lines of q_s of a layer in panel j."""
    lanes = lanes_of(workspace.squares)
    offset = (j * jet.forms + s) * panel_sizes(plan, lanes).deltas + at.delta
    return workspace.squares[offset:offset + line(0, at.width, lanes)]


@kernel
def form_squares(plan, at, jet, workspace, j, group):
    """q_s of every form (eq. 22)."""
    lanes = lanes_of(workspace.stack)
    start, count, stack = j * panel_sizes(plan, lanes).stack + at.gamma, line(0, at.width, lanes), workspace.stack
    for s in range(jet.forms):
        form_lines(plan, jet, workspace, s, j, at)[:] = 0
    for t in range(jet.coefficients.size):
        squares, c = form_lines(plan, jet, workspace, jet.terms[t, 0], j, at), jet.coefficients[t]
        first, other = start + (1 + jet.terms[t, 1]) * group, start + (1 + jet.terms[t, 2]) * group
        z_i, z_j = stack[first:first + count], stack[other:other + count]
        for x in range(count):
            squares[x] = fma(c * z_i[x], z_j[x], squares[x])


@shared
def jets_of_block(theta: Line, plan: Plan, jet: JetPlan, X: Table, first: int, count: int, workspace: JetWorkspace,
                  with_third: int):
    """All layers of samples first … first + count - 1; g‴ besides, for the pass back, where `with_third` is not 0."""
    jet_inputs(plan, jet, X, first, count, workspace)
    for l in range(1, plan.shape[0]):
        jet_layer(theta, plan, l, jet, lines_for(count, lanes_of(theta)), workspace, with_third)


@kernel
def jets(theta, plan, jet, X, out, workspaces, span):
    """The components of a^L of the blocks of `span` into out [m, K n], those of a sample one after another."""
    lanes = lanes_of(theta)
    panel, top = panel_sizes(plan, lanes), places(plan, plan.shape[0] - 1, lanes)
    first, stop, slot = span
    workspace = jet_workspace_of(workspaces[slot], plan, jet, JET_BLOCK, 1)
    for b in range(first, stop):
        sample, count = b * JET_BLOCK, min(JET_BLOCK, X.shape[0] - b * JET_BLOCK)
        panels = lines_for(count, lanes)
        jets_of_block(theta, plan, jet, X, sample, count, workspace, 0)
        for j in range(panels):
            for k in range(components(jet)):
                copy_lines(workspace.stack, (k * panels + j) * panel.stack + top.a, workspace.seeds,
                           line(0, (j * components(jet) + k) * panel.n, lanes), panel.n)
        scatter(workspace.seeds, 0, line(0, components(jet) * panel.n, lanes), sample, count, out)
