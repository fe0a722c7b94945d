"""A survey's table of 21 generative models in five families, on CIFAR-10: Bond-Taylor et al. 2021,
"Deep Generative Modelling: A Comparative Review", Table 1."""
from typing import NamedTuple

FAMILIES = {"gan": "Generative adversarial networks", "ebm": "Energy-based models",
            "vae": "Variational autoencoders", "ar": "Autoregressive models",
            "flow": "Normalizing flows"}


class Surveyed(NamedTuple):
    """A row of the survey's table    Bond-Taylor et al. 2021, Table 1

    family: a key of FAMILIES; jacobian: "✓" where the network's Jacobian is free of form; density:
    "✓" exact, "(✓)" a bound or an estimate, "✗" none; fid, nll (bits a dimension), as printed, on
    CIFAR-10; note: what to know before comparing them.
    """

    name: str
    family: str
    jacobian: str
    density: str
    fid: str = "–"
    nll: str = "–"
    note: str = ""


CLASSES = "told the class"
SURVEY = (
    Surveyed("DCGAN", "gan", "✓", "✗", "37.11"),
    Surveyed("ProGAN", "gan", "✓", "✗", "15.52"),
    Surveyed("BigGAN", "gan", "✓", "✗", "14.73", note=CLASSES),
    Surveyed("StyleGAN2 + ADA", "gan", "✓", "✗", "2.42", note=CLASSES),
    Surveyed("IGEBM", "ebm", "✓", "✗", "37.9", note=CLASSES),
    Surveyed("Denoising Diffusion", "ebm", "✓", "(✓)", "3.17", "≤ 3.75"),
    Surveyed("DDPM++ Continuous", "ebm", "✓", "(✓)", "2.20",
             note="2.20 is NCSN++'s, deep, of the variance-exploding SDE; DDPM++, deep, has 2.41 "
                  "(Song et al. 2021, Table 3)"),
    Surveyed("Flow Contrastive (EBM)", "ebm", "✓", "✗", "37.30", "≈ 3.27"),
    Surveyed("VAEBM", "ebm", "✓", "✗", "12.19"),
    Surveyed("Convolutional VAE", "vae", "✓", "(✓)", "106.37", "≤ 4.54"),
    Surveyed("Variational Lossy AE", "vae", "✗", "(✓)", "–", "≤ 2.95"),
    Surveyed("VQ-VAE", "vae", "✗", "(✓)", "–", "≤ 4.67"),
    Surveyed("VD-VAE", "vae", "✓", "(✓)", "–", "≤ 2.87"),
    Surveyed("PixelRNN", "ar", "✗", "✓", "–", "3.00"),
    Surveyed("Gated PixelCNN", "ar", "✗", "✓", "65.93", "3.03"),
    Surveyed("PixelIQN", "ar", "✗", "✓", "49.46"),
    Surveyed("Sparse Trans. + DistAug", "ar", "✗", "✓", "14.74", "2.66"),
    Surveyed("RealNVP", "flow", "✗", "✓", "–", "3.49"),
    Surveyed("GLOW", "flow", "✗", "✓", "45.99", "3.35"),
    Surveyed("FFJORD", "flow", "✓", "(✓)", "–", "3.40"),
    Surveyed("Residual Flow", "flow", "✓", "(✓)", "46.37", "3.28"))
