# The service as an image: docker build -t oubli .   (BuildKit, for the cache mounts)

FROM rust:1.95-bookworm AS builder
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --release --package oubli-server --bin oubli \
    && cp target/release/oubli /usr/local/bin/oubli

FROM debian:bookworm-slim
# Certificates, for databases that speak TLS. Three places apart: a backup that holds the data and the root key together protects nothing, and
# the journal must survive a restore of the data.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/oubli --shell /usr/sbin/nologin oubli \
    && install -d -m 0700 -o oubli -g oubli /var/lib/oubli /var/lib/oubli-journal /etc/oubli/keys
COPY --from=builder /usr/local/bin/oubli /usr/local/bin/oubli

ENV OUBLI_BIND=0.0.0.0:8080 \
    OUBLI_DATA_DIR=/var/lib/oubli \
    OUBLI_JOURNAL_DIR=/var/lib/oubli-journal \
    OUBLI_ROOT_KEY_FILE=/etc/oubli/keys/root.key
# OUBLI_BEHIND_PROXY and OUBLI_URL are left to whoever runs the image: the service speaks plain HTTP and starts on
# this address only when told that a proxy with TLS stands before it.

USER oubli
VOLUME ["/var/lib/oubli", "/var/lib/oubli-journal", "/etc/oubli/keys"]
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["oubli", "health", "--url", "http://127.0.0.1:8080"]
ENTRYPOINT ["oubli"]
CMD ["all"]
