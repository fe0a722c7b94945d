"""Models with a likelihood, exact or bounded, one paper a file."""
