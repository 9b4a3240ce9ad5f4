package passwd_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/sources"
)

const (
	passwd = "# users\nroot:x:0:0:root:/root:/bin/sh\nalice:x:1001:100::/home/alice:/bin/sh\n"
	group  = "users:x:100:\nsy:x:3:alice\nstaff:x:50:alice,ghost\n"
)

func TestPasswdInputYieldsUnixGroups(t *testing.T) {
	d, unresolved := sources.Read(t, [2]string{"passwd", passwd}, [2]string{"getent", group})
	sources.HasGroups(t, d, "alice", "S-1-22-1-1001 S-1-22-2-100 S-1-22-2-50 S-1-22-2-3")
	sources.HasGroups(t, d, "root", "S-1-22-1-0 S-1-22-2-0")
	check.Equal(t, fmt.Sprint(unresolved),
		"[ghost has neither a SID nor an id]", "unresolved: %v: fmt.Sprint(unresolved)", unresolved)
}

// TestPdbeditJoinsSIDsAndIDs: SIDs of a server's accounts and ids of its system are one account.
func TestPdbeditJoinsSIDsAndIDs(t *testing.T) {
	const printed = "---------------\nUnix username:        alice\nNT username:          \n" +
		"Account Flags:        [U          ]\n" +
		"User SID:             S-1-5-21-1-2-3-3002\nPrimary Group SID:    S-1-5-21-1-2-3-513\n" +
		"---------------\nUnix username:        root\nAccount Flags:        [DU         ]\n" +
		"User SID:             S-1-5-21-1-2-3-1000\n"
	d, _ := sources.Read(t, [2]string{"passwd", passwd}, [2]string{"pdbedit", printed}, [2]string{"passwd", group})
	sources.HasGroups(t, d, "alice", "S-1-5-21-1-2-3-3002 S-1-22-1-1001 S-1-5-21-1-2-3-513 S-1-22-2-50")
	check.That(t, d.Disabled == 1 && d.Find("root") < 0 && d.Domain.String() == "S-1-5-21-1-2-3",
		"%d disabled, domain %v", d.Disabled, d.Domain)
}
