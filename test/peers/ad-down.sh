#!/bin/bash
# Ends what ad-up.sh began: everything that runs in the namespace, the namespace, its files below /etc/netns. Usage: as ad-up.sh.
dir=$1 ns=$2
[ -f "$dir/dc/run/samba.pid" ] && kill "$(cat "$dir/dc/run/samba.pid")" 2> /dev/null
for i in $(seq 1 60); do
  pids=$(ip netns pids "$ns" 2> /dev/null)
  [ -z "$pids" ] && break
  [ "$i" = 40 ] && kill -9 $pids 2> /dev/null
  sleep 0.1
done
ip netns del "$ns"
rm -rf "/etc/netns/$ns" "$dir"
