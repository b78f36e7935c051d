"""The backend contract for vLLM in process. `test_offline` runs it with the Python that has vLLM.

An engine may change its process permanently, so it must not run in the process of the tests.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator

import pytest

from scai_irl.backends.registry import make_backend
from scai_irl.io.errors import InputError
from scai_irl.lm.protocol import Backend, Message, Request, Sampling, Structure
from scai_irl.lm.settings import LmSettings
from scai_irl.testing.backend_laws import ModelContract, requests, structured, texts

SETTINGS = LmSettings(os.environ["CHECKPOINT"], engine={"max_model_len": 8_192, "max_num_seqs": 64})


class TestVllmOffline(ModelContract):
    name = "vllm-offline"

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _keep_the_engine(cls) -> Iterator[None]:
        """One engine for all tests; every further backend shares it."""
        keeper = make_backend(cls.name, SETTINGS)
        keeper.complete(requests()[:1])
        yield
        keeper.close()

    def make(self) -> Backend:
        return make_backend(self.name, SETTINGS)

    def test_other_settings_are_refused_while_it_runs(self) -> None:
        other = make_backend(self.name, dataclasses.replace(SETTINGS, engine={"max_model_len": 4_096}))
        with pytest.raises(InputError, match=r"model: .* is already in this process, with other settings; close"):
            other.complete(requests()[:1])
        other.close()

    def test_a_refused_request_stops_no_other_and_is_not_reported(self, backend: Backend) -> None:
        long = dataclasses.replace(structured(1, Structure()), sampling=Sampling(max_tokens=100_000))
        words = dataclasses.replace(long.messages[0], content="word " * 10_000)
        wrong = [structured(1, Structure("regex", "(")), dataclasses.replace(long, messages=(words,))]
        wrong.append(dataclasses.replace(wrong[1], labels=("a", "b")))
        places: list[int] = []
        answers = backend.complete([requests()[0], *wrong, *requests()[1:]], lambda place, _: places.append(place))
        assert [answer.finish_reason == "refused" for answer in answers[:5]] == [False, True, True, True, False]
        assert all(answer.problem for answer in answers[1:4])
        assert texts([answers[0], *answers[4:]]) == texts(backend.complete(requests()))
        assert sorted(places) == [0, *range(4, len(answers))]
        with pytest.raises(InputError, match="backend: the model takes none of the requests"):
            backend.complete(wrong)

    def test_more_long_prompts_with_seeds_than_one_step_takes_are_answered(self, backend: Backend) -> None:
        words = [Message("user", f"{seed} " * 1_500) for seed in range(16)]
        batch = [Request((word,), seed, Sampling(1.0, 2)) for seed, word in enumerate(words)]
        assert len(backend.complete(batch)) == 16

    def test_what_was_interrupted_is_not_answered_later(self, backend: Backend) -> None:
        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            backend.complete(requests(), interrupt)
        assert texts(backend.complete(requests()[:2])) == texts(backend.complete(requests()))[:2]


def test_the_engine_ends_with_the_last_backend_and_can_be_started_again() -> None:
    first, second = (make_backend("vllm-offline", SETTINGS) for _ in range(2))
    expected = texts(first.complete(requests()))
    second.complete(requests()[:1])
    first.close()
    assert texts(second.complete(requests())) == expected
    second.close()
    other = make_backend("vllm-offline", dataclasses.replace(SETTINGS, engine={"max_model_len": 4_096}))
    assert texts(other.complete(requests()[3:])) == expected[3:]
    other.close()


@pytest.mark.parametrize(
    ("engine", "message"),
    [
        ({"max_model_len": 99_999}, "greater than the derived max_model_len"),
        ({"no_such_setting": 1}, "no_such_setting"),
    ],
)
def test_an_engine_that_cannot_start_is_reported_in_one_line(engine: dict[str, int], message: str) -> None:
    backend = make_backend("vllm-offline", dataclasses.replace(SETTINGS, engine=engine))
    with pytest.raises(InputError, match=rf"^vllm: it does not start with this model .*{message}"):
        backend.complete(requests())
    backend.close()
