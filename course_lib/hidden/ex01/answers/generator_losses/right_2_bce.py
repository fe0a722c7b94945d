# binary_cross_entropy_with_logits with the weights as its weight
def generator_losses(logit_fake, w):
    bce = lambda label: F.binary_cross_entropy_with_logits(
        logit_fake, torch.full_like(logit_fake, label), weight=w, reduction="sum") / w.sum()
    return -bce(0.0), bce(1.0)
