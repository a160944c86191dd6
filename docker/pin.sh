#!/usr/bin/env bash
# Pins the images that ours depend on by their current digest in the registry: the base image of the
# Dockerfile, and the S3 server in compose.yaml. Needs a registry and Docker's buildx. Review the
# change before you commit it. Run it again for each new version of an image.
set -euo pipefail
cd "$(dirname "$0")"

digest_of() { docker buildx imagetools inspect "$1" --format '{{.Manifest.Digest}}'; }

# pin FILE IMAGE: add the digest to each mention of the image, or replace the one that is there.
pin() {
    local file=$1 image=$2 digest
    digest=$(digest_of "$image")
    [[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] || {
        printf 'the registry names no digest of %s: %s\n' "$image" "$digest" >&2
        exit 1
    }
    sed --in-place --regexp-extended "s|(${3:-$image})(@sha256:[0-9a-f]{64})?( *)$|\\1@$digest\\3|" "$file"
    printf '%s: %s@%s\n' "$file" "$image" "$digest"
}

version=$(sed -n 's/^ARG PYTHON=\([^@]*\).*/\1/p' Dockerfile)
pin Dockerfile "docker.io/library/python:$version" "ARG PYTHON=$version"
pin compose.yaml "$(sed -n 's/^ *image: \(.*seaweedfs:[^@]*\).*/\1/p' compose.yaml)"
