# The coordinator: docker build -t saga .            An example participant: --target participant
FROM debian:bookworm-slim AS build
WORKDIR /src
COPY . .
RUN ./dev build && cmake --install build --strip --prefix /usr/local

FROM debian:bookworm-slim AS participant
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 python3-confluent-kafka \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --create-home --home-dir /var/lib/participant participant
COPY tests/participants/python/participant.py /usr/local/bin/participant.py
USER participant
WORKDIR /var/lib/participant
ENTRYPOINT ["python3", "/usr/local/bin/participant.py"]

FROM debian:bookworm-slim AS saga
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libavro23 libfyaml0 libhiredis0.14 libjansson4 \
      libjq1 librdkafka1 libssl3 tzdata \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system saga
COPY --from=build /usr/local/bin/saga /usr/local/bin/saga
COPY sagas /etc/saga/sagas
USER saga
STOPSIGNAL SIGTERM
ENTRYPOINT ["saga"]
CMD ["run"]
