#!/bin/sh
# Starts the example and asks it with curl: the metadata, single questions, batches, mistakes. It fails if an answer is
# not the expected one.
#
#   sh walk.sh
set -eu
cd "$(dirname "$0")"
dir=$(mktemp -d)
at=127.0.0.1:${PORT:-8180}
go build -o "$dir/authzen" .
"$dir/authzen" -listen "$at" -audit "$dir/audit" >"$dir/log" &
server=$!
trap 'kill $server 2>/dev/null || :; wait $server 2>/dev/null || :; rm -r "$dir"' EXIT
trap 'exit 130' INT TERM
until grep -q serving "$dir/log"; do
	kill -0 $server 2>/dev/null || { echo "the example did not start" >&2 && exit 1; }
	sleep 0.1
done
curl -so "$dir/metadata" "http://$at/.well-known/authzen-configuration"
echo "metadata: $(cat "$dir/metadata")"

failed=0
# ask NAME WANT PATH BODY sends a question and compares the status and the decisions of the response.
ask() {
	code=$(curl -so "$dir/body" -w '%{http_code}' -H "Authorization: Bearer ${secret:-gateway-secret}" \
		-H 'Content-Type: application/json' -H "X-Request-ID: $1" -D "$dir/headers" -d "$4" "http://$at/access/v1/$3")
	got="$code $(grep -oE '"decision":(true|false)' "$dir/body" | cut -d: -f2 | tr '\n' ' ')"
	grep -qi "^x-request-id: $1" "$dir/headers" || got="$got without X-Request-ID"
	[ "${got% }" = "$2" ] && verdict=ok || { verdict="WANT $2"; failed=1; }
	printf '%-26s %-22s %s\n    %s\n' "$1" "${got% }" "$verdict" "$(head -c 300 "$dir/body")"
}

# who asks for SUBJECT ACTION RESOURCE [PROPERTIES OF THE RESOURCE]
who() {
	printf '{"subject":{"type":"user","id":"%s"},"action":{"name":"%s"},"resource":{"type":"record","id":"%s","properties":%s}}' \
		"$1" "$2" "$3" "${4:-{\}}"
}

echo; echo "basic: roles, owners, soft delete"
ask admin-views '200 true' evaluation "$(who alice can_view record-1)"
ask admin-deletes '200 true' evaluation "$(who alice can_delete record-1)"
ask editor-edits '200 true' evaluation "$(who bob can_edit record-1)"
ask editor-deletes '200 false' evaluation "$(who bob can_delete record-1)"
ask viewer-views '200 true' evaluation "$(who carol can_view record-1)"
ask viewer-edits '200 false' evaluation "$(who carol can_edit record-1)"
ask stranger-views '200 false' evaluation "$(who dave can_view record-1)"
ask owner-edits-locked '200 false' evaluation "$(who bob can_edit record-2)"
ask admin-views-deleted '200 true' evaluation "$(who alice can_view record-4)"
ask admin-restores '200 true' evaluation "$(who alice can_restore record-4)"
ask admin-edits-deleted '200 false' evaluation "$(who alice can_edit record-4)"
ask owner-views-deleted '200 false' evaluation "$(who dave can_view record-4)"
ask status-of-the-request '200 true' evaluation "$(who carol can_edit record-3 '{"status":"draft"}')"
ask status-missing '200 false' evaluation "$(who carol can_edit record-3)"
ask unlisted-property '200 false' evaluation "$(who dave can_view record-4 '{"deleted":false}')"
ask unknown-subject '200 false' evaluation "$(who erin can_view record-1)"
ask unknown-record '200 false' evaluation "$(who alice can_view record-9)"
ask unknown-action '200 false' evaluation "$(who alice can_fly record-1)"
ask unknown-member '200 true' evaluation "$(who alice can_view record-1 | sed 's/^{/{"future":[1,{}],/')"

echo; echo "basic: mistakes"
ask no-subject '400' evaluation '{"action":{"name":"can_view"},"resource":{"type":"record","id":"record-1"}}'
ask no-id '400' evaluation "$(who alice can_view record-1 | sed 's/"id":"alice"/"ID":"alice"/')"
ask wrong-type '400' evaluation "$(who alice can_view record-1 | sed 's/"alice"/7/')"
ask no-json '400' evaluation '{'
secret=guest-secret ask no-right-to-ask '403' evaluation "$(who alice can_view record-1)"
secret=unknown ask unknown-client '401' evaluation "$(who alice can_view record-1)"

echo; echo "batch: three semantics"
batch() { # SEMANTIC ITEMS
	printf '{"subject":{"type":"user","id":"bob"},"action":{"name":"can_edit"},"options":{"evaluations_semantic":"%s"},"evaluations":[%s]}' "$1" "$2"
}
one() { printf '{"resource":{"type":"record","id":"record-%s"}}' "$1"; }
ask execute-all '200 true false false' evaluations "$(batch execute_all "$(one 1),$(one 2),$(one 4)")"
ask deny-on-first-deny '200 true false' evaluations "$(batch deny_on_first_deny "$(one 1),$(one 2),$(one 1)")"
ask permit-on-first-permit '200 false true' evaluations "$(batch permit_on_first_permit "$(one 2),$(one 1),$(one 4)")"
ask one-bad-question '200 true false true' evaluations "$(batch execute_all "$(one 1),{\"resource\":7},$(one 1)")"
ask own-subject '200 true true' evaluations "$(batch execute_all "$(one 1),{\"subject\":{\"type\":\"user\",\"id\":\"alice\"},\"action\":{\"name\":\"can_delete\"},\"resource\":{\"type\":\"record\",\"id\":\"record-1\"}}")"
ask unknown-semantic '400' evaluations "$(batch whatever "$(one 1)")"
ask no-evaluations '200 true' evaluations "$(who alice can_view record-1)"

echo; echo "the audit log has $(cat "$dir"/audit/audit-*.log | grep -ao 'AuthZEN' | wc -l) records of questions"
exit $failed
