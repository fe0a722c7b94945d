# compares p and g with (p + g)/2 where the mixture π p + (1−π) g belongs
proof = [
    "sum(pi*p*log(D) + (1-pi)*g*log(1-D))",
    "pi*p/D - (1-pi)*g/(1-D)",
    "pi*p / (pi*p + (1-pi)*g)",
    "sum(pi*p*log(pi*p/(pi*p + (1-pi)*g)) + (1-pi)*g*log((1-pi)*g/(pi*p + (1-pi)*g)))",
    "pi*KL(p, (p+g)/2) + (1-pi)*KL(g, (p+g)/2) + pi*log(pi) + (1-pi)*log(1-pi)",
    "pi*log(pi) + (1-pi)*log(1-pi)",
]
