"""How many numbers BigGAN trains at 128×128, part by part, by formula    Brock et al. 2019

Our reading of the paper's Appendix B: channel multiplier 96, z of 120 in six chunks of
20, a shared class embedding of 128, attention at 64×64. The paper's Table 1 gives G 70.4 million.
"""
from common import write

TABLES = {"biggan_parameters": ["network", "part"]}
CH, CLASSES, CHUNK, SHARED = 96, 1000, 20, 128


def convolution(n_in: int, n_out: int, kernel: int = 3) -> int:
    return n_in * n_out * kernel ** 2 + n_out


def attention(channels: int) -> int:
    """θ and φ with an eighth, g and o with half of the channels; no biases; γ."""
    return channels * (2 * (channels // 8) + 2 * (channels // 2)) + 1


def generator() -> dict[str, int]:
    sizes = [16 * CH, 16 * CH, 8 * CH, 4 * CH, 2 * CH, CH]
    steps = list(zip(sizes, sizes[1:]))
    return {
        "class embedding": CLASSES * SHARED,
        "first linear layer": (CHUNK + 1) * 4 * 4 * sizes[0],
        "convolutions": sum(convolution(a, b) + convolution(b, b) + convolution(a, b, 1)
                            for a, b in steps) + convolution(CH, 3),
        "conditional batch norm": sum(2 * (CHUNK + SHARED) * (a + b) for a, b in steps) + 2 * CH,
        "attention": attention(2 * CH)}


def discriminator() -> dict[str, int]:
    sizes = [3, CH, 2 * CH, 4 * CH, 8 * CH, 16 * CH, 16 * CH]
    steps = list(zip(sizes, sizes[1:]))
    shortcuts = sum(convolution(a, b, 1) for a, b in steps if a != b)
    return {
        "convolutions": sum(convolution(a, b) + convolution(b, b) for a, b in steps) + shortcuts,
        "attention": attention(CH),
        "last linear layer": sizes[-1] + 1,
        "class projection": CLASSES * sizes[-1]}


def rows() -> list[dict]:
    table = []
    for network, parts in (("G", generator()), ("D", discriminator())):
        parts = parts | {"all": sum(parts.values())}
        table += [{"network": network, "part": part, "parameters": n} for part, n in parts.items()]
    return table


if __name__ == "__main__":
    write("biggan_parameters", rows())
    for row in rows():
        print(f"{row['network']}  {row['part']:24} {row['parameters']:>12,}")
