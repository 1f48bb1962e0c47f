"""scikit-learn: `DenseClassifier` and `DenseRegressor`, estimators whose networks this engine trains; and `from_sklearn`, which
brings in a fitted MLP or a pipeline that ends in one."""

from . import requirement
from .classifier import DenseClassifier
from .mlps import from_sklearn
from .regressor import DenseRegressor

__all__ = ["DenseClassifier", "DenseRegressor", "from_sklearn"]
del requirement
