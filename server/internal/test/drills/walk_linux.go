package drills

import "regexp"

// try is one attempt of an attacker with a shell.
type try struct{ goal, script string }

// denied matches what the host and refmond say to users without a right.
var denied = regexp.MustCompile("(?i)permission denied|operation not permitted|access.denied|not.held")

// tries are what a user without rights can try: $REFMOND is the process id of refmond, and $STATE its folder.
var tries = []try{
	{"read a file of alice", "cat /mnt/projects/private/secret1"},
	{"read a file of alice", "cat /srv/projects/private/secret1"},
	{"read a file of alice", "cat /proc/$REFMOND/root/srv/projects/private/secret1"},
	{"read a file of alice", "ls /proc/$REFMOND/fd/"},
	{"read a file of alice", "mv /mnt/projects/private/secret1 /tmp/mine"},
	{"read a file of alice", "refmon acl set --offline /srv/projects 'O:SYG:SYD:(A;;FA;;;WD)'"},
	{"read a file of alice", "refmon acl set /mnt/projects/private/secret1 'O:SYG:SYD:(A;;FA;;;WD)'"},
	{"read a file of alice", "unshare --user --map-root-user cat /srv/projects/private/secret1"},
	{"read a file of alice", "mkdir -p /tmp/$REFMOND.$$ && refmond mount /srv/projects /tmp/$REFMOND.$$"},
	{"change the trail", "echo nothing >>$STATE/audit/audit-0000000000000001.log"},
	{"change the trail", "rm -rf $STATE/audit"},
	{"change the trail", "cat $STATE/audit/key"},
	{"change the trail", "kill -STOP $REFMOND"},
	{"become alice", "echo x | refmond account passwd alice"},
	{"become alice", "refmond account right grant bob SeTcbPrivilege"},
	{"become alice", "refmond account group join Administrators bob"},
	{"become alice", "cat $STATE/accounts.db"},
	{"become alice", "cat /proc/$REFMOND/mem"},
	{"become alice", "refmond revoke alice"},
}
