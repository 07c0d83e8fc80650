# srnet in a container. For a CPU:
#   docker build -t srnet .
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/pictures" srnet zoom photo.jpg
# For an NVIDIA GPU (the host needs its container toolkit):
#   docker build -t srnet:cuda --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu126 .
#   docker run --rm --gpus all --user "$(id -u):$(id -g)" -v "$PWD:/pictures" srnet:cuda zoom photo.jpg
# --user makes the results yours; without it they belong to root.
FROM python:3.12-slim

ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN pip install --no-cache-dir "torch>=2.6,<2.14" --index-url "$TORCH_INDEX"

WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY srnet_cli srnet_cli
COPY models models
RUN pip install --no-cache-dir . && rm -rf /src

# What is measured and prepared is kept where any user may write, also one without a home.
ENV HOME=/tmp XDG_CACHE_HOME=/tmp/cache MPLCONFIGDIR=/tmp/cache/matplotlib
WORKDIR /pictures
ENTRYPOINT ["srnet"]
CMD ["--help"]
