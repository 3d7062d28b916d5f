# The locked environment, for clusters, dev containers and Binder: docker build -t mixkd .
# With another build of torch, such as one for NVIDIA cards, name the package index that has it:
# docker build --build-arg PIP_EXTRA_INDEX_URL=... -t mixkd .
FROM python:3.11-slim

ARG PIP_EXTRA_INDEX_URL=
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

RUN apt-get update \
 && apt-get install --yes --no-install-recommends chromium git make \
 && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home --uid 1000 user
WORKDIR /home/user/mixkd
COPY requirements.lock pyproject.toml ./
RUN pip install $(grep '^torch==' requirements.lock) \
 && pip install --no-deps -r requirements.lock

COPY --chown=user . .
RUN pip install --no-deps --no-build-isolation --editable . && chown user .

USER user
CMD ["mixkd", "--help"]
