#!/bin/sh
# Releases a node's data volume: stop k3s, end its containers, sync, unmount. Its argument is the volume, vol-….
#
# Exit 0 means that the volume can be detached: nothing on this instance has it mounted. Anything else is exit 1 with
# one line on stderr that begins with "not released". A second release waits for the first and finds nothing to do.
#
# The volume stays visible until it is detached, so k3s must not start from it again. While /run/durin-released exists,
# a drop-in that this script writes keeps k3s.service from starting. Anything else that mounts the volume or starts k3s
# automatically (a mount unit, a boot script) has to honour the marker too: ConditionPathExists=!/run/durin-released.
# Both are in /run, so a reboot clears them. A failed release leaves them: an instance that cannot release has to be
# replaced.
#
# A release leaves no other mark, whenever it is killed: it asks nothing of the cluster's API. A drain would cordon the
# node in the datastore, which is on the volume, and nothing lifts a cordon: a node that keeps its name could schedule
# no pod on its next instance, nor on this one after a reboot. A drain would also delete pods without a controller for
# good. So the containers end without the API, once k3s cannot restart them, those of static pods and daemon sets too:
# they get SIGTERM and five seconds. Hooks (preStop) do not run, because the kubelet runs them, and it is part of k3s.
#
# Needs coreutils, findutils, awk, grep, util-linux (flock, lsblk, umount) and systemd; k3s as its installer leaves it.

set -u
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL

# Only the reason for a failure goes to stderr. All other output keeps its order on stdout.
exec 3>&2 2>&1

volume=${1:-}
by_id=${DURIN_BY_ID:-/dev/disk/by-id}
run=${DURIN_RUN:-/run}
proc=${DURIN_PROC:-/proc}
cgroup=${DURIN_CGROUP:-/sys/fs/cgroup}
marker=$run/durin-released

# Hundredths of a second since boot: a clock that cannot be set.
now() {
    read -r up _ </proc/uptime
    echo "${up%.*}${up#*.}"
}

started=$(now)
# The command document kills the script after 45 s, and then the reason is lost.
deadline=$((started + 4000))

# within SECONDS COMMAND…: stops the command after that long, or at the deadline. Only a command that hangs inside the
# kernel outlives this, and is left to the document's own time-out. The lock is not inherited: no command may keep it.
within() {
    left=$(((deadline - $(now)) / 100))
    seconds=$1
    shift
    [ "$seconds" -le "$left" ] || seconds=$left
    [ "$seconds" -ge 1 ] || return 124
    timeout -k 1 "$seconds" "$@" 9>&-
}

# How a command that ran within a time ended.
outcome() {
    case $1 in
    0) echo "done" ;;
    124 | 137) echo "took too long" ;;
    *) echo "failed with $1" ;;
    esac
}

begin() {
    begun=$(now)
}

# report STEP OUTCOME: says how a step ended, and how long it took.
report() {
    took=$(($(now) - begun))
    printf '%s: %s (%d.%02d s)\n' "$1" "$2" $((took / 100)) $((took % 100))
}

fail() {
    printf 'not released: %s\n' "$1" >&3
    exit 1
}

# Everything that has to be unmounted, last mounted first: the device wherever it is mounted, bind mounts included; the
# mounts beneath it; and the overlays of containers whose layers are on it, which keep it busy unseen. A mount is the
# device's by number, or by name where the file system invents numbers (btrfs).
mounts() {
    devices=$devices awk '
        BEGIN {
            count = split(ENVIRON["devices"], field)
            for (i = 1; i < count; i += 2) { names[field[i]]; numbers[field[i + 1]] }
        }
        {
            for (i = 7; i <= NF && $i != "-"; i++);
            type = $(i + 1); source = $(i + 2); options = $(i + 3)
            ours = ($3 in numbers) || (source in names) || ($2 in ids)
            if (!ours && type == "overlay")
                for (point in points)
                    if (index(options, "=" point "/") || index(options, ":" point "/")) ours = 1
            if (!ours) next
            ids[$1]; points[$5]
            path = $5
            gsub(/\\040/, " ", path); gsub(/\\011/, "\t", path); gsub(/\\134/, "\\", path)
            paths[++total] = path
        }
        END { while (total) print paths[total--] }
    ' "$proc/self/mountinfo"
}

# The processes that see the device mounted. One in a mount namespace of its own keeps the file system alive even after
# it is unmounted here.
seen_by() {
    patterns=$(echo "$devices" | awk '{ print " " $2 " "; print " - [^ ]* " $1 " " }')
    grep -ls -e "$patterns" "$proc"/[0-9]*/mountinfo | sed "s|^$proc/||; s|/.*||"
}

# The processes that have something open at or below a path.
used_by() {
    within 2 find "$proc"/[0-9]*/fd "$proc"/[0-9]*/cwd "$proc"/[0-9]*/root "$proc"/[0-9]*/exe -maxdepth 1 \
        \( -lname "$1" -o -lname "$1/*" \) 2>/dev/null | sed "s|^$proc/||; s|/.*||"
}

# Process ids, one a line, as "sleep (123), bash (124)".
named() {
    sort -un | head -n 5 | while read -r pid; do
        printf '%s (%s)\n' "$(cat "$proc/$pid/comm" 2>/dev/null || echo gone)" "$pid"
    done | paste -sd , - | sed 's/,/, /g'
}

# The processes in the cgroups whose paths match, a line each. Version 1 names a process once for each controller, and
# either version names what it cannot show as 0, which is no process to signal.
in_cgroups() {
    within 2 find "$cgroup" -path "$1" -name cgroup.procs -exec cat {} + 2>/dev/null | awk '$1 > 1 && !seen[$1]++'
}

# The containers' processes, wherever the cgroup driver puts them. Without the sandboxes: in a pod that shares its
# process namespace, the sandbox is the first process, and its end would kill the others at once.
containers() {
    in_cgroups '*kubepods*' | while read -r pid; do
        { read -r name <"$proc/$pid/comm"; } 2>/dev/null || name=
        [ "$name" = pause ] || echo "$pid"
    done
}

# What may outlive the containers: the sandboxes, and in the cgroup of k3s the shims, which wait for a containerd that
# has gone. They run from k3s's data directory, so they keep the volume busy.
leftovers() {
    in_cgroups '*kubepods*'
    in_cgroups '*/k3s.service/*'
}

# Signals the processes whose ids it reads. Some will have ended by then.
signal() {
    while read -r pid; do kill -s "$1" "$pid"; done 2>/dev/null
}

# gone LIST SECONDS: waits until LIST names no process. Fails like "within" after that long, or at the deadline.
gone() {
    last=$(($(now) + $2 * 100))
    [ "$last" -le "$deadline" ] || last=$deadline
    while [ -n "$("$1")" ]; do
        [ "$(now)" -lt "$last" ] || return 124
        sleep 0.2
    done
}

case ${volume#vol-} in
"$volume" | '' | *[!0-9a-f]*) fail "'$volume' is not the id of a volume" ;;
esac
link=$by_id/nvme-Amazon_Elastic_Block_Store_vol${volume#vol-}
[ -e "$link" ] || fail "$volume is not attached: there is no $link"

begin
exec 9>"$run/durin-release.lock"
flock -w 35 9 || fail "another release has not ended for 35 s"
report lock "done"

# The device and everything on top of it: partitions, logical volumes, encrypted ones. A line each: name, number.
devices=$(within 3 lsblk -nrpo NAME,MAJ:MIN "$(readlink -f "$link")" | sort -u)
[ -n "$devices" ] || fail "lsblk knows nothing of $link"
mounted=$(mounts) || fail "cannot read the list of mounts"
case "
$mounted
" in
*"
/
"*) fail "$volume is the root file system" ;;
esac

if [ -e "$marker" ] && [ -z "$mounted$(seen_by)" ]; then
    echo "nothing to do: $volume has been released before"
    exit 0
fi

# The marker comes last: a release that finds it takes the drop-in to be in force.
begin
drop_ins=$run/systemd/system/k3s.service.d
mkdir -p "$drop_ins"
printf '[Unit]\nConditionPathExists=!%s\n' "$marker" >"$drop_ins/durin-released.conf"
within 3 systemctl daemon-reload
reloaded=$?
echo "$volume" >"$marker" || fail "cannot write $marker"
report "keep k3s from starting again" "$(outcome $reloaded)"

begin
within 10 systemctl stop k3s
stopped=$?
report "stop k3s" "$(outcome $stopped)"
if [ $stopped -ne 0 ]; then
    # k3s survives this as it survives a power cut: everything that it has acknowledged is on the volume.
    begin
    within 2 systemctl kill --signal=KILL k3s
    report "kill k3s" "$(outcome $?)"
fi

# k3s leaves its containers running when it stops.
begin
containers | signal TERM
gone containers 5
report "end the containers" "$(outcome $?)"

# A second time for what was forked between the look and the signal.
begin
leftovers | signal KILL
gone leftovers 1
killed=$?
[ $killed -eq 0 ] || leftovers | signal KILL
report "kill the rest of the containers" "$(outcome $killed)"

# It looks for containers below k3s's default data directory only, but cleans up mounts and the network anywhere.
if command -v k3s-killall.sh >/dev/null; then
    begin
    within 5 k3s-killall.sh >/dev/null 2>&1
    report "kill the rest of k3s" "$(outcome $?)"
fi

# With a time limit of its own, so that unmounting has little left to write.
begin
mounts | within 5 xargs -rd '\n' sync -f
report sync "$(outcome $?)"

# Processes killed a moment ago may not be gone yet.
begin
attempts=0
problem=
while mounted=$(mounts) || fail "cannot read the list of mounts"; [ -n "$mounted" ] && [ $attempts -lt 15 ]; do
    [ $attempts -eq 0 ] || sleep 0.2
    attempts=$((attempts + 1))
    problem=$(echo "$mounted" | while read -r path; do within 2 umount "$path" 2>&1; done)
done
if [ -n "$mounted" ]; then
    report unmount "$problem"
    users=$(echo "$mounted" | while read -r path; do used_by "$path"; done | named)
    where=$(echo "$mounted" | paste -sd ' ' -)
    fail "$volume is still mounted at $where, used by ${users:-nothing that has a file open}; k3s stays stopped"
fi
report unmount "done"

users=$(seen_by | named)
[ -z "$users" ] || fail "$volume is still mounted in the mount namespace of $users; k3s stays stopped"

begun=$started
report "released $volume" "in all"
