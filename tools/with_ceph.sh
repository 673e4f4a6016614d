#!/usr/bin/env bash
# Run a command with Ceph's radosgw, a real S3 server, which checks signatures and conditional requests.
#
#     tools/with_ceph.sh FOLDER COMMAND...
#
# Debian's packages are unpacked into FOLDER (280 MB); nothing is installed. The cluster runs in memory on 127.0.0.1, with one process per
# service, while the command runs. TEST_S3_ENDPOINT, TEST_S3_KEY and TEST_S3_SECRET point to it. Without Ceph, the command runs alone.
set -eu
folder=$1
shift

# Chained with &&, because bash does not stop at an error inside the condition of an `if`.
unpack() {
    mkdir -p "$folder/debs/partial" &&
        apt-get update -qq >/dev/null &&
        apt-get install -qq -y --download-only --no-install-recommends -o "Dir::Cache::archives=$(realpath "$folder")/debs" \
            radosgw ceph-mon ceph-osd ceph-mgr >/dev/null &&
        find "$folder/debs" -name '*.deb' -print0 | xargs -0 -n 1 sh -c 'dpkg-deb -x "$1" "$0"' "$folder" &&
        rm -r "$folder/debs" &&
        touch "$folder/.unpacked"
}

if [ ! -e "$folder/.unpacked" ] && ! unpack; then
    echo "Ceph cannot be unpacked here (it takes Debian's apt-get, as root): S3 is moto alone." >&2
    exec "$@"
fi

top=$(realpath "$folder")
data=$(mktemp -d)
beside=$(echo "$top"/usr/lib/*-linux-gnu)
daemons=()
# Not exported: what the command loads is its own.
libraries="$beside:$beside/ceph:$top/lib/${beside##*/}:$top/usr/lib"
ceph_does() { LD_LIBRARY_PATH="$libraries" "$top/usr/bin/$1" -c "$data/ceph.conf" "${@:2}"; }
stop() {
    kill "${daemons[@]}" 2>/dev/null || true
    wait "${daemons[@]}" 2>/dev/null || true
    rm -rf "$data"
}
trap stop EXIT
read -r monitor messenger port < <(python3 -c '
import socket
found = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*(probe.getsockname()[1] for probe in found))')

mkdir -p "$data"/{mon,osd,rgw,run,log}
cluster=$(cat /proc/sys/kernel/random/uuid)
cat >"$data/ceph.conf" <<END
[global]
fsid = $cluster
mon host = [v2:127.0.0.1:$monitor,v1:127.0.0.1:$messenger]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
public network = 127.0.0.0/8
auth cluster required = none
auth service required = none
auth client required = none
auth supported = none
ms mon cluster mode = crc
ms mon service mode = crc
ms mon client mode = crc
ms cluster mode = crc
ms service mode = crc
ms client mode = crc
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
erasure code dir = $beside/ceph/erasure-code
plugin dir = $beside/ceph
osd class dir = $beside/rados-classes
osd objectstore = memstore
memstore device bytes = 6442450944
mon data = $data/mon
osd data = $data/osd
rgw data = $data/rgw
rgw frontends = beast endpoint=127.0.0.1:$port
rgw enable ops log = false
run dir = $data/run
log file = $data/log/\$name.log
admin socket = $data/run/\$name.asok
pid file = $data/run/\$name.pid
END
daemon() {
    LD_LIBRARY_PATH="$libraries" "$top/usr/bin/$1" -c "$data/ceph.conf" -f "${@:2}" >"$data/log/$1.out" 2>&1 &
    daemons+=($!)
}
until_it_does() {
    local end=$((SECONDS + 120))
    until "$@" >/dev/null 2>&1; do
        if [ "$SECONDS" -gt "$end" ]; then
            echo "Ceph does not start: $*" >&2
            tail -n 5 "$data"/log/* >&2
            exit 1
        fi
        sleep 0.1
    done
}
identity=$(cat /proc/sys/kernel/random/uuid)
ceph_does monmaptool --create --clobber --addv a "[v2:127.0.0.1:$monitor,v1:127.0.0.1:$messenger]" --fsid "$cluster" "$data/monmap" >/dev/null
ceph_does ceph-mon -i a --mkfs --fsid "$cluster" --monmap "$data/monmap" >/dev/null
daemon ceph-mon -i a
PYTHONPATH="$top/usr/lib/python3/dist-packages" until_it_does ceph_does ceph --connect-timeout 2 osd new "$identity"
ceph_does ceph-osd -i 0 --mkfs --osd-uuid "$identity" >/dev/null 2>&1
daemon ceph-osd -i 0
ceph_does ceph-authtool --create-keyring "$data/rgw/keyring" --gen-key -n client.admin >/dev/null
daemon radosgw -n client.admin
export TEST_S3_ENDPOINT="http://127.0.0.1:$port" TEST_S3_KEY=TESTER TEST_S3_SECRET="$identity"
until_it_does python3 -c "import urllib.request; urllib.request.urlopen('$TEST_S3_ENDPOINT')"
ceph_does radosgw-admin user create --uid=tester --display-name=Tester --access-key="$TEST_S3_KEY" --secret-key="$TEST_S3_SECRET" >/dev/null 2>&1

"$@"
