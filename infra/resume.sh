#!/bin/sh
# Has an instance serve again that has let go of its node's data volume although nobody followed. Its argument is the
# volume, vol-….
#
# What a release leaves behind, it leaves in /run: the marker and the drop-in that keep k3s from starting. A reboot clears
# both and starts everything as the image does, whatever that is. Systems Manager reboots the instance when a script exits
# with 194, and runs it again afterwards: then there is no marker, and the command has succeeded. (Systems Manager User
# Guide, "Rebooting your managed node from scripts".)

set -u
LC_ALL=C
export LC_ALL

volume=${1:-}
marker=${DURIN_RUN:-/run}/durin-released

if [ ! -e "$marker" ]; then
    echo "nothing to do: $volume has not been released since this instance booted"
    exit 0
fi
echo "$volume was released, and nobody has taken it over: rebooting"
exit 194
