# The course in a container. With CUDA, on a machine that has NVIDIA's driver and container toolkit:
#   docker build -t fashion .
#   docker run --gpus all -p 8888:8888 -v fashion-lab:/course/lab -v fashion-runs:/course/runs fashion
# For the CPU alone, about 4 GB smaller: build with --build-arg TORCH_INDEX=<index of CPU builds of torch>, and run
# without --gpus. The two volumes keep your notebooks and your trained runs when the container goes.
FROM python:3.12-slim-bookworm

# Debian removes old versions from its archive, so a pinned one would soon not be found.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /course

# The packages come before the course's own files, so that an edit of those does not download torch again. The CUDA
# libraries are in torch's plain wheels; only the driver is the host's.
ARG TORCH_INDEX=
ENV PIP_NO_CACHE_DIR=1
COPY Makefile requirements.lock pyproject.toml setup.py README.md LICENSE ./
COPY fashion_lib/__init__.py fashion_lib/
RUN make env PYTHON=python3.12 TORCH_INDEX="$TORCH_INDEX"

# The lock may be of a later date here than in a layer from the cache, but it is the same: `make` need not install anew.
COPY . .
RUN touch .venv/.installed

ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility
EXPOSE 8888
CMD ["make", "lab", "LAB_ARGS=--ip=0.0.0.0 --no-browser"]
