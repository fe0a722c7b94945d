# exact fractions, floor by math.floor
def sub_sequence(T, S, power):
    from fractions import Fraction
    if S < 1 or S > T:
        raise ValueError("S must lie in 1 … T")
    return torch.tensor([max(i, math.floor(T * Fraction(i, S) ** power)) for i in range(1, S + 1)])
