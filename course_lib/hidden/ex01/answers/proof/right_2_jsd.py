# the divergences as JSD with a prior, two sums, everything over a common denominator, typed signs
proof = [
    "= π·sum(p·log(D)) + (1−π)·sum(g·log(1−D))",
    "(pi*p*(1-D) - (1-pi)*g*D) / (D*(1-D))",
    "1/(1 + (1-pi)*g/(pi*p))",
    "-pi*sum(p*log(1 + (1-pi)*g/(pi*p))) - (1-pi)*sum(g*log(1 + pi*p/((1-pi)*g)))",
    "JSD(p, g, pi) + pi*log(pi) + (1-pi)*log(1-pi)",
    "log(1-pi) + pi*log(pi/(1-pi))",
]
