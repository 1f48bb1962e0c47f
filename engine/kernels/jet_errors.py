"""z̄^l_k, the derivative of a residual in z^l_k, from its derivatives in the components of a^L down to layer 1 (eq. 24)."""

from .deltas import clear_lanes
from .jet_workspace import JetPlan, JetWorkspace, components
from .jets import form_lines
from .layout import FROM_ZERO, STORED, line, lines_for, panel_sizes, places
from .linked import kernel, shared
from .panels import gather
from .product import group_product
from .signatures import Line, Plan
from .simd import copy_lines, fma, lanes_of, multiply_lines
from .transposed import weights_back


@kernel
def gather_seeds(jet, seeds, first, count, workspace):
    """The seeds [m, q K n] of `count` samples into workspace.seeds; lanes without a sample get zeros."""
    lanes = lanes_of(seeds)
    width, panels = seeds.shape[1], lines_for(count, lanes)
    gather(seeds, jet.axes[:0], first, count, workspace.seeds, 0, line(0, width, lanes))
    clear_lanes(workspace.seeds, line(0, (panels - 1) * width, lanes), width, count)


@shared
def jet_errors(backward_weights: Line, plan: Plan, jet: JetPlan, residual: int, residuals: int, panels: int,
               workspace: JetWorkspace):
    """z̄^l of every component for one of `residuals` residuals, from its seeds in workspace.seeds."""
    lanes = lanes_of(backward_weights)
    panel, K, delta = panel_sizes(plan, lanes), components(jet), workspace.delta
    group = panels * panel.deltas
    for j in range(panels):
        for k in range(K):
            copy_lines(workspace.seeds, line(0, ((j * residuals + residual) * K + k) * panel.n, lanes), delta,
                       k * group + j * panel.deltas + panel.chain, panel.n)
    for l in range(panel.depth, 0, -1):
        at = places(plan, l, lanes)
        for j in range(panels):
            errors_of_activation(plan, at, jet, workspace, j, panels)
        if l > 1:
            group_product(backward_weights, weights_back(plan, l), delta, (at.delta, panel.deltas, group), delta,
                          (at.delta_below, panel.deltas, group), workspace.stack, (0, 0, 0), (at.before, at.width, panels, K),
                          (FROM_ZERO, STORED))  # eq. 24: ā^{l-1}_k = Wᵀ z̄_k


@kernel
def errors_of_activation(plan, at, jet, workspace, j, panels):
    """z̄ of a layer in place of ā, in panel j of every component (eq. 24)."""
    lanes = lanes_of(workspace.stack)
    panel = panel_sizes(plan, lanes)
    count, axes, start, d = line(0, at.width, lanes), jet.axes.size, j * panel.stack + at.gamma, j * panel.deltas + at.delta
    stack_group, group = panels * panel.stack, panels * panel.deltas
    second, third, value = workspace.second[d:d + count], workspace.third[d:d + count], workspace.delta[d:d + count]
    multiply_lines(workspace.delta, d, workspace.stack, start, workspace.delta, d, at.width)  # eq. 24: gamma ā
    for k in range(1, components(jet)):
        a, z = workspace.delta[k * group + d:k * group + d + count], workspace.stack[start + k * stack_group:]
        for x in range(count):
            value[x] = fma(second[x] * z[x], a[x], value[x])  # eq. 24: + g″ z_k ā_k
    for s in range(jet.forms):
        top = (1 + axes + s) * group + d
        a, squares = workspace.delta[top:top + count], form_lines(plan, jet, workspace, s, j, at)
        for x in range(count):
            value[x] = fma(third[x] * squares[x], a[x], value[x])  # eq. 24: + g‴ q_s ā_s
    for k in range(1, 1 + axes):
        multiply_lines(workspace.delta, k * group + d, workspace.stack, start, workspace.delta, k * group + d, at.width)
    for t in range(jet.coefficients.size):
        errors_of_term(jet, t, workspace, (d, group, axes), (start, stack_group), count)
    for k in range(1 + axes, components(jet)):
        multiply_lines(workspace.delta, k * group + d, workspace.stack, start, workspace.delta, k * group + d, at.width)


@kernel
def errors_of_term(jet, t, workspace, delta, stack, count):
    """z̄_i += c z_j g″ ā_s and z̄_j += c z_i g″ ā_s for a term c z_i z_j of q_s (eq. 24); delta = (offset, component stride, axes),
    stack = (offset of z, component stride)."""
    s, i, j = jet.terms[t, 0], 1 + jet.terms[t, 1], 1 + jet.terms[t, 2]
    d, group, axes = delta
    second = workspace.second[d:d + count]
    a_s = workspace.delta[(1 + axes + s) * group + d:]
    a_i, a_j = workspace.delta[i * group + d:], workspace.delta[j * group + d:]
    z_i, z_j = workspace.stack[stack[0] + i * stack[1]:], workspace.stack[stack[0] + j * stack[1]:]
    for x in range(count):
        factor = jet.coefficients[t] * second[x] * a_s[x]
        if i == j:
            a_i[x] = fma(factor + factor, z_i[x], a_i[x])
        else:
            a_i[x] = fma(factor, z_j[x], a_i[x])
            a_j[x] = fma(factor, z_i[x], a_j[x])
