"""The tables of ratios: written into pages, read again for the picture, and only what the page shows is run for it."""

import pytest

from asv_benches.peers import cases, picture, table, wanted


def row(work, network, dtype, peer, ratio, ours=2e-3, threads=None):
    return table.Row(work, network, dtype, threads, peer, ours, ours * ratio, ratio, True)


ROWS = [row("jacobian", "A", "float64", "jax, a pytree", 12.24), row("jacobian", "A", "float32", "jax, a pytree", 6.11),
        row("jacobian", "B", "float64", "jax, a pytree", 7.5), row("gradient", "A", "float64", "jax", 1.72),
        row("row_norms", "C", "float64", "jax, by hand", 1.61), row("row_norms", "C", "float32", "jax, by hand", 1.2),
        row("products_kept", "width 4", "float64", "numpy, products alone", 1.5, threads=1),
        row("fit", "m 512", "float64", "jax, scan", 2.5), row("fit", "m 512", "float32", "jax, scan", 3.5, ours=5e-5),
        row("fit_full", "m 2048", "float32", "jax, scan", 1.5), row("fit_full", "m 2048", "float32", "engine, one thread", 1.0),
        row("sweep", "2-20-20-1", "float32", "jax, vmap, one order", 4.0),
        row("elementary", "sin", "float32", "numpy, g alone", 0.3, ours=2.1e-9), row("import", "", "", "wanted", 1.1, ours=0.7)]


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "page.md"
    table.write(path, ROWS)
    return path


def test_the_whole_table(page):
    lines = page.read_text().splitlines()
    assert "| forward pass and dense J | jax, a pytree | 12.2 / *6.11* | 7.50 / – |  |  |  |  |" in lines
    assert "| norms of every row of J | jax, by hand |  |  | 1.61 / *1.20* |  |  |  |" in lines
    assert f"| {cases.WORK['fit'][0]} | 2.00 ms / 50.0 µs | jax, scan | 5.00 ms / 175 µs | 2.50 / 3.50 |" in lines
    assert f"| {cases.WORK['fit_full'][0]}, m 2048, float32 | 2.00 ms | jax, scan | 3.00 ms | *1.50* |" in lines
    assert "|  |  | engine, one thread | 2.00 ms | 1.00 |" in lines
    assert f"| {cases.WORK['elementary'][0]}, sin, float32 | 2.10 ns | numpy, g alone | 0.63 ns | 0.30 |" in lines
    assert "| import | 700 ms | at most | 770 ms | 1.10 |" in lines


def test_five_rows_between_their_markers(tmp_path):
    path = tmp_path / "README.md"
    begin, end = (mark.format("peers-five") for mark in table.MARKS)
    path.write_text(f"before\n{begin}\nold\n{end}\nafter\n")
    for _ in range(2):
        table.write(path, ROWS)
    lines = path.read_text().splitlines()
    assert lines[:2] == ["before", begin] and lines[-2:] == [end, "after"] and len(lines) == 11
    assert lines[4] == "| forward pass and dense J, 17970 × 6570 | JAX, jitted, by hand | 12.2 | 6.11 |"
    assert lines[7] == "| the cost and its gradient | JAX, jitted | 1.72 | – |"


def test_the_picture_reads_the_tables(page):
    found = picture.ratios(table.read(page))
    assert found["jacobian", "jax, a pytree"] == [[12.2, 6.11], [7.5, None]]
    assert found["fit", "jax, scan"] == [[2.5, 3.5]] and found["sweep", "jax, vmap, one order"] == [[None, 4.0]]
    assert found["row_norms", "jax, by hand"] == [[1.61, 1.2]]
    assert ("fit_full", "jax, scan") not in found


def test_what_is_drawn_and_what_the_readme_has_is_in_the_page():
    kinds = [(work, network, peer) for work, peer, _ in picture.DRAWN for network in cases.WORK[work][1][:1]]
    for work, network, peer in [*kinds, *table.FIVE]:
        assert network in cases.WORK[work][1] and wanted.in_the_page(work, network, "float32", peer), (work, network, peer)


def test_every_goal_is_of_a_work_and_a_network():
    for (work, _), networks in wanted.WANTED.items():
        for network in networks:
            assert set([network] if network in cases.NETWORKS else network) <= set(cases.WORK[work][1]), (work, network)
    assert {work for work, _ in wanted.SHOWN} <= set(cases.WORK)


def test_retired_goals_stay_retired():
    assert wanted.wanted("chains", "A", "float64", "numpy, products alone") is None
    assert wanted.wanted("jacobian", "A", "float64", "jax, a pytree, donated") is None
    assert wanted.in_the_page_of("products", "width 64", "float64") == ["limits, peak"]
    assert wanted.in_the_page_of("forward", "A", "float64") == []


def test_multiply_adds_of_a_damped_step():
    """Against the pairs of entries of Jᵀ J whose sums over samples are products of a pair of neurons and a pair of inputs."""
    case = cases.Case((1, 2, 1), 3, "float64")
    first, last, between = 3 * 3, 1 * 6, 2 * 2 * 1 * 3
    assert case.multiply_adds("levenberg_marquardt") == 3 * (first + last + between + 0 + 3 * 4) + 7**3 // 6 + 7**2
