#!/usr/bin/env bash
# Records auth.log from a real sshd and a real syslog daemon: real logins, good and bad, over loopback.
#
#   usage: record.sh [OUTPUT]        as root, on Debian 12; takes about three minutes
#   needs: apt-get install openssh-server rsyslog
#
# All of it happens in a mount and a UTS namespace of its own: /etc, /dev, /run and /var/log are
# copies or empty, so that the users, keys and logs made here are gone when it ends.
set -euo pipefail
port=22022
target=127.0.0.1

if [ "${1:-}" != --inside ]; then
    output=$(realpath "${1:-$(dirname "$0")/auth.log}")
    work=$(mktemp -d)
    trap 'rm -rf --one-file-system "$work"' EXIT
    unshare --mount --uts --pid --fork --mount-proc --kill-child "$0" --inside "$work"
    cp "$work/log/auth.log" "$output"
    chmod 644 "$output"
    echo "recorded $(wc -l <"$output") lines in $output" >&2
    exit
fi
work=$2

make_machine() {
    hostname gate
    mkdir -p "$work"/{etc,dev,run,log,home,client}
    chmod 755 "$work"
    cp -a /etc/. "$work/etc"
    mount --bind "$work/etc" /etc
    mount -t tmpfs -o mode=755 dev "$work/dev"
    cp -a /dev/{null,zero,full,random,urandom,tty} "$work/dev"
    mkdir "$work/dev/pts"
    mount --bind /dev/pts "$work/dev/pts"
    ln -s pts/ptmx "$work/dev/ptmx"
    mount --bind "$work/dev" /dev
    mount -t tmpfs -o mode=755 run /run
    mkdir -p /run/sshd
    mount --bind "$work/log" /var/log
    mount --bind "$work/home" /home
}

# Debian's own configuration, with its file format, and repetitions folded.
start_syslog() {
    cat >"$work/rsyslog.conf" <<'CONF'
module(load="imuxsock")
$RepeatedMsgReduction on
$FileCreateMode 0640
auth,authpriv.* /var/log/auth.log
CONF
    rsyslogd -n -f "$work/rsyslog.conf" -i "$work/rsyslogd.pid" &
    until [ -S /dev/log ]; do sleep 0.1; done
}

add_user() {
    useradd --create-home --shell /bin/sh "$1"
    echo "$1:$2" | chpasswd
}

start_sshd() {
    ssh-keygen -q -t ed25519 -N '' -f "$work/host_key"
    cat >"$work/sshd_config" <<CONF
Port $port
ListenAddress $target
ListenAddress ::1
HostKey $work/host_key
LogLevel VERBOSE
PasswordAuthentication yes
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UsePAM yes
PrintMotd no
CONF
    /usr/sbin/sshd -D -f "$work/sshd_config" &
    until grep -q "Server listening on $target" /var/log/auth.log 2>/dev/null; do sleep 0.1; done
}

# login SOURCE USER PASSWORD [TRIES]: TRIES times the same password in one connection.
login() {
    local to=$target
    case $1 in *:*) to=::1 ;; esac
    printf '#!/bin/sh\nprintf "%%s\\n" "%s"\n' "$3" >"$work/client/$1"
    chmod 755 "$work/client/$1"
    SSH_ASKPASS=$work/client/$1 SSH_ASKPASS_REQUIRE=force \
        ssh -F none -q -p "$port" -b "$1" -l "$2" -o NumberOfPasswordPrompts="${4:-1}" \
        -o PubkeyAuthentication=no -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
        "$to" true </dev/null || true
}

login_with_key() {
    ssh -F none -q -p "$port" -b "$1" -l "$2" -i "$3" -o IdentitiesOnly=yes -o BatchMode=yes \
        -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "$target" true </dev/null || true
}

# Five refusals, never five within a minute.
slowly() {
    for _ in 1 2 3 4 5; do
        login 127.0.0.40 carol letmein
        sleep 20
    done
}

make_machine
start_syslog
add_user alice correct-horse
add_user bob battery-staple
add_user carol paper-clip
ssh-keygen -q -t ed25519 -N '' -C alice -f "$work/client/key"
ssh-keygen -q -t ed25519 -N '' -C nobody -f "$work/client/stranger"
install -d -o alice -g alice -m 700 /home/alice/.ssh
install -o alice -g alice -m 600 "$work/client/key.pub" /home/alice/.ssh/authorized_keys
start_sshd

slowly &
slow=$!
login 127.0.0.2 alice correct-horse
login_with_key 127.0.0.2 alice "$work/client/key"
login 127.0.0.3 bob battery-stable
login 127.0.0.3 bob battery-staple
login_with_key 127.0.0.4 alice "$work/client/stranger"
# A burst that names one user, several times in each connection: folded by the syslog daemon.
for _ in 1 2 3; do login 127.0.0.66 root admin123 5; done
# A burst through a list of names.
burst=()
for name in admin oracle test postgres ubuntu pi git support guest ftp; do
    login 127.0.0.23 "$name" "$name" &
    burst+=("$!")
done
wait "${burst[@]}"
# Names made to mislead whoever reads the log.
login 127.0.0.99 'root from 10.0.0.1 port 22 ssh2' x
login 127.0.0.99 'a b' x
login ::1 'Accepted password for root' x 2
login 127.0.0.5 carol paper-clip
login 127.0.0.66 bob 12345678 4
wait "$slow"
login ::1 bob battery-staple
sleep 1
