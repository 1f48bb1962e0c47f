"""The least ratio that is wanted of ours, peer's time over our time, and the rows that the page shows besides."""

from .cases import JETS

NARROW, SQUARE = "ACF", "BDE"

# work, peer: by network; a dict where only some dtypes are wanted, or each its own ratio
WANTED = {
    ("dense", "limits, fill"): {"ABD": 0.95, "C": 0.7},
    ("dense", "limits, non-temporal fill"): {"BD": 0.75},
    ("dense_fresh", "limits, fill of fresh memory"): {"ABCD": 0.9},
    ("jacobian", "jax, a matrix"): {"ABD": 6.5, "C": 1.5},
    ("jacobian", "jax, a pytree"): {"ABD": 6.5, "C": 1.5},
    ("chains", "limits, peak"): {SQUARE: 0.7, NARROW: 0.45},
    ("chains_kept", "limits, peak"): {SQUARE: 0.7, NARROW: 0.45},
    ("chains_kept", "numpy, products alone"): {NARROW + SQUARE: 1.0},
    ("gradient", "jax"): {NARROW: {"float64": 1.5, "float32": 2.0}, "BD": 1.2, "E": 1.0},
    ("gram", "jax, jacrev"): {"A600": 60.0},
    ("gram", "numpy, F Fᵀ"): {"A600": 1.2},
    ("gram_other", "numpy, F Fᵀ"): {"A600": 0.9},
    ("epoch", "jax, scan, indices and keys"): {"digits": {"float32": 2.3}},
    ("epoch", "jax, scan, NumPy's order"): {"digits": {"float32": 2.0}},
    ("epoch", "sklearn"): {"digits": {"float32": 15.0}},
    ("fit", "jax, scan"): {"m 512": {"float32": 3.0}},
    ("fit_full", "jax, scan"): {f"m {m}": {"float32": 2.0} for m in (512, 2048, 10000)},
    ("fit_full", "engine, one thread"): {f"m {m}": {"float32": 0.91} for m in (512, 2048, 10000)},
    ("levenberg_marquardt", "torch_lm, QR"): {"sinc": {"float64": 5.0}},
    ("levenberg_marquardt", "torch_lm, Cholesky"): {"sinc": {"float64": 5.0}},
    ("levenberg_marquardt", "limits, peak"): {"sinc": {"float64": 0.33}},
    ("private", "opacus"): {"digits": {"float32": 5.0}},
    ("private", "engine, not private"): {"digits": {"float32": 0.667}},
    ("adam_step", "jax"): {"small": {"float32": 2.2}},
    ("adam_step", "limits, peak"): {"small": {"float32": 0.4}},
}
WANTED |= {("ggn_v", "jax"): {NARROW: 1.5, SQUARE: 1.0}, ("ggn_v", "curvlinops"): {NARROW + SQUARE: 4.0},
           ("ggn_v_last", "curvlinops"): {NARROW + SQUARE: 25.0},
           ("hessian_v", "jax"): {NARROW + SQUARE: 1.0}, ("ggn_diagonal", "backpack"): {"AD": 5.0, "BC": 4.0}}
WANTED |= {("gaussian_nll", peer): {"ABDE": 1.0} for peer in ("jax", "torch")}
WANTED |= {("kfac_solve", "curvlinops"): {"A": 2.0, "C": 10.0}}
WANTED |= {(work, "jax"): {NARROW: 1.5, SQUARE: 1.0} for work in ("jv", "jtu", "jv_kept", "jtu_kept")}
WANTED |= {(work, "backpack"): {"ABD": 8.0, "C": 5.0} for work in ("row_norms", "gradient_norms")}
WANTED |= {("gradient_moments", f"backpack, {way}"): {"ABC": 5.0} for way in ("Variance", "SumGradSquared")}
WANTED |= {("ggn_diagonals", "backpack"): {"ABC": 5.0}}
WANTED |= {(work, "jax, by hand"): {"ABCD": 1.5} for work in ("row_norms", "gradient_norms", "ggn_diagonal")}
WANTED |= {("sweep", f"jax, vmap, {orders}"): {network: {"float32": 3.0} for network in ("2-20-20-1", "64-64-32-10")}
           for orders in ("one order", "orders of their own")}
WANTED |= {("jet_dense", f"jax, {how}"): dict(zip(JETS, least)) for how, least in
           {"nested": (3.0, 12.0, 8.0, 20.0, 10.0), "by hand": (1.3, 2.5, 0.9, 8.0, 4.0)}.items()}

# rows without a goal; the first because the fill bounds both sides, kfac_solve on B and D because LAPACK's eigenvectors do
SHOWN = [(work, "jax, by hand") for work in ("gradient_moments", "ggn_diagonals")]
SHOWN += [("gradient_moments", "limits, peak"), ("ggn_diagonals", "limits, fill"), ("ggn_diagonals", "limits, non-temporal fill")]
SHOWN += [("jacobian", "jax, a pytree, donated"), ("gram", "jax, by hand, from factors"),
         ("gram_other", "jax, by hand, from factors"), ("fit", "jax, scan"), ("elementary", "numpy, g and γ"),
         ("elementary", "numpy, g alone"), ("bayesian_regularization", "engine, Levenberg–Marquardt"),
         ("private", "opacus, ghost clipping"), ("laplace_full", "laplace"), ("laplace_kron", "laplace"),
         ("gram", "neural_tangents"), ("ntk_time", "neural_tangents"), ("ntk_time", "jax, by hand"), ("gradient_gram", "torchjd"),
         ("gradient_gram", "jax, by hand"), ("residual_step", "jax, nested"), ("residual_step", "jax, by hand"),
         ("residual_step", "engine, geodesic=False")]

# milliseconds
AT_MOST = {"smallest_gradient": 0.030, "smallest_prediction": 0.010, "import": 800.0, "first Jacobian, warm cache": 1200.0,
           "first Jacobian, empty cache": 4000.0, "train digits, empty cache": 10000.0}


def wanted(work, network, dtype, peer):
    """The ratio, or None where nothing is promised."""
    if peer == "wanted":
        return 1.0
    if work in ("products", "products_kept"):
        width, alone = int(network.split()[1]), 1.0 if work == "products_kept" else None
        return {"numpy, products alone": alone, "limits, peak": 0.7 if width >= 64 else 0.45 if width >= 20 else None}.get(peer)
    for networks, ratio in WANTED.get((work, peer), {}).items():
        if network in networks if len(network) == 1 else network == networks:
            return ratio.get(dtype) if isinstance(ratio, dict) else ratio
    return None


def in_the_page(work, network, dtype, peer):
    """Whether docs/performance.md has the row."""
    return (work, peer) in SHOWN or wanted(work, network, dtype, peer) is not None


def in_the_page_of(work, network, dtype):
    """The peers that a piece of work has rows of."""
    peers = dict.fromkeys(peer for one, peer in [*WANTED, *SHOWN] if one == work)
    if work in ("products", "products_kept"):
        peers = ["numpy, products alone", "limits, peak"]
    return [peer for peer in peers if in_the_page(work, network, dtype, peer)]
