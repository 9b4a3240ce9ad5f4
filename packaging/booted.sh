#!/bin/bash
# Runs the steps of packaging/boot.sh inside the virtual machine, as root under systemd. It prints a line for each
# failure, then a table with a row for each unit, and last "RESULT: N failed".
set -uo pipefail
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive HOME=/root
failed=0 names=(active restart reload kill request score write journal stop)
declare -A cell

say() { printf '%4d s  %s\n' "$SECONDS" "$*"; }
fail() { failed=$((failed + 1)); say "FAILED: $*"; }
pid() { systemctl show -p MainPID --value "$1"; }
# until_true N COMMAND... repeats the command until it succeeds, for N seconds.
until_true() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/tmp/until 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.3
	done
}
# mark UNIT CHECK COMMAND... notes whether the command succeeds.
mark() {
	local unit=$1 check=$2
	shift 2
	if "$@" >/tmp/out 2>&1; then
		cell[$unit,$check]=yes
	else
		cell[$unit,$check]=FAILED
		fail "$unit: $check: $(tail -n 5 /tmp/out /tmp/until 2>/dev/null)"
		journalctl -q -u "$unit" -n 8 --no-pager -o cat
	fi
}

# units prints the units in the order of their start.
units() {
	echo refmond refmon-gateway refmond-mount@srv-shared
	echo refmon-index-{broker,keep,directory,watch,work,follow}
}

active() { systemctl start "$1" && is_ready "$1"; }
# is_ready reports whether the unit is active. A unit of type simple is active before it is ready, so it must stay so.
is_ready() {
	[ "$(systemctl show -p ActiveState --value "$1")" = active ] || return 1
	[ "$(systemctl show -p Type --value "$1")" = notify ] && return
	local before
	before=$(pid "$1")
	sleep 5
	[ "$(pid "$1")" = "$before" ] || { echo "it ended within 5 s"; return 1; }
}
restart() {
	local before
	before=$(pid "$1")
	systemctl restart "$1" && is_ready "$1" && [ "$(pid "$1")" != "$before" ]
}
reload() {
	local before
	before=$(pid "$1")
	systemctl reload "$1" && is_ready "$1" && [ "$(pid "$1")" = "$before" ]
}
killed() {
	local before
	before=$(pid "$1")
	[ "$before" -gt 1 ] || { echo "it has no process"; return 1; }
	kill -9 "$before" && until_true 60 other_process "$1" "$before"
}
other_process() { [ "$(pid "$1")" != "$2" ] && [ "$(pid "$1")" != 0 ] && is_ready "$1"; }
score() {
	local x
	x=$(systemd-analyze security --no-pager "$1" | sed -nE 's/.*exposure level for [^:]*: ([0-9.]+).*/\1/p')
	printf '%s' "$x" >/tmp/score
	awk -v x="$x" 'BEGIN { exit !(x != "" && x <= 3.0) }'
}
# confined checks that the process has the capabilities of its unit, a filter of system calls and no new privileges, and
# that root in its mount namespace can write neither to /etc nor to another unit's state.
confined() {
	local p bounds want
	p=$(pid "$1")
	grep -q '^Seccomp:.*2$' "/proc/$p/status" && grep -q '^NoNewPrivs:.*1$' "/proc/$p/status" || { echo "no filter"; return 1; }
	bounds=$(sed -nE 's/^CapBnd:\s*//p' "/proc/$p/status")
	want=$(case $1 in
	refmond-mount@* | refmond) echo 000000000020000e ;;
	refmon-gateway) echo 0000000000000400 ;;
	refmon-index-watch) echo 0000000000200004 ;;
	*) echo 0000000000000000 ;;
	esac)
	[ "$bounds" = "$want" ] || { echo "capabilities $bounds, want $want"; return 1; }
	[[ $1 != refmond-mount@* ]] || return 0 # it has no mount namespace: docs/threats.md
	for f in /etc/planted /usr/planted /var/lib/planted; do
		! nsenter -t "$p" -m -- touch "$f" || { echo "wrote $f"; return 1; }
	done
}
logged() { [ "$(journalctl -q -o cat -u "$1" _UID="$(ps -o uid= -p "$(pid "$1")" | tr -d ' ')" | wc -l)" -gt 0 ]; }
stopped() {
	local p sockets
	p=$(pid "$1")
	sockets=$(ss -Hlnptx | grep "pid=$p," | awk '{print $5}')
	[ "$1" != refmond ] || systemctl stop refmond.socket
	systemctl stop "$1" || return 1
	[ ! -e "/proc/$p" ] && [ "$(systemctl show -p ActiveState --value "$1")" = inactive ] || { echo "it still runs"; return 1; }
	[ "$1" != refmond ] || [ ! -e /run/refmon/refmond.sock ] || { echo "/run/refmon/refmond.sock is left"; return 1; }
	local s
	for s in $sockets; do
		[[ $s != /* ]] || [ ! -e "$s" ] || { echo "$s is left"; return 1; }
	done
	[ "$1" != refmond-mount@srv-shared ] || ! mountpoint -q /srv/shared || { echo "the mount is left"; return 1; }
}

# request UNIT makes a client's request through the socket of the unit, as an ordinary user if it has such clients.
request() {
	case $1 in
	refmond) until_true 60 runuser -u alice -- refmond sessions && runuser -u alice -- refmond ps ;;
	refmon-gateway)
		local as="curl -m 60 -sSf --cacert /var/lib/refmon-gateway/loopback.pem"
		until_true 90 $as -u alice:alices-password https://localhost:8443/projects/ || { cat /tmp/until; return 1; }
		echo "the plan" >/tmp/plan.txt
		$as -u alice:alices-password -T /tmp/plan.txt https://localhost:8443/projects/plan.txt &&
			[ "$($as -u bob:bobs-password https://localhost:8443/projects/plan.txt)" = "the plan" ] &&
			! $as -u bob:bobs-password -T /tmp/plan.txt https://localhost:8443/projects/plan.txt
		;;
	refmond-mount@*)
		until_true 60 mountpoint -q /srv/shared || return 1
		runuser -u alice -- sh -c 'echo note >/srv/shared/note' && runuser -u bob -- cat /srv/shared/note && ! runuser -u bob -- sh -c 'echo x >/srv/shared/note'
		;;
	refmon-index-*)
		# An answer needs all stages. A write beyond the previous answers shows that the stage passes on what it gets.
		local f
		f=/srv/docs/$1.$RANDOM
		echo x >"$f"
		chmod 600 "$f"
		chown alice "$f"
		# A slow machine's index may be stale for a moment, which is "no" with the reason.
		until_true 120 says yes "$f" alice && ! says yes "$f" bob && until_true 60 says no "$f" bob
		;;
	esac
}
says() {
	[ "$(timeout 60 refmon-index can-read "//$(hostname)$2" "$3" --state /var/lib/refmon-index/follow --limit 30s)" = "$1" ]
}

# configure follows docs/install.md, docs/gateway.md, docs/mount.md and docs/search.md.
configure() {
	useradd -m alice
	useradd -m bob
	install -d -m 0700 -o refmond -g refmond /srv/projects
	install -d -m 0700 /srv/shared
	install -d -m 0755 /srv/docs
	local sddl="O:BAG:BAD:P(A;OICI;FA;;;S-1-22-1-$(id -u alice))(A;OICI;0x1200a9;;;WD)"
	refmon acl set --offline /srv/projects "$sddl" && refmon acl set --offline /srv/shared "$sddl" || return 1
	install -D -m 0644 /usr/share/doc/refmond/refmond-trees.conf /etc/systemd/system/refmond.service.d/trees.conf
	printf 'trees:\n  projects:\n    path: /srv/projects\naudit:\n  policy: {File System: both}\n' >/etc/refmon/refmond.yaml
	printf 'owner: %s\ntrees: [projects]\nstate: /var/lib/refmon-gateway\n' "$(id -u refmond)" >/etc/refmon/gateway.yaml
	systemctl daemon-reload
	systemctl restart refmond || return 1
	local as="runuser -u refmond -- refmond"
	echo alices-password | $as account add alice --password && echo bobs-password | $as account add bob --password &&
		$as account right grant "S-1-22-1-$(id -u refmon-gateway)" SeImpersonatePrivilege || return 1
	# The account alice of refmond is another user than the uid alice.
	local sid
	sid=$($as account list | awk '$1 == "alice" { for (i = 1; i <= NF; i++) if ($i ~ /^S-1-5-21/) print $i }')
	[ -n "$sid" ] || { $as account list; return 1; }
	refmon acl set --offline /srv/projects "O:BAG:BAD:P(A;OICI;FA;;;$sid)(A;OICI;0x1200a9;;;WD)" || return 1
	printf 'users:\n- {name: alice, sid: S-1-5-21-1-2-3-1107, uid: %s}\n- {name: bob, sid: S-1-5-21-1-2-3-1108, uid: %s}\n' \
		"$(id -u alice)" "$(id -u bob)" >/tmp/company.yaml
	cat >/tmp/site.yaml <<-END
		directory: /etc/refmon-index/company.yaml
		machines:
		  $(hostname): {runs: [broker, watch, directory, work, follow], address: 127.0.0.1, trees: [/srv/docs]}
	END
	refmon-index site /tmp/site.yaml /tmp/site || return 1
	mkdir -p /etc/refmon-index
	cp /tmp/company.yaml /etc/refmon-index/
	tar -cC "/tmp/site/$(hostname)" . | tar -xoC /etc/refmon-index --no-overwrite-dir && sh /etc/refmon-index/install.sh || return 1
	# A site with a broker has no keep. Its configuration is that of another client, and the key is the broker's.
	sed '/^name:/d' /etc/refmon-index/work.yaml >/etc/refmon-index/keep.yaml
	chmod --reference=/etc/refmon-index/work.yaml /etc/refmon-index/keep.yaml
	chown --reference=/etc/refmon-index/work.yaml /etc/refmon-index/keep.yaml
}

main() {
	local u c
	say "$(systemctl --version | head -n 1), Linux $(uname -r), AppArmor: $(cat /sys/module/apparmor/parameters/enabled)"
	dpkg -i /packages/*.deb >/tmp/out 2>&1 || { fail "dpkg -i: $(cat /tmp/out)"; return; }
	systemctl -q is-active refmond.socket refmond.service && systemctl -q is-enabled refmond.socket refmond.service ||
		fail "refmond does not run after its installation"
	say "the packages are installed, and refmond runs"
	configure >/tmp/configure 2>&1 || { fail "the first configuration: $(tail -n 20 /tmp/configure)"; journalctl -q -n 20 --no-pager; return; }
	say "configured"
	for u in $(units); do
		mark "$u" active active "$u"
		[ "${cell[$u,active]}" != yes ] || cell[$u,active]=$(systemctl show -p Type --value "$u")
	done
	for u in $(units); do
		say "$u"
		mark "$u" request request "$u"
		mark "$u" restart restart "$u"
		if [ "$(systemctl show -p CanReload --value "$u")" = yes ]; then mark "$u" reload reload "$u"; else cell[$u,reload]=-; fi
		mark "$u" kill killed "$u"
		mark "$u" request request "$u"
		mark "$u" score score "$u"
		[ "${cell[$u,score]}" != yes ] || cell[$u,score]=$(cat /tmp/score)
		mark "$u" write confined "$u"
		mark "$u" journal logged "$u"
	done
	for u in $(units | tr ' ' '\n' | tac); do mark "$u" stop stopped "$u"; done
	[ -z "$(ps -eo comm= | grep -E '^refmon')" ] || fail "left: $(ps -eo pid,user,args | grep '[r]efmon')"
	printf '\n%-26s' unit
	printf ' %-8s' "${names[@]}"
	echo
	for u in $(units); do
		printf '%-26s' "$u"
		for c in "${names[@]}"; do printf ' %-8s' "${cell[$u,$c]:-}"; done
		echo
	done
}

main
echo "RESULT: $failed failed"
