"""The hierarchical ``ug_bayes`` model, compared with other samplers: ``python -m benchmarks.ug_bayes``.

30 simulated responders of 60 interactions, 4 chains of 1,000 + 1,000 steps, priors of hBayesDM (Ahn et al. 2017).
With three parameters p, upper ends h = (20, 10, 10), groups μ_p ~ N(0, 1), σ_p ~ N⁺(0, 0.2), subjects z_ip ~ N(0, 1):

    (α, β, τ)_ip = h_p Φ(μ_p + σ_p z_ip),   p(accept) = logit⁻¹(τ (o − α max(m − o, 0) − β max(o − m, 0)))

Norms m depend on no parameter; every program gets max(m − o, 0) and max(o − m, 0) as data. Each works in a process of
its own, held to one core, in an environment of its own that is made in a cache folder.
"""
