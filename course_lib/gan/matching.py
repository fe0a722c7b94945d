"""Reed et al. 2016, "Generative Adversarial Text to Image Synthesis": a discriminator that is also
shown real images with wrong conditions. Here of a BigGAN, for conditions of many attributes.
"""
import torch
from torch import Tensor

from course_lib.gan.biggan import BigGAN, hinge_discriminator_loss


class MatchingBigGAN(BigGAN):
    """BigGAN whose D also loses by real images with wrong conditions    Reed et al. 2016, Alg. 1

    As long as D tells samples by their texture, nothing tells it, and so nothing tells G, what the
    condition means; wrong pairs do. Departs from the paper in the hinge loss, and in what is wrong:
    of another image's attributes a quarter is taken, so that D must look at each.
    """

    def loss(self, batch: tuple[Tensor, Tensor], player: str) -> Tensor:
        if player == "G":
            return super().loss(batch, player)
        x, c = batch[0], self.condition(batch[1])
        wrong = torch.where(torch.rand_like(c) < 0.25, c.roll(1, 0), c)
        with torch.no_grad():
            fake = self.G(torch.randn(len(x), self.G.n_z, device=x.device), c)
        real, mistold, fake = self.D(torch.cat([x, x, fake]), torch.cat([c, wrong, c])).chunk(3)
        return (hinge_discriminator_loss(real, fake) + hinge_discriminator_loss(real, mistold)) / 2
