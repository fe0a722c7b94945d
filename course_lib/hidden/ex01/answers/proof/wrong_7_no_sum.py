# writes the value at the best D for one x, without the sum over x
proof = [
    "sum(pi*p*log(D) + (1-pi)*g*log(1-D))",
    "pi*p/D - (1-pi)*g/(1-D)",
    "pi*p / (pi*p + (1-pi)*g)",
    "pi*p*log(pi*p/(pi*p + (1-pi)*g)) + (1-pi)*g*log((1-pi)*g/(pi*p + (1-pi)*g))",
    "pi*KL(p, pi*p + (1-pi)*g) + (1-pi)*KL(g, pi*p + (1-pi)*g) + pi*log(pi) + (1-pi)*log(1-pi)",
    "pi*log(pi) + (1-pi)*log(1-pi)",
]
