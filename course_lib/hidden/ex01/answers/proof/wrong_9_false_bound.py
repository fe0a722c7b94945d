# claims a bound that ordinary tables keep, but not those where p and g have nothing in common
proof = [
    "sum(pi*p*log(D) + (1-pi)*g*log(1-D))",
    "pi*p/D - (1-pi)*g/(1-D)",
    "pi*p / (pi*p + (1-pi)*g)",
    "sum(pi*p*log(pi*p/(pi*p + (1-pi)*g)) + (1-pi)*g*log((1-pi)*g/(pi*p + (1-pi)*g)))",
    "JSD(p, g, pi) + pi*log(pi) + (1-pi)*log(1-pi)",
    "<= pi*log(pi) + (1-pi)*log(1-pi) + 0.4",
    ">= pi*log(pi) + (1-pi)*log(1-pi)",
]
