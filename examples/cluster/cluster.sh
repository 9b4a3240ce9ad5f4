#!/bin/sh
# Runs an index for many machines on one: three NATS servers, a watcher, a directory source, two
# workers and a follower, each as a process with the files that refmon-index site wrote. It kills one NATS server and one worker, and shows that
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
state=$dir/search1/state/follow

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

# Each machine has folders of its own here. On machines of their own the files go to /etc/refmon-index.
folders() { echo "folder: $dir/$1/etc, state: $dir/$1/state"; }
cat >"$dir/site.yaml" <<END
directory: $dir/company.yaml
machines:
  mq1: {runs: [broker], address: $first, $(folders mq1)}
  mq2: {runs: [broker], address: $second, $(folders mq2)}
  mq3: {runs: [broker], address: $third, $(folders mq3)}
  files1: {runs: [watch], trees: [$dir/srv], noEvents: true, every: 200ms, $(folders files1)}
  search1: {runs: [directory, follow], $(folders search1)}
  work1: {runs: [work], $(folders work1)}
  work2: {runs: [work], $(folders work2)}
END
"$index" site "$dir/site.yaml" "$dir/out" >"$dir/site.log"
for m in mq1 mq2 mq3 files1 search1 work1 work2; do
	mkdir -p "$dir/$m/etc" "$dir/$m/state"
	tar -cC "$dir/out/$m" . | tar -xC "$dir/$m/etc"
done

started=
trap 'for p in $started; do kill -9 "$p" 2>/dev/null || :; done; wait' EXIT
trap 'exit 130' INT TERM
# start MACHINE COMMAND starts a program as the machine's unit does, logs its messages to a file, and sets $pid.
start() {
	"$index" "$2" --config "$dir/$1/etc/$2.yaml" 2>"$dir/$1-$2.log" &
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

echo "three NATS servers choose a leader"
start mq1 broker
start mq2 broker
start mq3 broker
killed=$pid
start files1 watch
start search1 directory
start work1 work
worker=$pid
start work2 work
start search1 follow

until_says yes ask plan alice
until_says no ask sub/payroll alice
echo "alice may read plan, and not payroll"

kill -9 "$killed" "$worker"
chmod 600 "$dir/srv/plan"
chmod 644 "$dir/srv/sub/payroll"
until_says yes ask sub/payroll alice
until_says no ask plan alice
echo "one of three NATS servers and one of two workers were killed: payroll is hers, plan is not"
