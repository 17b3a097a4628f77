# The server with its default model. Not root, no shell needed, nothing of the image is written to:
# docs/container.md says how to run it.

FROM python:3.11-slim-bookworm AS build
WORKDIR /source
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/rasr
# Before the code, so that a change of it installs nothing anew.
COPY requirements-image.lock ./
RUN /opt/rasr/bin/pip install --require-hashes -r requirements-image.lock
COPY pyproject.toml README.md ./
COPY rasr ./rasr
COPY vad ./vad
COPY decoder ./decoder
RUN /opt/rasr/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/rasr/bin/pip install --no-deps /wheels/*.whl \
    && /opt/rasr/bin/python -m compileall -q /opt/rasr
# One of `rasr models list`; empty for none: then /models is to be mounted with some.
ARG MODEL=moonshine-tiny-en
RUN mkdir -p /models \
    && if [ -n "$MODEL" ]; then /opt/rasr/bin/rasr models --folder /models pull "$MODEL"; fi \
    && mkdir -p /var/cache/rasr /var/lib/rasr \
    && chown -R 10001:10001 /models /var/cache/rasr /var/lib/rasr

FROM python:3.11-slim-bookworm
COPY --from=build /opt/rasr /opt/rasr
COPY --from=build --chown=10001:10001 /models /models
COPY --from=build --chown=10001:10001 /var/cache/rasr /var/cache/rasr
COPY --from=build --chown=10001:10001 /var/lib/rasr /var/lib/rasr
ENV PATH=/opt/rasr/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    XDG_CACHE_HOME=/var/cache \
    XDG_DATA_HOME=/var/lib \
    RASR_MODELS__FOLDER=/models \
    RASR_SERVER__HOST=0.0.0.0 \
    RASR_SERVER__PORT=8765
# What it may write to: models that are pulled later, what calibration has measured, and the store
# of accounts, hot words and usage.
VOLUME ["/models", "/var/cache/rasr", "/var/lib/rasr"]
EXPOSE 8765
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen(f'http://127.0.0.1:{os.environ[\"RASR_SERVER__PORT\"]}/healthz', timeout=4)"]
ENTRYPOINT ["rasr"]
CMD ["serve"]
