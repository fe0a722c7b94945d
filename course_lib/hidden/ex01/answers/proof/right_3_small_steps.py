# more lines than needed: the slope before and after simplifying, the value at the best D in two steps
proof = [
    "sum(pi*p*log(D)) + sum((1-pi)*g*log(1-D))",
    "pi*p/D - (1-pi)*g/(1-D)   # the derivative at one x",
    "(pi*p - D*(pi*p + (1-pi)*g)) / (D*(1-D))",
    "pi*p / (pi*p + (1-pi)*g)  # where it is 0",
    "sum(pi*p*log(pi*p/(pi*p + (1-pi)*g)) + (1-pi)*g*log(1 - pi*p/(pi*p + (1-pi)*g)))",
    "sum(pi*p*(log(pi) + log(p/(pi*p + (1-pi)*g))) + (1-pi)*g*(log(1-pi) + log(g/(pi*p + (1-pi)*g))))",
    "pi*(log(pi) + KL(p, pi*p + (1-pi)*g)) + (1-pi)*(log(1-pi) + KL(g, pi*p + (1-pi)*g))",
    "(1-pi)*log(1-pi) + pi*log(pi)",
]
