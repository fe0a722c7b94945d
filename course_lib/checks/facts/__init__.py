"""Facts that the checks of several exercises share; none of them holds what an exercise asks for.

draws: seeded inputs · slopes: central differences · chains: Gaussian chains · callbacks: what an
answer asks the functions that it is given · same: an answer against a definition.
"""
