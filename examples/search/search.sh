#!/bin/sh
# Shows full-text search in which each user finds only documents that the user may read. It creates a
# database and an index, searches as three users, and then removes a right.
#
#   sh examples/search/search.sh [FOLDER]
#
# Run it as root. It needs Debian's package postgresql. It uses the refmon-index that REFMON_INDEX names
# or that is in PATH, or else builds it with Go. All its files are in FOLDER, which must be
# empty or not exist yet. Without FOLDER it uses a temporary one, and removes it if all went well.
set -eu
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1)
[ -n "$bin" ] || { echo "PostgreSQL is not here: apt-get install postgresql" >&2 && exit 2; }
[ "$(id -u)" = 0 ] || { echo "run this as root: it gives files to three users, and hears of all changes" >&2 && exit 2; }
given=${1:-}
case $given in *[!A-Za-z0-9._/-]*) echo "$given: use a path of letters, digits and . _ / -" >&2 && exit 2 ;; esac
if [ -n "$given" ] && [ -n "$(ls -A "$given" 2>/dev/null)" ]; then
	echo "$given is not empty: name a new folder" >&2 && exit 2
fi
dir=$(realpath -m "${given:-$(mktemp -d)}")
index=${REFMON_INDEX:-$(command -v refmon-index || :)}
if [ -z "$index" ]; then
	mkdir -p "$dir"
	index=$dir/refmon-index
	echo "building refmon-index"
	go build -C "$(dirname "$0")/../../server" -o "$index" ./cmd/refmon-index
fi
as="setpriv --reuid postgres --regid postgres --init-groups"
to="host=$dir/pg dbname=postgres user"

mkdir -p "$dir/srv" "$dir/pg"
chmod 755 "$dir"
chown postgres "$dir/pg"
put() { # NAME UID MODE WORDS
	echo "$4" >"$dir/srv/$1"
	chown "$2" "$dir/srv/$1"
	chmod "$3" "$dir/srv/$1"
}
put plan 4001 600 'the budget of the year'
put offer 4002 600 'a budget for the roof'
put lunch 4001 644 'no budget for lunch'
cat >"$dir/company.yaml" <<-END
	users:
	- {name: alice, sid: S-1-5-21-1-2-3-1107, uid: 4001}
	- {name: bob, sid: S-1-5-21-1-2-3-1108, uid: 4002}
	- {name: carol, sid: S-1-5-21-1-2-3-1109, uid: 4003}
END

run=
end() {
	code=$?
	[ -z "$run" ] || kill "$run" 2>/dev/null || :
	wait
	(cd "$dir/pg" && $as "$bin/pg_ctl" -D "$dir/pg/data" -m immediate stop >/dev/null 2>&1) || :
	if [ "$code" != 0 ]; then
		echo "the logs are in $dir" >&2
	elif [ -z "$given" ]; then
		rm -rf "$dir"
	fi
}
trap end EXIT
trap 'exit 130' INT TERM

# Create a database without a port. Role keeper writes the index. Role app reads the index and its own pages.
(cd "$dir/pg" && $as "$bin/initdb" -D "$dir/pg/data" -U admin -A trust -E UTF8 --no-sync >/dev/null)
(cd "$dir/pg" && $as "$bin/pg_ctl" -D "$dir/pg/data" -w -t 120 -l "$dir/pg/log" \
	-o "-c listen_addresses='' -k '$dir/pg'" start >/dev/null)
psql -q "$to=admin" <<-END
	create role keeper login;
	create role app login;
	grant create on database postgres to keeper;
	create table pages (id text primary key, words tsvector);
	grant select on pages to app;
END
for f in "$dir"/srv/*; do
	psql -q "$to=admin" -v id="$f" -v words="$(cat "$f")" <<-END
		insert into pages values (:'id', to_tsvector('english', :'words'));
	END
done

"$index" run --tree "$dir/srv" -d "$dir/company.yaml" --state "$dir/state" --postgres "$to=keeper" 2>"$dir/index.log" &
run=$!

# search SID prints the documents with the word budget that a user finds.
search() {
	psql -qtA "$to=app" <<-END | grep "^$dir" | sed 's,.*/,,' | sort | tr '\n' ' '
		begin;
		select set_config('refmon.sid', '$1', true);
		select p.id from pages p join refmon.documents d on d.id = p.id and d.right_name = 'read'
			where p.words @@ plainto_tsquery('english', 'budget');
		commit;
	END
}

# until_finds NAME RID DOCUMENTS searches until the user finds exactly these documents, for a minute.
until_finds() {
	n=0
	until [ "$(search "S-1-5-21-1-2-3-$2" 2>"$dir/search.log")" = "$3" ]; do
		n=$((n + 1))
		if [ $n -gt 1200 ] || ! kill -0 $run; then
			echo "$1 does not find $3" && cat "$dir/index.log" "$dir/search.log"
			exit 1
		fi
		sleep 0.05
	done
	echo "$1 finds: $3"
}

until_finds alice 1107 'lunch plan '
until_finds bob 1108 'lunch offer '
until_finds carol 1109 'lunch '
chmod 600 "$dir/srv/lunch"
echo "lunch is alice's alone now"
until_finds carol 1109 ''
until_finds bob 1108 'offer '
until_finds alice 1107 'lunch plan '
