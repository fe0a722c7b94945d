"""Diffusion models, one paper a file."""
