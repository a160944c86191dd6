#!/bin/sh
# Fetches record lists, then the files that they name, then hashes the files on all cores.
#   curl_pipeline.sh URL FOLDER IDS [sync]
# IDS holds the ids of the calls, one a line: listing calls is spared. With `sync` the file system
# is synced once at the end, which is the cheapest way to make everything durable.
set -eu
url=$1 folder=$2 ids=$3 durable=${4:-}
cores=$(nproc)
mkdir -p "$folder/lists" "$folder/files"
cd "$folder"

awk -v url="$url" '{
  printf "url=\"%s/v2/call-record/?callId=%s&offset=0&limit=100\"\noutput=\"lists/%s.json\"\n", url, $1, $1
}' "$ids" > lists.cfg
curl --silent --fail --parallel --parallel-max 16 --header 'X-Api-Key: benchmark' --config lists.cfg 2> curl.log

find lists -type f -print0 | xargs -0 grep -ho '"fileUrl": "[^"]*"' | cut -d'"' -f4 |
  awk -F/ '{ printf "url=\"%s\"\noutput=\"files/%s\"\n", $0, $NF }' > files.cfg
curl --silent --fail --parallel --parallel-max 16 --config files.cfg 2>> curl.log

find files -type f -print0 | xargs -0 -P "$cores" -n 100 sha256sum > sums
[ -z "$durable" ] || sync -f files
