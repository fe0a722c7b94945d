"""Facts that the checks of several exercises share: seeded draws, slopes by central differences, Gaussian chains."""
