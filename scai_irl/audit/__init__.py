"""Audit of a language model: a fixed battery of interactions, the model's beliefs about them, and a score card."""

from scai_irl.io.callable_package import make_callable

make_callable(__name__, "scai_irl.audit.audit_backend", "audit")
