#!/bin/bash
# Runs the steps of packaging/test.sh inside the Debian root: inside.sh VERSION. Each step prints what it has shown.
set -euo pipefail
version=$1
cd /packages

say() { printf 'ok  %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
# files lists the files on disk, except those that dpkg and the user database change.
files() {
	find / -xdev \( -path /proc -o -path /tmp -o -path /packages -o -path /var/lib/dpkg -o -path /var/log -o -path /var/cache \
		-o -path /var/lib/apt -o -path /sys -o -path /dev \) -prune -o -print |
		grep -vE '^/etc/(passwd|group|shadow|gshadow|subuid|subgid|\.pwd\.lock)-?(\.lock)?$' | sort
}
quietly() { "$@" >/tmp/log 2>&1 || { cat /tmp/log; fail "$*"; }; }

files >/packages/before
quietly dpkg -i old/refmond.deb
quietly dpkg -i old/refmond.deb
say "refmond 0.0.1 installs, twice, without systemd"
[ ! -e asked ] && ! ls -l /proc/[0-9]*/exe 2>/dev/null | grep -q refmond || fail "something was started in a root without systemd"
[ "$(stat -c '%U %a' /var/lib/refmon)" = "refmond 700" ] || fail "the state folder is $(stat -c '%U %a' /var/lib/refmon)"

echo "limits: {connections: 77}" >/etc/refmon/refmond.yaml
python3 upgrade.py /packages/refmond_*.deb || fail "the upgrade under clients"
[ "$(cat /etc/refmon/refmond.yaml)" = "limits: {connections: 77}" ] || fail "the upgrade changed the configuration"
say "an upgrade leaves the configuration"

quietly apt-get install -y --no-install-recommends ./*.deb
for p in refmon refmond refmon-gateway refmon-index; do
	"$p" --help >/dev/null || fail "$p --help"
done
say "apt-get install ./*.deb: $(dpkg-query -f '${Package} ' -W 'refmon*' 'librefmon*' 'python3-refmon')"
modules=$(pkg-config --modversion refmon refmonk | sort -u)
for told in "$(refmon version)" "$(refmon-verify version)" "$(refmond version)" "$(refmon-gateway version)" "$(refmon-index version)"; do
	[[ $told == *" v$version "* ]] || fail "$told: the packages are version $version"
done
[ "$modules" = "$version" ] || fail "pkg-config says $modules, refmon says $version"
say "$(refmon version); pkg-config: $modules"

pages=$(sed -nE 's|^Documentation=file://||p' /usr/lib/systemd/system/refmon*.service)
ls $pages >/dev/null || fail "a unit names a page that no package has"
cd /usr/share/doc/refmon
story=$(refmon run examples/impersonation.star)
[[ $story == *STATUS_ACCESS_DENIED* ]] || fail "refmon run: $story"
say "refmon run examples/impersonation.star"
refmond --demo >/tmp/demo 2>&1 &
demo=$!
for _ in $(seq 300); do ! grep -q 'Ctrl-C ends' /tmp/demo || break; sleep 0.1; done
ln -s /usr/share/doc/refmon/examples /tmp/examples
(cd /tmp && REFMON_SOCKET=$(sed -nE 's/.*REFMON_SOCKET=(.*)/\1/p' /tmp/demo) python3 /packages/pages.py /usr/share/doc/refmon/docs/README.md) || fail "docs/README.md"
kill -INT $demo
wait $demo || fail "refmond --demo: $(cat /tmp/demo)"
grep -q 'payroll: STATUS_ACCESS_DENIED' /tmp/demo && [ -z "$(ls -d /tmp/refmond-demo-* 2>/dev/null)" ] || fail "refmond --demo: $(cat /tmp/demo)"
say "refmond --demo, and it cleans up"

cd /tmp
cc /packages/example.c $(pkg-config --cflags --libs refmon) -o example
[ "$(./example | sed -n 2p)" = "as the process: 0x00000000" ] || fail "the C example says $(./example)"
[ "$(objdump -p example | sed -nE 's/.*NEEDED *(librefmon.*)/\1/p')" = librefmon.so.0 ] || fail "the example needs another SONAME"
say "the C example, by pkg-config, needs librefmon.so.0"
told=$(python3 -c '
from refmon import native
token = native.HANDLE()
native.ImpersonateSelf(native.SecurityIdentification)
status = native.NtOpenThreadToken(native.NtCurrentThread, native.TOKEN_QUERY, False, token)
print(status)')
[ "$told" = STATUS_BAD_IMPERSONATION_LEVEL ] || fail "refmon.native: $told"
say "refmon.native, by ctypes"
bash /packages/formats.sh /packages/formats /packages/old/refmond.deb /packages/refmond_*.deb || fail "files of other releases"
apt-get -s remove refmond >/dev/null || fail "apt-get -s remove"

quietly dpkg --remove refmon refmond librefmon-dev librefmon0 python3-refmon
left=$(files | comm -13 /packages/before - | tr '\n' ' ')
want="/etc/apparmor.d /etc/apparmor.d/refmon-gateway /etc/apparmor.d/refmond /etc/refmon /etc/refmon/gateway.yaml /etc/refmon/refmond.yaml "
[[ $left == "$want"/var/lib/refmon* ]] || fail "remove leaves $left"
say "remove leaves the configuration and the state folder"
echo secret >/etc/refmon/tls.key
quietly dpkg --purge refmond
[ "$(cat /etc/refmon/tls.key)" = secret ] || fail "purge removed a key of the administrator"
rm -r /etc/refmon
quietly dpkg --purge refmon librefmon-dev librefmon0 python3-refmon
left=$(files | comm -13 /packages/before - | grep -v '^/var/lib/refmon' || true)
[ -z "$left" ] || fail "purge leaves $left"
[ -s /var/lib/refmon/accounts.db ] || fail "the accounts are gone"
[ -z "$(files | comm -23 /packages/before - | grep -v '^/var/lib/refmon' || true)" ] || fail "purge took something away"
say "purge leaves the state folder alone, with its accounts, and the administrator's keys"
cd /packages
quietly dpkg -i refmond_*.deb
[ "$(stat -c '%U' /var/lib/refmon/accounts.db)" = refmond ] || fail "the accounts have another owner"
say "installed again, it has the accounts that were there"

# Use a systemctl that logs its arguments, and a policy-rc.d that forbids everything.
quietly dpkg --purge refmond
mkdir -p /run/systemd/system
printf '#!/bin/sh\necho "$*" >>/packages/systemctl\ncase "$*" in *is-enabled*) echo enabled ;; list-units*) echo "refmond-mount@srv-p.service loaded active running" ;; esac\n' >/usr/bin/systemctl
chmod +x /usr/bin/systemctl
: >systemctl
quietly dpkg -i refmond_*.deb
[ "$(grep -c ' start' asked)" = 2 ] && ! grep -qE '(^| )(re)?start ' systemctl || fail "policy-rc.d: $(cat asked systemctl)"
grep -q 'preset refmond.socket' systemctl && ! grep -q 'preset.*gateway' systemctl || fail "enabled: $(cat systemctl)"
say "policy-rc.d is asked, and obeyed"
rm /usr/sbin/policy-rc.d
: >systemctl
quietly dpkg -i refmond_*.deb
grep -q 'restart.* refmond.service' systemctl && ! grep -q 'restart.*refmond.socket' systemctl || fail "an upgrade asks systemd for $(cat systemctl)"
grep -q 'refmond-mount@srv-p.service still runs the old program' /tmp/log && ! grep -q 'restart.*refmond-mount' systemctl ||
	fail "an upgrade says of the mounts: $(cat /tmp/log systemctl)"
say "an upgrade restarts the service and leaves its sockets and mounts"
quietly dpkg --remove refmond
grep -q 'refmond-mount@srv-p.service ends' /tmp/log && grep -q 'stop refmond-mount@\*.service .*refmon-index-follow' systemctl &&
	grep -q 'disable refmond-mount@.service .*refmon-index-follow' systemctl || fail "removal: $(cat /tmp/log systemctl)"
: >systemctl
quietly dpkg -i refmond_*.deb
grep -qE '(^| )start refmond.socket' systemctl || fail "an installation after a removal asks systemd for $(cat systemctl)"
say "an installation after a removal starts the socket again"
quietly dpkg --purge refmond
grep -q 'stop.*refmond.socket' systemctl && [ -z "$(find /etc/systemd/system /var/lib/systemd -name '*refmon*' 2>/dev/null)" ] ||
	fail "after purge: $(find /etc/systemd/system /var/lib/systemd -name '*refmon*'; cat systemctl)"
say "removal stops what ran, purge disables it"
