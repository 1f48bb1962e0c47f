"""What Laplace's approximation is made of: likelihood, prior, posteriors of several structures, and the evidence."""
