# The coordinator: docker build -t saga .            An example participant: --target participant
# It runs as a user without rights and writes no file, so `--read-only --cap-drop ALL` takes nothing from it.
ARG DEBIAN=bookworm-slim

FROM debian:${DEBIAN} AS build
WORKDIR /src
COPY . .
# The Debian package names what it needs, so nothing is listed twice.
RUN ./dev package && mv build/package/saga_*.deb /saga.deb

FROM debian:${DEBIAN} AS participant
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 python3-confluent-kafka \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10002 --create-home --home-dir /var/lib/participant participant
COPY tests/participants/python/participant.py /usr/local/bin/participant.py
USER 10002:10002
WORKDIR /var/lib/participant
ENTRYPOINT ["python3", "/usr/local/bin/participant.py"]

FROM debian:${DEBIAN} AS saga
COPY --from=build /saga.deb /tmp/saga.deb
RUN groupadd --gid 10001 saga && useradd --uid 10001 --gid saga --no-create-home --home-dir /nonexistent saga \
 && apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates /tmp/saga.deb \
 && rm -rf /var/lib/apt/lists/* /tmp/saga.deb
COPY sagas /etc/saga/sagas
USER 10001:10001
WORKDIR /etc/saga
STOPSIGNAL SIGTERM
ENTRYPOINT ["saga"]
CMD ["run"]
