#!/usr/bin/env bash
# Checks the units with systemd's own tools; starts nothing. Needs systemd-analyze (Debian: systemd).
#
#   docker/systemd/check.sh [PROGRAM]    PROGRAM stands in for /opt/archiver/bin/archiver
set -euo pipefail

program=$(realpath "${1:-/bin/true}")
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for unit in archiver archiver-verify; do
    cp "$unit.timer" "$work"
    sed "s|/opt/archiver/bin/archiver|$program|" "$unit.service" > "$work/$unit.service"
    systemd-analyze verify --man=no "$work/$unit.timer" "$work/$unit.service"
    systemd-analyze security --offline=yes --no-pager --threshold=20 "$work/$unit.service" | tail -1
    systemd-analyze calendar --iterations=2 "$(sed -n 's/^OnCalendar=//p' "$unit.timer")"
done
