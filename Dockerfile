# An image of the server:  docker build -t s2s .  &&  docker run --rm -p 127.0.0.1:8000:8000 s2s
#
# It has never been built by the checks of this project, which run where no container can be built.

FROM python:3.12-slim AS build
COPY . /source
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels /source

FROM python:3.12-slim
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir "$(ls /wheels/*.whl)[server]"
RUN useradd --create-home --uid 10001 s2s
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
# Options follow the name of the image: docker run ... s2s --model en-de
ENTRYPOINT ["s2s", "serve", "--host", "0.0.0.0"]
