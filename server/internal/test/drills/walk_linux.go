package drills

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// attack is the program with the attempts that a shell cannot make.
//
//go:embed testdata/attack.py
var attack string

// try is one attempt of an attacker with a shell.
type try struct {
	goal, script string
	// want matches the output of an attempt that failed; "": denied. An attempt with want may exit with 0.
	want string
}

// denied matches what the host and refmond say to users without a right.
var denied = regexp.MustCompile("(?i)permission denied|operation not permitted|access.denied|not.held")

// gained matches what an attacker who succeeds sees.
var gained = regexp.MustCompile("GOT|secret 1|root:x:")

// tries are what a user without rights can try: $REFMOND is the process id of refmond, $DAEMONS those of the daemons of
// other users, $STATE the folder of refmond, and $WEB the address of the gateway.
var tries = []try{
	{"read a file of alice", "cat /mnt/projects/private/secret1", ""},
	{"read a file of alice", "cat /srv/projects/private/secret1", ""},
	{"read a file of alice", "cat /proc/$REFMOND/root/srv/projects/private/secret1", ""},
	{"read a file of alice", "ls /proc/$REFMOND/fd/", ""},
	{"read a file of alice", "mv /mnt/projects/private/secret1 /tmp/mine", ""},
	{"read a file of alice", "refmon acl set --offline /srv/projects 'O:SYG:SYD:(A;;FA;;;WD)'", ""},
	{"read a file of alice", "refmon acl set /mnt/projects/private/secret1 'O:SYG:SYD:(A;;FA;;;WD)'", ""},
	{"read a file of alice", "mkdir -p /tmp/$REFMOND.$$ && refmond mount /srv/projects /tmp/$REFMOND.$$", ""},
	{"read a file of alice", "umount /mnt/projects || fusermount3 -u /mnt/projects", "failed"},
	{"read a file of alice", "python3 /opt/attack.py path_only", ""},
	{"read a file of alice", "python3 /opt/attack.py handle", ""},
	{"change a file or its rights", "python3 /opt/attack.py attributes", ""},
	{"change a file or its rights", "python3 /opt/attack.py holds", "(?i)denied|not permitted|bad file|invalid"},

	{"reach a daemon's memory", "python3 /opt/attack.py proc_files", ""},
	{"reach a daemon's memory", "python3 /opt/attack.py proc_writes", ""},
	{"reach a daemon's memory", "python3 /opt/attack.py ptrace", ""},
	{"reach a daemon's memory", "python3 /opt/attack.py memory_calls", ""},
	{"reach a daemon's memory", "python3 /opt/attack.py stolen_descriptor", ""},
	{"become alice", "cat /proc/$REFMOND/mem", ""},
	{"stop or slow a daemon", "python3 /opt/attack.py signals", ""},
	{"stop or slow a daemon", "python3 /opt/attack.py limits", ""},
	{"stop or slow a daemon", "python3 /opt/attack.py scheduling", ""},
	{"stop or slow a daemon", "kill -STOP $REFMOND", ""},

	{"watch, link or rename the state", "python3 /opt/attack.py inotify", ""},
	{"watch, link or rename the state", "python3 /opt/attack.py fanotify", ""},
	{"watch, link or rename the state", "python3 /opt/attack.py links", ""},
	{"watch, link or rename the state", "python3 /opt/attack.py renames", ""},
	{"replace a socket", "python3 /opt/attack.py sockets", `refmond.sock 0o666\n.*admin.sock 0o666`},

	{"change the trail", "echo nothing >>$STATE/audit/audit-0000000000000001.log", ""},
	{"change the trail", "rm -rf $STATE/audit", ""},
	{"change the trail", "cat $STATE/audit/key", ""},
	{"change the trail", "python3 /opt/attack.py trail", ""},

	{"become alice", "echo x | refmond account passwd alice", ""},
	{"become alice", "refmond account right grant bob SeTcbPrivilege", ""},
	{"become alice", "refmond account group join Administrators bob", ""},
	{"become alice", "cat $STATE/accounts.db", ""},
	{"become alice", "refmond revoke alice", ""},
	{"become alice", "python3 /opt/attack.py administer", ""},
	{"become alice", "LD_PRELOAD=/tmp/none.so PATH=/tmp:$PATH refmond account group join Administrators bob", ""},
	{"become alice", "ulimit -n 64; ulimit -f 0; ulimit -c unlimited; refmond account group join Administrators bob", ""},

	{"confuse the protocol", "python3 /opt/attack.py frames", "(?s)oversized refused.*malformed refused.*HTTP refused"},
	{"confuse the protocol", "python3 /opt/attack.py slow", "served"},
	{"confuse the protocol", "python3 /opt/attack.py descriptors", "all closed"},
}

// namespaces are what a user tries as root of a user namespace. They run outside of the root folder $ROOT, because a
// program in a chroot cannot make a user namespace.
var namespaces = []try{
	{"use a user namespace", "unshare -Ur cat $ROOT/mnt/projects/private/secret1", ""},
	{"use a user namespace", "unshare -Ur cat $ROOT/srv/projects/private/secret1", ""},
	{"use a user namespace", "unshare -Urm sh -c 'mount --bind $ROOT/mnt/projects $ROOT/tmp; " +
		"cat $ROOT/tmp/private/secret1'", ""},
	{"use a user namespace", "unshare -Urm sh -c 'mount -t overlay -o lowerdir=$ROOT/mnt/projects:/usr/share x " +
		"$ROOT/tmp; cat $ROOT/tmp/private/secret1'", "(?i)denied|not permitted|no such file"},
	{"use a user namespace", "unshare -Ur $ROOT/opt/refmond revoke alice --socket $ROOT/run/refmon/admin.sock",
		"admin.sock runs as uid 65534, want root"},
	{"use a user namespace", "unshare -Ur python3 $ROOT/opt/attack.py administer", "access denied"},
}

// requests are what a user without rights can send to the gateway: arguments of curl. The response is 4xx.
var requests = []try{
	{"enter the gateway", "$WEB/projects/private/secret1", "401"},
	{"enter the gateway", "-u alice:wrong $WEB/projects/private/secret1", "401"},
	{"enter the gateway", `-u 'HOST\alice:bobs-password' $WEB/projects/private/secret1`, "401"},
	{"enter the gateway", "-H 'X-Remote-User: alice' -H 'Remote-User: alice' -H 'X-Forwarded-User: alice' " +
		"-H 'X-Forwarded-For: 127.0.0.1' $WEB/projects/private/secret1", "401"},
	{"enter the gateway", "-H 'Authorization: Bearer eyJhbGciOiJub25lIn0.e30.' $WEB/projects/private/secret1", "401"},
	{"enter the gateway", "-H 'Authorization: Negotiate YIIBAgYGKwYBBQUCoIH3' $WEB/projects/private/secret1", "401"},
	{"enter the gateway", "-H 'Authorization: NTLM TlRMTVNTUAABAAAA' $WEB/projects/private/secret1", "401"},
	{"enter the gateway", "-H 'Cookie: session=alice' $WEB/projects/private/secret1", "401"},
	{"read by the gateway", "-u bob:bobs-password $WEB/projects/private/secret1", "40[34]"},
	{"read by the gateway", "-u bob:bobs-password -H 'X-HTTP-Method-Override: PUT' -H 'Range: bytes=0-3' " +
		"$WEB/projects/private/secret1", "40[34]"},
	{"read by the gateway", "-u bob:bobs-password $WEB/projects/plans/%2e%2e/private/secret1", "40[034]"},
	{"read by the gateway", "-u bob:bobs-password $WEB/projects/plans/..%2fprivate%2fsecret1", "40[034]"},
	{"read by the gateway", "-u bob:bobs-password $WEB/projects/plans/..%5cprivate%5csecret1", "40[034]"},
	{"read by the gateway", "-u bob:bobs-password $WEB/../../../etc/passwd", "40[034]"},
	{"read by the gateway", "-u bob:bobs-password $WEB/projects/private/secret1::%24DATA", "40[034]"},
	{"read by the gateway", "-u bob:bobs-password -X PROPFIND -H 'Depth: infinity' $WEB/projects/private/", "403"},
	{"change by the gateway", "-u bob:bobs-password -X COPY -H \"Destination: $WEB/projects/plans/mine\" " +
		"$WEB/projects/private/secret1", "40[34]"},
	{"change by the gateway", "-u bob:bobs-password -X MOVE -H \"Destination: $WEB/projects/private/secret1\" " +
		"$WEB/projects/plans/plan1", "403"},
	{"change by the gateway", "-u bob:bobs-password -X LOCK -d '<x/>' $WEB/projects/private/secret1", "40[034]"},
	{"change by the gateway", "-u bob:bobs-password -X DELETE $WEB/projects/private/secret1", "40[34]"},
}

// environment returns the variables of the attempts, as a line of shell. They leave out the daemons of the attacker's
// own user.
func (m *machine) environment(attacker uint32) string {
	var pids []string
	for name, d := range m.runs {
		if pid := d.cmd.Process.Pid; services[name].uid != attacker {
			pids = append(pids, strconv.Itoa(pid))
			pids = append(pids, childrenOf(pid)...)
		}
	}
	return fmt.Sprintf("REFMOND=%d DAEMONS='%s' STATE=/var/lib/refmon WEB=https://127.0.0.1:%s; export DAEMONS STATE\n",
		m.runs["refmond"].cmd.Process.Pid, strings.Join(pids, " "), m.port)
}

// childrenOf returns the process ids of a process's children: the parsers of refmond.
func childrenOf(pid int) (list []string) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // the pattern is well formed
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil { // the thread may have ended
			list = append(list, strings.Fields(string(b))...)
		}
	}
	return list
}
