package passwd_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/directory/collect"
	"github.com/refmon/refmon/internal/directory/passwd"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/sources"
	"github.com/refmon/refmon/sid"
)

const (
	users = "# users\n+:::::::\n-eve:x:9:100::/:/bin/sh\n" +
		"root:x:0:0:root:/root:/bin/sh\nalice:x:1001:100::/home/alice:/bin/sh\n"
	group = "users:x:100:\nsy:x:3:alice\nstaff:x:50: alice, ghost\n"
)

func TestPasswdInputYieldsUnixGroups(t *testing.T) {
	d, unresolved := sources.Read(t, [2]string{"passwd", users}, [2]string{"getent", group})
	sources.HasGroups(t, d, "alice", "S-1-22-1-1001 S-1-22-2-100 S-1-22-2-50 S-1-22-2-3")
	sources.HasGroups(t, d, "root", "S-1-22-1-0 S-1-22-2-0")
	check.Equal(t, len(d.Principals), 2, "users without the NIS entries")
	check.Equal(t, fmt.Sprint(unresolved),
		"[ghost has neither a SID nor an id]", "unresolved: %v: fmt.Sprint(unresolved)", unresolved)
	check.That(t, !passwd.AddLine(new(collect.Collector), ":x:5:5::/:/bin/sh"), "a line without a name is read")
}

// TestCaseAndIDsTellAccountsApart checks that names in another case, and a name with another id, are accounts of their
// own, in whatever order the files are read. The second of two users with one name is reported (B-134).
func TestCaseAndIDsTellAccountsApart(t *testing.T) {
	const users = "Bob:x:1001:1::/:/bin/sh\nbob:x:1002:1::/:/bin/sh\n"
	const groups = "Staff:x:50:alice\nstaff:x:51:bob\nops:x:52:Bob\nbin:x:1:\n"
	usersFirst := [][2]string{{"passwd", users}, {"getent", groups}}
	groupsFirst := [][2]string{{"getent", groups}, {"passwd", users}}
	for names, order := range map[[2]string][][2]string{{"Bob", "bob (S-1-22-1-1002)"}: usersFirst,
		{"Bob (S-1-22-1-1001)", "bob"}: groupsFirst} {
		d, unresolved := sources.Read(t, order...)
		sources.HasGroups(t, d, names[0], "S-1-22-1-1001 S-1-22-2-1 S-1-22-2-52")
		sources.HasGroups(t, d, names[1], "S-1-22-1-1002 S-1-22-2-1 S-1-22-2-51")
		check.Equal(t, fmt.Sprint(unresolved), "[alice has neither a SID nor an id]", "unresolved")
	}
	const twice = "bob:x:1001:1::/:/bin/sh\nbob:x:1002:1::/:/bin/sh\nbob:x:1002:1::/:/bin/sh\n"
	d, unresolved := sources.Read(t, [2]string{"passwd", twice},
		[2]string{"getent", "staff:x:50:bob\nstaff:x:51:bob\nbin:x:1:\n"})
	sources.HasGroups(t, d, "bob", "S-1-22-1-1001 S-1-22-2-1")
	sources.HasGroups(t, d, "bob (S-1-22-1-1002)", "S-1-22-1-1002 S-1-22-2-1 S-1-22-2-50 S-1-22-2-51")
	check.SlicesEqual(t, unresolved, []string{"the user bob has two uids, 1001 and 1002: refmon treats them as two " +
		"users. List members by a unique name, because a group line with bob means only one of them",
		"the group staff has the gids 50 and 51: they are two groups"}, "unresolved")
	d, _ = sources.Read(t, [2]string{"csv", "SamAccountName,SID\nBob,S-1-5-21-1-2-3-1107\nBOB,S-1-5-21-4-5-6-1107\n"},
		[2]string{"csv", "SamAccountName,SID,uidNumber\nCarl,S-1-5-21-1-2-3-1109,01003\n"},
		[2]string{"passwd", "bob:x:1001:1::/:/bin/sh\nbob:x:1001:2::/:/bin/sh\ncarl:x:1003:3::/:/bin/sh\n"})
	sources.HasGroups(t, d, "Bob", "S-1-5-21-1-2-3-1107 S-1-22-1-1001 S-1-22-2-1") // the first of two
	sources.HasGroups(t, d, "Carl", "S-1-22-1-1003 S-1-22-2-3")
}

// TestPdbeditMeansLastAccountOfName gives a name with two uids a SID. It belongs to the account that has the other
// values of pdbedit, too (B-134).
func TestPdbeditMeansLastAccountOfName(t *testing.T) {
	const twice = "bob:x:1001:1::/:/bin/sh\nbob:x:1002:1::/:/bin/sh\n"
	for _, flags := range []string{"[DU ]", "[U ]"} {
		printed := "Unix username: bob\nAccount Flags: " + flags + "\nUser SID: S-1-5-21-1-2-3-3002\n"
		d, _ := sources.Read(t, [2]string{"passwd", twice}, [2]string{"getent", "bin:x:1:\n"},
			[2]string{"pdbedit", printed})
		if flags == "[DU ]" {
			sources.HasGroups(t, d, "bob", "S-1-22-1-1001 S-1-22-2-1")
			check.Equal(t, d.Disabled, 1, "B-134: disabled users")
			continue
		}
		sources.HasGroups(t, d, "S-1-5-21-1-2-3-3002", "S-1-22-1-1002 S-1-22-2-1")
	}
}

// TestPdbeditJoinsSIDsAndIDs checks that SIDs of a server's accounts and ids of its system are one account.
func TestPdbeditJoinsSIDsAndIDs(t *testing.T) {
	const printed = "Unix username: alice\nAccount Flags: [DU ]\n---------------\n" +
		"Unix username:        alice\nNT username:          \n" +
		"Account Flags:        [U          ]\n" +
		"User SID:             S-1-5-21-1-2-3-3002\nPrimary Group SID:    S-1-5-21-1-2-3-513\n" +
		"---------------\nUnix username:        root\nAccount Flags:        [NDU        ]\n" +
		"User SID:             S-1-5-21-4-5-6-1000\n" // the domain is the first user's
	d, _ := sources.Read(t, [2]string{"passwd", users}, [2]string{"pdbedit", printed}, [2]string{"passwd", group})
	sources.HasGroups(t, d, "alice", "S-1-5-21-1-2-3-3002 S-1-22-1-1001 S-1-5-21-1-2-3-513 S-1-22-2-50")
	check.That(t, d.Disabled == 1 && d.Find("root") < 0 && d.Domain.String() == "S-1-5-21-1-2-3",
		"%d disabled, domain %v", d.Disabled, d.Domain)
}

// TestPdbeditSIDMayBeAnotherAccount checks that pdbedit's other values belong to the account with the SID, and not to
// the one with the name.
func TestPdbeditSIDMayBeAnotherAccount(t *testing.T) {
	d, _ := sources.Read(t, [2]string{"csv", "SamAccountName,SID\nBob,S-1-5-21-1-2-3-1107\n"},
		[2]string{"pdbedit", "Unix username: bob\nUser SID: S-1-5-21-4-5-6-1107\nPrimary Group SID: S-1-5-21-4-5-6-600\n"})
	sources.HasGroups(t, d, "S-1-5-21-4-5-6-1107", "S-1-5-21-4-5-6-600")
	bob := d.Principals[d.Find("S-1-5-21-1-2-3-1107")].Token
	check.That(t, !bob.Member(sid.MustParse("S-1-5-21-4-5-6-600"), false), "Bob of the first domain is in the group")
	const flags = "Unix username: bob\nAccount Flags: [DU         ]\nUser SID: S-1-5-21-4-5-6-1107\n" // in this order
	d, _ = sources.Read(t, [2]string{"csv", "SamAccountName,SID\nBob,S-1-5-21-1-2-3-1107\n"},
		[2]string{"pdbedit", flags})
	check.That(t, d.Disabled == 1 && d.Find("S-1-5-21-1-2-3-1107") == 0, "%d disabled users, want the one "+
		"of pdbedit, and Bob as a principal", d.Disabled)
	d, _ = sources.Read(t, [2]string{"csv", "SamAccountName,SID,Enabled\nGuest,S-1-5-21-1-2-3-501,False\n"},
		[2]string{"pdbedit", "Unix username: nobody\nAccount Flags: [U ]\nUser SID: S-1-5-21-1-2-3-501\n"})
	check.Equal(t, d.Disabled, 1, "disabled users, the Guest of a domain controller")
}
