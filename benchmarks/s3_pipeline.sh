#!/bin/sh
# Fetches record lists, the files that they name, hashes the files, then copies both to S3.
#   s3_pipeline.sh URL FOLDER IDS REMOTE [OPTION...]
# IDS holds the ids of the calls, one a line; REMOTE is a folder as rclone names it, whose S3 server
# and credentials are in the environment (RCLONE_S3_...); options are rclone's.
set -eu
url=$1 folder=$2 ids=$3 remote=$4
shift 4
sh "$(dirname "$0")/curl_pipeline.sh" "$url" "$folder" "$ids"
rclone copy --config /dev/null --transfers 16 --checkers 16 --s3-no-check-bucket --quiet "$@" \
  --include 'lists/*.json' --include 'files/*.mp3' "$folder" "$remote"
