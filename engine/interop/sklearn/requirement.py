"""scikit-learn itself, or an error that says how to install it. Imported before anything that extends its classes."""

from ...extras import imported

SKLEARN = imported("sklearn", "engine.interop.sklearn")
