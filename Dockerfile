# hookbridge and hookctl on debian:bookworm-slim, from distribution packages alone.
#   docker build -t hookbridge --build-arg VERSION="$(git describe --always --dirty --tags)" .
#   docker run --read-only -v ./hookbridge.yaml:/etc/hookbridge/hookbridge.yaml:ro \
#     -v hookbridge-journal:/var/lib/hookbridge -p 127.0.0.1:8080:8080 hookbridge
# Behind a proxy, pass --build-arg http_proxy=… : every builder knows that argument.

FROM debian:bookworm-slim AS build
WORKDIR /src
# In the order in which they change: packages, sources, version.
COPY scripts/install-deps.sh scripts/
RUN scripts/install-deps.sh build && rm -rf /var/lib/apt/lists/*
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY proto proto
COPY server server
COPY client/CMakeLists.txt client/
COPY client/cpp client/cpp
COPY client/hookctl client/hookctl
RUN cmake --preset ship -DHOOKBRIDGE_VERSION=unknown && cmake --build --preset ship
# .git is not in the context. Another version compiles one file again.
ARG VERSION=unknown
RUN cmake --preset ship -DHOOKBRIDGE_VERSION="$VERSION" && cmake --build --preset ship \
  && install -Ds build/ship/server/hookbridge /out/hookbridge \
  && install -Ds build/ship/client/hookctl/hookctl /out/hookctl

FROM debian:bookworm-slim
RUN apt-get update -qq \
  && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    ca-certificates libabsl20220623 libbrotli1 libgrpc++1.51 libmimalloc2.0 libprotobuf32 \
    librocksdb7.8 libssl3 libyaml-cpp0.7 libzstd1 zlib1g \
  && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* \
  && install -d -o 10001 -g 10001 /var/lib/hookbridge && install -d /etc/hookbridge
COPY --from=build /out/hookbridge /out/hookctl /usr/local/bin/
# No name is needed, and a number is what a policy on containers can check.
USER 10001:10001
WORKDIR /var/lib/hookbridge
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["hookbridge", "health", "--config", "/etc/hookbridge/hookbridge.yaml"]
ENTRYPOINT ["hookbridge"]
CMD ["serve", "--config", "/etc/hookbridge/hookbridge.yaml"]
ARG VERSION=unknown
LABEL org.opencontainers.image.title="hookbridge" \
  org.opencontainers.image.description="Verifies webhooks, stores them, streams them over gRPC" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.base.name="debian:bookworm-slim" \
  org.opencontainers.image.version="$VERSION"
