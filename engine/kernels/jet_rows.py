"""Rows of J = d r / d theta of residuals of jets: sum over the components of z̄^l_k ⊗ a^{l-1}_k, and z̄^l_0 for biases (eq. 25)."""

from .jet_errors import gather_seeds, jet_errors
from .jet_workspace import components, jet_workspace_of
from .jets import JET_BLOCK, jets_of_block
from .layout import FROM_BIAS, FROM_ZERO, STORED, line, lines_for, panel_sizes, places, samples_in, weights
from .linked import kernel, shared
from .outer_products import inputs_as_rows
from .product import group_product, panel_product, tile_heights
from .signatures import Line
from .simd import dot_lines, fma_lines, lanes_of, tile, transpose, write_columns


@shared
def lines_to_rows(source: Line, offset: int, count: int, out: Line, first: int, stride: int):
    """`count` lines of source as the first columns of as many rows of out as there are lanes, from `first` on, `stride` apart."""
    lanes = lanes_of(source)
    whole = count // lanes * lanes
    for q in range(0, whole, lanes):
        transpose(source, (line(offset, q, lanes), lanes), out, (first + q, stride))
    write_columns(source, offset, (whole, count), out, (first, stride))


@kernel
def by_samples(source, offset, stride, panels, K, width, out):
    """`width` lines of panel 0 of every component, `panels` panels apart, as out [K][lanes][width]."""
    lanes = lanes_of(source)
    size = line(0, width, lanes)
    for k in range(K):
        lines_to_rows(source, offset + k * panels * stride, width, out, k * size, width)


@kernel
def paired_rows(A, a, B, b, scratch, out, o, shape):
    """out[i, c] = sum over k of A_k[i] B_k[c] to o = (offset, row stride, column stride): a, b = (offset, component stride),
    shape = (rows, columns, K). Whole lines go to out itself where columns are neighbours there; the others pass through scratch."""
    lanes = lanes_of(out)
    rows, columns, K = shape
    lines = lines_for(columns, lanes)
    full = columns // lanes if o[2] == 1 else 0
    tiles, small, higher = tile_heights(rows)
    i = 0
    for t in range(tiles):
        height = small + 1 if t < higher else small
        row = (a[0] + i, 1, a[1], 0, 0)
        if full > 0:
            tile(height, A, row, B, (b[0], b[1], lanes), out, (o[0] + i * o[1], o[1], lanes), out, (0, 0, 0), (K, 1, full),
                 (FROM_ZERO, STORED))  # eq. 25
        if full < lines:
            stride = line(0, lines - full, lanes)
            tile(height, A, row, B, (line(b[0], full, lanes), b[1], lanes), scratch, (0, stride, lanes), scratch, (0, 0, 0),
                 (K, 1, lines - full), (FROM_ZERO, STORED))  # eq. 25
            for r in range(height):
                first = r * stride - line(0, full, lanes)
                for c in range(line(0, full, lanes), columns):
                    out[o[0] + (i + r) * o[1] + c * o[2]] = scratch[first + c]
        i += height


@kernel
def few_inputs(plan, jet, panels, lanes):
    """Whether layer 1 has inputs too few for tiles: scratch has a line for each of `lanes` neurons and so many inputs."""
    return places(plan, 1, lanes).before <= min(lanes, components(jet) * panels)


@kernel
def first_layer_rows(plan, K, panels, workspace, j, out, o):
    """Layer 1 in the rows of J of a whole panel j, a line of samples for each weight, `lanes` neurons at a time; o = (offset,
    stride) of the rows in out."""
    lanes = lanes_of(out)
    at, panel, scratch = places(plan, 1, lanes), panel_sizes(plan, lanes), workspace.scratch
    stack, delta = j * panel.stack + at.a_below, j * panel.deltas + at.delta
    for p in range(0, at.width, lanes):
        count = min(lanes, at.width - p)
        size = count * at.before
        scratch[:line(0, size, lanes)] = 0
        for k in range(K):
            a, z = stack + k * panels * panel.stack, line(delta + k * panels * panel.deltas, p, lanes)
            for q in range(at.before):
                fma_lines(workspace.delta, (z, lanes), workspace.stack, (line(a, q, lanes), 0), scratch,
                          (line(0, q, lanes), line(0, at.before, lanes)), count)  # eq. 25
        lines_to_rows(scratch, 0, size, out, o[0] + at.weight + p * at.before, o[1])
    lines_to_rows(workspace.delta, delta, at.width, out, o[0] + at.bias, o[1])  # eq. 25


@kernel
def sample_row(plan, workspace, s, K, out, offset, begin):
    """The row of J of sample s of the panel that lies in workspace.inputs and workspace.errors, layers from `begin` on, to out from
    `offset` on."""
    lanes = lanes_of(out)
    inputs, outputs = places(plan, plan.shape[0] - 1, 1).a, panel_sizes(plan, 1).deltas
    for l in range(begin, plan.shape[0]):
        at = places(plan, l, 1)
        a = (s * inputs + at.a_below, line(0, inputs, lanes))
        z = (s * outputs + at.delta, line(0, outputs, lanes))
        if inputs_as_rows(plan, l, lanes):
            paired_rows(workspace.inputs, a, workspace.errors, z, workspace.scratch, out, (offset + at.weight, 1, at.before),
                        (at.before, at.width, K))
        else:
            paired_rows(workspace.errors, z, workspace.inputs, a, workspace.scratch, out, (offset + at.weight, at.before, 1),
                        (at.width, at.before, K))
        for p in range(at.width):
            out[offset + at.bias + p] = workspace.errors[z[0] + p]  # eq. 25


@kernel
def jet_rows(theta, backward_weights, plan, jet, X, seeds, residuals, out, workspaces, span):
    """The rows of J of the blocks of `span` into the first columns of out [m residuals, .], from the seeds [m, residuals K n]."""
    lanes, K = lanes_of(theta), components(jet)
    panel, inputs = panel_sizes(plan, lanes), places(plan, plan.shape[0] - 1, 1).a
    first, stop, slot = span
    workspace = jet_workspace_of(workspaces[slot], plan, jet, JET_BLOCK, residuals)
    flat = out.reshape(-1)
    for b in range(first, stop):
        sample, count = b * JET_BLOCK, min(JET_BLOCK, X.shape[0] - b * JET_BLOCK)
        panels = lines_for(count, lanes)
        jets_of_block(theta, plan, jet, X, sample, count, workspace, 1)
        gather_seeds(jet, seeds, sample, count, workspace)
        for e in range(residuals):
            jet_errors(backward_weights, plan, jet, e, residuals, panels, workspace)
            for j in range(panels):
                by_samples(workspace.stack, j * panel.stack, panel.stack, panels, K, inputs, workspace.inputs)
                by_samples(workspace.delta, j * panel.deltas, panel.deltas, panels, K, panel.deltas // lanes, workspace.errors)
                samples, begin = samples_in(j, lanes, count), 1
                if samples == lanes and few_inputs(plan, jet, panels, lanes):
                    row, begin = line(sample, j, lanes) * residuals + e, 2
                    first_layer_rows(plan, K, panels, workspace, j, flat, (row * out.shape[1], residuals * out.shape[1]))
                for s in range(samples):
                    row = (line(sample + s, j, lanes)) * residuals + e
                    sample_row(plan, workspace, s, K, flat, row * out.shape[1], begin)


@kernel
def moved_inputs(direction, plan, jet, panels, workspace):
    """V^l a^{l-1}_k of every layer and component, and v_b^l besides for the value, V^l and v_b^l the parts of `direction` [P]."""
    lanes = lanes_of(direction)
    panel, stack, moved = panel_sizes(plan, lanes), workspace.stack, workspace.moved
    group = panels * panel.deltas
    for l in range(1, plan.shape[0]):
        at = places(plan, l, lanes)
        panel_product(direction, weights(at), stack, (at.a_below, panel.stack), moved, (at.delta, panel.deltas), moved, (0, 0),
                      (at.width, at.before, panels), (FROM_BIAS, STORED))
        group_product(direction, weights(at), stack, (panels * panel.stack + at.a_below, panel.stack, panels * panel.stack), moved,
                      (group + at.delta, panel.deltas, group), moved, (0, 0, 0),
                      (at.width, at.before, panels, components(jet) - 1), (FROM_ZERO, STORED))


@kernel
def jet_products(theta, backward_weights, plan, jet, X, seeds, residuals, direction, out, workspaces, span):
    """J v of the blocks of `span` into out [m, residuals] for v = `direction` [P]: the sum over layers and components of
    z̄^l_k · (V^l a^{l-1}_k), and of z̄^l_0 · v_b^l (eq. 25)."""
    lanes, K = lanes_of(theta), components(jet)
    panel = panel_sizes(plan, lanes)
    first, stop, slot = span
    workspace = jet_workspace_of(workspaces[slot], plan, jet, JET_BLOCK, residuals)
    totals = workspace.totals
    for b in range(first, stop):
        sample, count = b * JET_BLOCK, min(JET_BLOCK, X.shape[0] - b * JET_BLOCK)
        panels = lines_for(count, lanes)
        jets_of_block(theta, plan, jet, X, sample, count, workspace, 1)
        gather_seeds(jet, seeds, sample, count, workspace)
        moved_inputs(direction, plan, jet, panels, workspace)
        for e in range(residuals):
            jet_errors(backward_weights, plan, jet, e, residuals, panels, workspace)
            for j in range(panels):
                totals[:lanes] = 0
                for k in range(K):
                    d = (k * panels + j) * panel.deltas
                    dot_lines(workspace.delta, d, workspace.moved, d, totals, lanes, panel.deltas // lanes)  # eq. 25
                    for s in range(lanes):
                        totals[s] += totals[lanes + s]
                for s in range(samples_in(j, lanes, count)):
                    out[line(sample + s, j, lanes), e] = totals[s]
