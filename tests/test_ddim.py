import math

import pytest
import torch
from diffusers import DDIMScheduler
from gaussian import S2, M, exact_eps, law, rng

from course_lib.diffusion import ddim, ddpm
from course_lib.diffusion.gaussian_chain import q_sample
from course_lib.diffusion.parametrisations import eps_from_x_0, x_0_from_eps
from course_lib.diffusion.schedule import cosine, linear
from course_lib.recipes.diffusion import digits_ddpm

KINDS = {"linear": linear, "squaredcos_cap_v2": cosine}
random = lambda *shape, seed=0: torch.randn(*shape, generator=rng(seed), dtype=torch.float64)
# some denoiser that depends on both
wavy = lambda x, t: torch.sin(3 * x + 0.01 * t.view(-1, *[1] * (x.ndim - 1)))


def theirs(kind, steps, T=1000, clip=False, **options):
    """diffusers' scheduler at `steps` times, with our betas, which it would keep in float32."""
    scheduler = DDIMScheduler(T, beta_schedule=kind, clip_sample=clip, **options)
    scheduler.alphas_cumprod = KINDS[kind](T).alpha_bar[1:]
    if not scheduler.config.set_alpha_to_one:
        scheduler.final_alpha_cumprod = scheduler.alphas_cumprod[0]
    scheduler.set_timesteps(steps)
    return scheduler


def run(scheduler, x, eta, clip, generator):
    for t in scheduler.timesteps:  # from 0 on there, from 1 on here
        x = scheduler.step(wavy(x, t + 1), t, x, eta=eta, use_clipped_model_output=clip,
                           generator=generator).prev_sample
    return x


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize("spacing", ["trailing", "leading"])
def test_ddim_agrees_with_diffusers_on_sub_sequences(kind, eta, clip, spacing):
    schedule, x_T = KINDS[kind](), random(3, 2)
    other = theirs(kind, 20, clip=clip, timestep_spacing=spacing)
    times = [t.item() + 1 for t in other.timesteps.flip(0)]
    assert times == {"trailing": list(range(50, 1001, 50)),
                     "leading": list(range(1, 1000, 50))}[spacing]
    expected = run(other, x_T, eta, clip, rng(3))
    mine = ddim.ddim_sample(wavy, schedule, x_T, 20 if spacing == "trailing" else times, eta,
                            clip=clip, generator=rng(3))
    assert (mine - expected).abs().max() < 1e-5 * expected.abs().max().clamp(min=1)


def test_their_last_step_can_stop_at_t_1_and_ours_ends_at_0():
    x = random(3, 2)
    # set_alpha_to_one=False: ᾱ of the end is ᾱ_1, not 1
    short = linear().respace([1, *range(50, 1001, 50)])
    expected = run(theirs("linear", 20, timestep_spacing="trailing", set_alpha_to_one=False), x,
                   0.0, False, None)
    for t in range(short.T, 1, -1):
        x = ddim.ddim_step(short, wavy(x, short.times[t].expand(3)), x, t)
    assert (x - expected).abs().max() < 1e-5 * expected.abs().max().clamp(min=1)


def test_one_step_agrees_with_diffusers():
    schedule, x_t, eps, z = linear(), random(3, 2), random(3, 2, seed=1), random(3, 2, seed=2)
    other, short = theirs("linear", 10, timestep_spacing="trailing"), linear().respace(10)
    for eta in (0.0, 0.5, 1.0):
        scale = ddim.sigma(short, eta)
        for t in range(1, 11):
            expected = other.step(eps, 100 * t - 1, x_t, eta=eta, variance_noise=z).prev_sample
            assert (ddim.ddim_step(short, eps, x_t, t, z, scale) - expected).abs().max() < 1e-5
    assert torch.allclose(ddim.sigma(schedule, 1.0) ** 2, schedule.posterior_variance)
    assert not ddim.sigma(schedule, 0.0).any()
    assert torch.allclose(ddim.sigma_hat(short) ** 2, short.beta)


@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("steps", [None, [2, 7, 8, 20]])
def test_the_whole_family_has_the_same_marginals(eta, steps):
    schedule = cosine(20).respace(steps or 20)
    scale = ddim.sigma(schedule, eta)
    for t in range(1, schedule.T + 1):  # with the true ε: x_0, ε and z are independent
        unit = torch.eye(3, dtype=torch.float64)  # rows: the weights on x_0, on ε, on z
        x_t = q_sample(schedule, unit[:, :1], t, unit[:, 1:2])
        x = ddim.ddim_step(schedule, unit[:, 1:2], x_t, t, unit[:, 2:], scale)
        on_x_0, on_eps, on_z = x.flatten().tolist()
        assert on_x_0 == pytest.approx(schedule.alpha_bar[t - 1].sqrt().item(), abs=1e-9)
        assert on_eps ** 2 + on_z ** 2 == pytest.approx(1 - schedule.alpha_bar[t - 1].item(),
                                                        abs=1e-9)
        assert on_z == pytest.approx(scale[t].item())


def recursion(schedule, sigma, noise_scale):
    """Mean and variance at the end of DDIM's chain with the exact ε of N(M, S2), from E[x_0 | x_t]
    and E[ε | x_t]."""
    mean, var = 0.0, 1.0
    for t in range(schedule.T, 0, -1):
        bar, bar_prev = schedule.alpha_bar[t].item(), schedule.alpha_bar[t - 1].item()
        direction = math.sqrt(max(1 - bar_prev - sigma[t].item() ** 2, 0.0))
        slope = math.sqrt(bar_prev * bar) * S2 + direction * math.sqrt(1 - bar)
        slope = slope / (bar * S2 + 1 - bar)
        mean = math.sqrt(bar_prev) * M + slope * (mean - math.sqrt(bar) * M)
        var = slope ** 2 * var + (noise_scale[t].item() ** 2 if t > 1 else 0)
    return mean, var


@pytest.mark.parametrize("eta, hat", [(0.0, False), (0.5, False), (1.0, False), (1.0, True)])
@pytest.mark.parametrize("steps", [None, 5, [1, 2, 11, 20]])
def test_ddim_follows_the_exact_recursion_of_its_chain(eta, hat, steps):
    schedule = cosine(20)
    short = schedule.respace(steps or 20)
    sigma, noise_scale = ddim.sigma(short, eta), ddim.sigma_hat(short) if hat else None
    expected = recursion(short, sigma, short.beta.sqrt() if hat else sigma)
    sample = lambda x_T, generator: ddim.ddim_sample(
        exact_eps(schedule), schedule, x_T, steps, eta, noise_scale=noise_scale,
                                                     generator=generator)
    assert law(sample, short.T - 1 if eta else 0) == pytest.approx(expected, abs=1e-9)


def test_more_steps_of_ddim_come_closer_to_the_data():
    schedule = linear(1000)
    errors = [abs(recursion(schedule.respace(steps), *2 * [torch.zeros(steps + 1)])[1] / S2 - 1)
              for steps in (10, 100, 1000)]
    assert errors[0] > 5 * errors[1] > 25 * errors[2] and errors[2] < 0.01


@pytest.mark.parametrize("steps", [None, 7, [3, 4, 30, 40]])
@pytest.mark.parametrize("hat", [False, True])
def test_ddpm_on_a_respaced_schedule_is_ddim_with_eta_1(steps, hat):
    schedule, x_T = cosine(40), random(5, 2)
    short = schedule.respace(steps or 40)
    variance = short.beta if hat else short.posterior_variance
    expected = ddpm.ddpm_sample(wavy, short, x_T, variance=variance, generator=rng(1))
    found = ddim.ddim_sample(wavy, schedule, x_T, steps, 1.0, generator=rng(1),
                             noise_scale=ddim.sigma_hat(short) if hat else None)
    assert (found - expected).abs().max() < 1e-9 * expected.abs().max().clamp(min=1)


def test_the_same_noise_gives_the_same_image_only_without_fresh_noise():
    schedule, x_T = cosine(40), random(4, 2)
    draw = lambda eta, seed: ddim.ddim_sample(wavy, schedule, x_T, 10, eta, generator=rng(seed))
    assert torch.equal(draw(0.0, 1), draw(0.0, 2))
    assert torch.equal(draw(1.0, 1), draw(1.0, 1))
    assert not torch.allclose(draw(1.0, 1), draw(1.0, 2))
    once = rng(1)
    ddim.ddim_sample(wavy, schedule, x_T, 10, 0.0, generator=once)
    assert torch.equal(once.get_state(), rng(1).get_state())


def test_clipping_keeps_the_sample_in_range_and_changes_eps_with_it():
    schedule, x_t, eps = linear(), random(50, 1), random(50, 1, seed=1)
    assert ddim.ddim_sample(wavy, schedule, 3 * x_t, 10, clip=True).abs().max() <= 1
    x_0 = x_0_from_eps(schedule, eps, x_t, 600).clamp(-1, 1)
    moved = ddim.ddim_step(schedule, eps, x_t, 600, clip=True)
    assert torch.allclose(moved,
                          q_sample(schedule, x_0, 599, eps_from_x_0(schedule, x_0, x_t, 600)))


def test_encoding_and_decoding_come_back_with_an_error_that_falls_like_one_over_the_steps():
    schedule = linear(1000)
    x_0, eps = M + math.sqrt(S2) * random(30, 1), exact_eps(schedule)
    errors = []
    for steps in (10, 40, 160, 640):
        back = ddim.ddim_sample(eps, schedule, ddim.ddim_encode(eps, schedule, x_0, steps), steps)
        errors.append((back - x_0).abs().mean().item())
    assert all(1.5 < now / after < 8 for now, after in zip(errors[1:], errors[2:]))
    assert errors[0] > errors[1] and errors[-1] < 0.02


def test_encoding_is_the_inverse_of_decoding_where_eps_does_not_change():
    schedule, x_0 = cosine(50), random(4, 2)
    fixed = random(4, 2, seed=1)
    x_T = ddim.ddim_encode(lambda x, t: fixed, schedule, x_0, 9)
    assert torch.allclose(x_T, q_sample(schedule, x_0, 50, fixed))
    assert torch.allclose(ddim.ddim_sample(lambda x, t: fixed, schedule, x_T, 9), x_0)


def test_the_network_is_told_the_times_of_the_sub_sequence():
    seen = []
    model = lambda x, t: (seen.append(t.tolist()), torch.zeros_like(x))[1]
    ddim.ddim_sample(model, linear(10), random(2, 1), [2, 5, 10])
    assert seen == [[10, 10], [5, 5], [2, 2]]
    seen.clear()
    ddim.ddim_encode(model, linear(10), random(2, 1), [2, 5, 10])
    assert seen == [[2, 2], [2, 2], [5, 5]]


def test_slerp_keeps_the_length_and_moves_at_an_even_angle():
    x, z = (v / v.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
            for v in (random(6, 1, 4, 4), random(6, 1, 4, 4, seed=1)))
    angle = (x * z).sum((1, 2, 3)).acos()
    for share in (0.0, 0.25, 0.5, 1.0):
        between = ddim.slerp(x, z, share)
        assert torch.allclose(between.flatten(1).norm(dim=1), torch.ones(6, dtype=torch.float64))
        assert torch.allclose((between * x).sum((1, 2, 3)), (share * angle).cos())
    assert torch.allclose(ddim.slerp(x, z, 0.0), x) and torch.allclose(ddim.slerp(x, z, 1.0), z)


def test_slerp_from_a_point_to_itself_stays():
    x = torch.eye(3).repeat(2, 1)  # its cosine with itself is exactly 1
    assert torch.allclose(ddim.slerp(x, x, 0.3), x, atol=1e-6)


def test_the_slide_that_takes_alpha_for_alpha_bar_moves_the_x_0_coefficient():
    short = linear(1000).respace([250, 500, 1000])
    unit = torch.eye(2, dtype=torch.float64)
    right = ddim.ddim_step(short, unit[:, 1:], q_sample(short, unit[:, :1], 2, unit[:, 1:]),
                           2).flatten()
    assert right[0].item() == pytest.approx(0.724, abs=5e-4)
    # the slide's α_t as DDPM defines it, at 500 and 250
    long, jump = linear(1000), lambda t: linear(1000).alpha[t].item()
    wrong = math.sqrt(jump(250)) / math.sqrt(jump(500)) * long.alpha_bar[500].sqrt().item()
    assert wrong == pytest.approx(0.281, abs=5e-4)


@pytest.mark.parametrize("eta", [-0.1, 1.1, float("nan"), "sigma", None])
def test_a_wrong_eta_is_refused(eta):
    with pytest.raises((ValueError, TypeError), match="η must"):
        ddim.ddim_sample(wavy, linear(10), random(2, 1), 5, eta)


def test_scales_that_no_chain_of_this_T_has_are_refused():
    schedule, x = cosine(20), random(2, 1)
    for f in (lambda: ddim.ddim_sample(wavy, schedule, x, 5, 1.0, noise_scale=schedule.beta),
              lambda: ddpm.ddpm_sample(wavy, schedule.respace(5), x, variance=schedule.beta)):
        with pytest.raises(ValueError, match="T = 5 needs 6 values.*21"):
            f()
    with pytest.raises(ValueError, match="σ_t² at t = 3 is more"):
        ddim.ddim_step(schedule, x, x, 3, x, 1 + schedule.beta)


@pytest.mark.parametrize("steps, says",
                         [(0, "1 … T = 10"), (11, "1 … T = 10"), ([3, 3], "must increase"),
                          ([5, 2], "must increase"),
                                         ([4, 11], "must increase")])
@pytest.mark.parametrize("f", [ddim.ddim_sample, ddim.ddim_encode], ids=lambda f: f.__name__)
def test_wrong_steps_are_refused(f, steps, says):
    with pytest.raises(ValueError, match=says):
        f(wavy, linear(10), random(2, 1), steps)


@pytest.mark.parametrize("f, name", [(ddim.ddim_sample, "x_T"), (ddim.ddim_encode, "x_0")],
                         ids=lambda v: getattr(v, "__name__", v))
def test_numbers_that_are_not_finite_and_models_of_another_T_are_refused(f, name):
    for bad in (float("nan"), float("-inf")):
        with pytest.raises(ValueError, match=f"{name} must hold finite"):
            f(wavy, linear(10), random(2, 1) + bad, 5)
    with pytest.raises(ValueError, match="T = 7.*T = 10"):
        f(digits_ddpm(widths=(8, 8), T=7), linear(10), torch.zeros(1, 1, 28, 28), 5)


@pytest.mark.parametrize("t, says", [(0, "1 … 10"), (11, "1 … 10"), (2.5, "t must be an int")])
def test_a_step_from_a_time_that_does_not_exist_is_refused(t, says):
    with pytest.raises((ValueError, TypeError), match=says):
        ddim.ddim_step(linear(10), random(2, 1), random(2, 1), t)


def test_a_share_outside_of_0_to_1_is_refused():
    for share in (-0.1, 1.2):
        with pytest.raises(ValueError, match="share"):
            ddim.slerp(random(2, 1), random(2, 1), share)
