"""Stan: the model in vectorised form, through PyStan; its programs are cached by their text."""

from __future__ import annotations

import numpy as np
import stan

from benchmarks.ug_bayes.protocol import CHAINS, DRAWS, SPREAD, UPPER, WARMUP, Draws, Problem, measure, now

PROGRAM = """
data {
  int<lower=1> N;
  int<lower=1> P;
  real<lower=0> spread;
  vector[3] highest;
  matrix[P, N] offer;
  matrix[P, N] behind;
  matrix[P, N] ahead;
  array[P * N] int<lower=0, upper=1> accepted;
}
parameters {
  vector[3] mu;
  vector<lower=0>[3] sigma;
  matrix[3, N] z;
}
transformed parameters {
  matrix[3, N] place = rep_matrix(mu, N) + diag_pre_multiply(sigma, z);
}
model {
  matrix[3, N] theta = diag_pre_multiply(highest, Phi(place));
  matrix[P, N] utility = offer - diag_post_multiply(behind, theta[1]') - diag_post_multiply(ahead, theta[2]');
  mu ~ std_normal();
  sigma ~ normal(0, spread);
  to_vector(z) ~ std_normal();
  accepted ~ bernoulli_logit(to_vector(diag_post_multiply(utility, theta[3]')));
}
"""


def fit(problem: Problem, seed: int) -> Draws:
    subjects, plays = problem.offer.shape
    data = {"N": subjects, "P": plays, "spread": SPREAD, "highest": UPPER.tolist()}
    data |= {name: getattr(problem, name).T.tolist() for name in ("offer", "behind", "ahead")}
    data["accepted"] = problem.accepted.ravel().tolist()  # plays fastest, as Stan's columns
    posterior = stan.build(PROGRAM, data=data, random_seed=seed)
    began = now()
    draws = posterior.sample(num_chains=CHAINS, num_warmup=WARMUP, num_samples=DRAWS)
    # PyStan's arrays end in (draw × chain), chains fastest.
    group = draws["mu"].reshape(3, DRAWS, CHAINS)
    subject = draws["place"].reshape(3, subjects, DRAWS, CHAINS)
    diverging = int(np.sum(draws["divergent__"]))
    return Draws(np.moveaxis(group, [2, 1], [0, 1]), np.transpose(subject, (3, 2, 1, 0)), diverging, began)


if __name__ == "__main__":
    measure(fit)
