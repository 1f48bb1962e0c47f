"""Rows of J = d r / d theta of residuals of jets: sum over the components of z̄^l_k ⊗ a^{l-1}_k, and z̄^l_0 for biases (eq. 25),
column by column with samples as the lanes, then transposed."""

from .compiled import inlined
from .jet_errors import gather_seeds, jet_errors
from .jet_workspace import components, jet_workspace_of
from .jets import derivative_products, fixed_components, jets_of_panel, scatter_jets, value_product
from .layout import line, panel_sizes, places, samples_in
from .linked import kernel
from .narrow import COLUMNS, Sink, append_lines, flush_if_full, transpose_columns
from .simd import dot_lines, lanes_of, paired_lines


@inlined
def panel_rows(plan, jet, workspace, sink, offset):
    """The rows of J of a panel, the first of them at `offset` of sink.flat."""
    lanes, K = lanes_of(workspace.stack), components(jet)
    panel, filled = panel_sizes(plan, lanes), 0
    for l in range(1, plan.shape[0]):
        at = places(plan, l, lanes)
        together = max(2, COLUMNS // at.before)  # neurons whose columns are made before they are transposed
        for p in range(0, at.width, together):
            count = min(together, at.width - p)
            paired_lines(workspace.delta, (line(at.delta, p, lanes), panel.deltas), workspace.stack, (at.a_below, panel.stack),
                         sink.columns, line(0, filled, lanes), (count, at.before, K))  # eq. 25
            filled, offset = flush_if_full(sink, filled + count * at.before, offset)
        filled, offset = append_lines(sink, filled, offset, workspace.delta, at.delta, at.width)  # eq. 25
    transpose_columns(sink, offset, filled)


@kernel
def jet_rows(theta, backward_weights, plan, jet, X, seeds, residuals, out, found, workspaces, span):
    """The rows of J of the panels of `span` into the first columns of out [m residuals, .], from the seeds [m, residuals K n]; the
    components of a^L besides into found [m, K n] where it has rows."""
    lanes = lanes_of(theta)
    first, stop, slot = span
    workspace = jet_workspace_of(workspaces[slot], plan, jet, lanes, residuals)
    fixed_components(theta, plan, jet, workspace)
    flat, size = out.reshape(-1), out.shape[1]
    for j in range(first, stop):
        sample, count = line(0, j, lanes), samples_in(j, lanes, X.shape[0])
        jets_of_panel(theta, plan, jet, X, sample, count, workspace, 1)
        if found.shape[0] > 0:
            scatter_jets(plan, jet, sample, count, workspace, found)
        gather_seeds(jet, seeds, sample, count, workspace)
        sink = Sink(workspace.columns, workspace.columns, flat, residuals * size, count)
        for e in range(residuals):
            jet_errors(backward_weights, plan, jet, e, workspace)
            panel_rows(plan, jet, workspace, sink, (sample * residuals + e) * size)


@kernel
def jet_products(theta, backward_weights, plan, jet, X, seeds, residuals, direction, out, workspaces, span):
    """J v of the panels of `span` into out [m, residuals] for v = `direction` [P]: the sum over layers and components of
    z̄^l_k · (V^l a^{l-1}_k), and of z̄^l_0 · v_b^l (eq. 25)."""
    lanes, K = lanes_of(theta), components(jet)
    panel = panel_sizes(plan, lanes)
    first, stop, slot = span
    workspace = jet_workspace_of(workspaces[slot], plan, jet, lanes, residuals)
    fixed_components(theta, plan, jet, workspace)
    stack, moved, totals = workspace.stack, workspace.moved, workspace.totals
    for j in range(first, stop):
        sample, count = line(0, j, lanes), samples_in(j, lanes, X.shape[0])
        jets_of_panel(theta, plan, jet, X, sample, count, workspace, 1)
        gather_seeds(jet, seeds, sample, count, workspace)
        for l in range(1, plan.shape[0]):
            at = places(plan, l, lanes)
            value_product(direction, at, stack, moved, at.delta)
            derivative_products(direction, at, K, stack, panel.stack, moved, panel.deltas + at.delta, panel.deltas)
        for e in range(residuals):
            jet_errors(backward_weights, plan, jet, e, workspace)
            totals[:lanes] = 0
            for d in range(0, K * panel.deltas, panel.deltas):
                dot_lines(workspace.delta, d, moved, d, totals, lanes, panel.deltas // lanes)  # eq. 25
                for s in range(lanes):
                    totals[s] += totals[lanes + s]
            for s in range(count):
                out[sample + s, e] = totals[s]
