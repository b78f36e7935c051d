# scai-irl beside vLLM, for clusters with NVIDIA GPUs. docs/container.md says how to build and run it with docker and
# apptainer, and what of it was tested.
ARG VLLM_VERSION=0.32.0
FROM vllm/vllm-openai:v${VLLM_VERSION}

USER 0
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# Packages in a user's home, which apptainer mounts, are not imported. JAX computes on the CPU: the GPUs are vLLM's.
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONNOUSERSITE=1 JAX_PLATFORMS=cpu

WORKDIR /opt/scai-irl
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY envs envs
COPY inference inference
COPY scai_irl scai_irl
COPY experiments experiments

# vLLM keeps every version that it came with. What it lacks is installed in the version of requirements.lock.
RUN export LC_ALL=C \
    && python3 -m pip list --format=freeze | sort > vllm-versions.txt \
    && awk -F '[=; ]+' '{ name = tolower($1); gsub(/[-_.]+/, "-", name) } \
         NR == FNR { has[name]; print; next } !(name in has)' vllm-versions.txt requirements.lock > constraints.txt \
    && python3 -m pip install --constraint constraints.txt '.[cluster]' \
    && python3 -m pip list --format=freeze | sort | comm -23 vllm-versions.txt - > changed.txt \
    && test ! -s changed.txt

# Not root; home and working folder are writable for whatever user `docker run --user` names.
RUN useradd --create-home --uid 10001 scai && mkdir /work && chmod 1777 /home/scai /work
ENV HOME=/home/scai USER=scai
USER 10001
WORKDIR /work
RUN scai-irl list > /dev/null

ENTRYPOINT ["scai-irl"]
CMD ["--help"]
