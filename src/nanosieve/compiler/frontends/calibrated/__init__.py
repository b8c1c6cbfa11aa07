"""Quantisation after training: the builder that the front ends of float models share."""
