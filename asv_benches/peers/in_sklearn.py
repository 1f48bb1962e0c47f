"""scikit-learn."""

import warnings

import numpy as np
from sklearn.neural_network import MLPClassifier

from .cases import BATCH, RATE, STEPS, Work, tree_numbers


class Peer:
    """An epoch of MLPClassifier, with neither momentum nor weight decay."""

    def __init__(self, case):
        self.case = case
        warnings.simplefilter("ignore")

    def _model(self, epochs, shuffle):
        model = MLPClassifier(self.case.widths[1:-1], activation="tanh", solver="sgd", alpha=0.0, batch_size=BATCH,
                              learning_rate_init=RATE, momentum=0.0, max_iter=epochs, tol=0.0, n_iter_no_change=10**6,
                              shuffle=shuffle, random_state=0, warm_start=True)
        model.partial_fit(self.case.X, self.case.classes, classes=np.arange(self.case.outputs))
        weights, biases = self.case.layers()
        model.coefs_, model.intercepts_ = [W.T.copy() for W in weights], [b.copy() for b in biases]
        return model

    def epoch(self):
        X, classes = self.case.X, self.case.classes
        model = self._model(STEPS, True)

        def check():
            once = self._model(1, False).partial_fit(X, classes)
            return [W.T for W in once.coefs_], once.intercepts_
        return Work(lambda: model.fit(X, classes), tree_numbers, STEPS, check)
