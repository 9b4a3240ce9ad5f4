#!/bin/sh
# Runs an index for many machines on one: three NATS servers, a watcher, a directory source, two
# workers and a follower, each as a process. It kills one NATS server and one worker, and shows that
# queries still get answers.
#
#   sh examples/cluster/cluster.sh [FOLDER]
#
# It uses the refmon-index that REFMON_INDEX names or that is in PATH, or else builds it with Go. It listens on the
# ports 4222 and 6222 of ADDRESS (127.0.0.1) and of the next two addresses.
set -eu
dir=$(realpath -m "${1:-$(mktemp -d)}")
index=${REFMON_INDEX:-$(command -v refmon-index || :)}
address=${ADDRESS:-127.0.0.1}
net=${address%.*} last=${address##*.}
first=$net.$last second=$net.$((last + 1)) third=$net.$((last + 2))
site=$dir/site state=$dir/state

if [ -z "$index" ]; then
	mkdir -p "$dir"
	index=$dir/refmon-index
	echo "building refmon-index"
	go build -C "$(dirname "$0")/../../server" -o "$index" ./cmd/refmon-index
fi
echo "the files, the state and the logs are in $dir"
mkdir -p "$dir/srv/sub"
echo budget >"$dir/srv/plan"
echo salaries >"$dir/srv/sub/payroll"
chmod 644 "$dir/srv/plan"
chmod 600 "$dir/srv/sub/payroll"
printf 'users:\n- {name: alice, sid: S-1-5-21-1-2-3-1107}\n- {name: bob, sid: S-1-5-21-1-2-3-1108}\n' >"$dir/company.yaml"

"$index" site "$site" --host "files1=$dir/srv" --server "$first:4222" --server "$second:4222" --server "$third:4222"

started=
trap 'for p in $started; do kill -9 "$p" 2>/dev/null || :; done; wait' EXIT
# start NAME ARGUMENT... starts a process, logs its messages to a file, and sets $pid.
start() {
	log=$dir/$1.log
	shift
	"$index" "$@" --site "$site" 2>"$log" &
	pid=$!
	started="$started $pid"
}

# until_says WANT COMMAND... repeats a command until its output begins with WANT, for a minute.
until_says() {
	want=$1
	shift
	tries=0
	while :; do
		said=$("$@" 2>&1) || :
		case $said in "$want"*) break ;; esac
		tries=$((tries + 1))
		if [ $tries -gt 600 ]; then
			echo "it still says: $said" >&2
			tail -n 5 "$dir"/*.log >&2
			exit 1
		fi
		sleep 0.1
	done
}
ask() { "$index" can-read "//files1$dir/srv/$1" "$2" --state "$state" --limit 5s; }

echo "three message servers choose a leader"
start server1 broker --name n1 --listen "$first:4222" --cluster "$first:6222" --route "$second:6222" --store "$dir/n1"
start server2 broker --name n2 --listen "$second:4222" --cluster "$second:6222" --route "$first:6222" --store "$dir/n2"
start server3 broker --name n3 --listen "$third:4222" --cluster "$third:6222" --route "$first:6222" --store "$dir/n3"
killed=$pid
until_says the sh -c "sed -n 's/^refmon-index: the streams/the streams/p' '$dir/server1.log'"

start watch watch --host files1 --no-events --every 200ms
start directory directory --directory "$dir/company.yaml"
start work1 work --name w1
worker=$pid
start work2 work --name w2
start follow follow --state "$state"

until_says yes ask plan alice
until_says no ask sub/payroll alice
echo "alice may read plan, and not payroll"

kill -9 "$killed" "$worker"
chmod 600 "$dir/srv/plan"
chmod 644 "$dir/srv/sub/payroll"
until_says yes ask sub/payroll alice
until_says no ask plan alice
echo "one of three message servers and one of two workers were killed: payroll is hers, plan is not"
