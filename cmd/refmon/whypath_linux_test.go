package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
)

// hostUsers makes getent know alice (uid 61000) and bob (uid 61001), both in group staff (gid 61100).
func hostUsers(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "getent"), []byte(`#!/bin/sh
case "$1 $2" in
"passwd alice" | "passwd 61000") echo alice:x:61000:61100::/:/bin/sh ;;
"passwd bob" | "passwd 61001") echo bob:x:61001:61100::/:/bin/sh ;;
"passwd lost") echo lost:x:61002:61100::/:/bin/sh ;;
"group staff" | "group 61100") echo staff:x:61100: ;;
"initgroups alice" | "initgroups bob") echo "$2 61100" ;;
*) exit 2 ;;
esac
`), 0o700))
	t.Setenv("PATH", dir)
	t.Setenv("REFMON_SOCKET", filepath.Join(dir, "none")) // no refmond of this host is asked
}

// describe stores a descriptor with the hash of the file's current permissions.
func describe(t *testing.T, path, text string) {
	t.Helper()
	a := ntacl.Attribute{Version: 1, Descriptor: sddl.MustParse(text)}
	value := check.Must(a.Append(nil))
	if err := setAttribute(path, ntacl.UserName, value); err != nil {
		t.Skipf("no attribute of users can be set in %s: %v", path, err)
	}
}

const (
	hers   = "O:S-1-22-1-61000G:S-1-22-2-61100D:"
	shared = hers + "P(A;OICI;FA;;;S-1-22-1-61000)(A;;0x1200a9;;;WD)"
	quiet  = hers + "(A;;FA;;;S-1-22-1-61000)"
)

// TestWhyExplainsFileAndParents explains the descriptors of a file and of its parent directories for a user of the
// host, with names, from the tree alone. Each result is the one that MS-FSA defines for the open (B-24).
func TestWhyExplainsFileAndParents(t *testing.T) {
	hostUsers(t)
	root := filepath.Join(t.TempDir(), "projects")
	must(t, os.MkdirAll(filepath.Join(root, "shut", "in"), 0o755))
	must(t, os.Mkdir(filepath.Join(root, "gate"), 0o755))
	for name, text := range map[string]string{"": shared, "plan": quiet,
		"note": hers + "(D;;DC;;;S-1-22-2-61100)(A;;FA;;;WD)", "shut": quiet,
		"keep":         hers + "(D;;WD;;;S-1-5-64-10)(A;;WO;;;S-1-22-1-61001)(A;;WD;;;S-1-22-2-61100)",
		"shut/in":      quiet,
		"shut/in/deep": hers + "(A;;FR;;;WD)", "drop": hers + "(A;;FRSD;;;S-1-22-1-61001)",
		"ticket": hers + "(D;;FR;;;S-1-5-64-10)(A;;FR;;;WD)", "gate": hers + "(D;;0x20;;;S-1-5-64-10)(A;;FA;;;WD)",
		"gate/deep": hers + "(A;;FR;;;WD)"} {
		path := filepath.Join(root, name)
		if name == "plan" || name == "note" || name == "drop" || name == "ticket" || name == "keep" ||
			strings.HasSuffix(name, "deep") {
			must(t, os.WriteFile(path, nil, 0o644))
		}
		describe(t, path, text)
	}
	must(t, os.WriteFile(filepath.Join(root, "bare"), nil, 0o644))
	must(t, os.Symlink("shut", filepath.Join(root, "door")))
	must(t, os.Symlink("plan", filepath.Join(root, "alias")))
	must(t, os.Symlink("shut/in", filepath.Join(root, "far")))
	for _, c := range []struct {
		args string
		code int
		want []string // parts of the output
	}{
		{"plan --as bob", 1, []string{"DENIED STATUS_ACCESS_DENIED: bob (S-1-22-1-61001) asks ",
			"for FILE_READ_DATA|SYNCHRONIZE (F-44)", "DACL entry 1  (A;;FA;;;S-1-22-1-61000)",
			"S-1-22-1-61000       alice, owner",
			"S-1-22-2-61100       staff, owning group", "S-1-22-1-61001       bob",
			"put (A;;0x100001;;;S-1-22-1-61001) before the other entries (bob)"}},
		{"plan --as 61001", 1, []string{"bob (S-1-22-1-61001)"}},
		{"plan --as S-1-22-2-61001", 2, []string{"the groups of S-1-22-2-61001 are unknown"}},
		{"plan --as 61009", 1, []string{"the user (S-1-22-1-61009)"}},
		{"plan --as alice", 0, []string{"GRANTED: alice ", "entry 1 of the DACL allows it"}},
		{"note --as bob --want write", 1, []string{"entry 1 of the DACL denies FILE_WRITE_DATA"}},
		{"note --as bob", 0, []string{"GRANTED"}},
		{"alias --as alice", 2, []string{"alias: it is a symbolic link: give the path of its target"}},
		{"bare --as alice", 1, []string{"it has no descriptor",
			"a mount with missing: synthesise derives one from the mode: ask with --missing synthesise"}},
		{"bare --as alice --missing synthesise --tree .", 0, []string{"GRANTED"}},
		// Everyone traverses by privilege, and by the directories' descriptors where that does not count (F-23).
		{"shut/in/deep --as bob", 0, []string{"GRANTED"}},
		{"shut/in/deep --as bob --missing synthesise --tree .", 1, []string{"/shut decides: the user may not pass it"}},
		{"shut/in/deep --as bob --missing synthesise", 2, []string{"give --tree DIR"}},
		{"shut/in/deep --as bob --missing synthesise --traverse privilege", 0, []string{"GRANTED"}},
		{"shut/in/deep --as bob --traverse always", 1, []string{"/shut decides: the user may not pass it",
			"shut/in/deep for FILE_READ_DATA", "/shut: DENIED STATUS_ACCESS_DENIED: no entry grants FILE_TRAVERSE"}},
		{"far/../in/deep --as bob", 0, []string{"GRANTED"}}, // as the kernel walks it: shut/in/deep
		{"deep --as bob --tree far/..", 2, []string{"/shut: "}},
		{"door/in/deep --as bob --traverse always", 1, []string{"/shut decides: the user may not pass it"}},
		{"shut/in/deep --as bob --traverse always --tree shut/in", 0, []string{"GRANTED"}},
		// The directory may grant deletion and reading attributes (F-42, F-43).
		{"plan --as bob --want FILE_READ_ATTRIBUTES", 0, []string{"FILE_READ_ATTRIBUTES: the directory ",
			"allows FILE_LIST_DIRECTORY"}},
		{"drop --as bob --want DELETE", 0, []string{"GRANTED"}},
		{"plan --as bob --want DELETE", 1, []string{"DELETE: the directory ", "no entry grants FILE_DELETE_CHILD"}},
		{"gate/deep --as bob --want DELETE", 0, []string{"GRANTED"}},
		{". --as bob --want FILE_ADD_FILE", 1, []string{"FILE_ADD_FILE"}},
		// Either right of control is enough (B-2).
		{"plan --as alice --want control", 0, []string{"GRANTED", "for WRITE_DAC"}},
		{"keep --as bob --logon ntlm --want control", 0, []string{"GRANTED", "for WRITE_OWNER"}},
		{"keep --as bob --want control", 0, []string{"GRANTED", "for WRITE_DAC", "--logon ntlm: granted 0x00080000"}},
		{"plan --as bob --want control", 1, []string{"DENIED", "for WRITE_DAC"}},
		{"plan --as alice --json", 0, []string{`"ace":0`}},
		{"plan --as bob --json", 1, []string{`/projects/plan","status":"STATUS_ACCESS_DENIED"`, `"why":[`}},
		{"plan --as bob --json --want DELETE", 1, []string{`"rule":"A-40"`}},
		{"plan --as bob --json --want FILE_READ_ATTRIBUTES", 0, []string{`"status":"STATUS_SUCCESS"`, "ParentAllow"}},
		{"new --as bob", 2, []string{"--as bob --want FILE_ADD_FILE"}},
		{"plan --as carol", 2, []string{`the host has no user "carol"`}},
		{"plan --as lost", 2, []string{`the groups of user "lost" cannot be read`}},
		{"plan --as bob -t user", 2, []string{"refmon acl get PATH"}},
		{"plan --as bob --self SY", 2, []string{"refmon acl get PATH"}},
		{"plan --as bob --certificate c", 2, []string{"refmon acl get PATH"}},
		{"plan --as bob --object-type user", 2, []string{"refmon acl get PATH"}},
		{"plan --as bob --call SeAccessCheckByType", 2, []string{"refmon acl get PATH"}},
		{"plan --as bob --tree /nonexistent", 2, []string{"is not below it"}},
		// No protocol proves the identity of a program on a mount, and other kinds of logon are NTLM's (B-26, B-28).
		{"ticket --as bob", 0, []string{"GRANTED", "note: the answer depends on the kind of logon: " +
			"--logon kerberos: denied, --logon ntlm: denied"}},
		{"gate/deep --as bob --traverse always", 0, []string{"GRANTED", "--logon kerberos: denied, --logon ntlm: denied"}},
		{"ticket --as bob --logon ntlm", 1, []string{"DENIED", "entry 1 of the DACL denies it"}},
		{"ticket --as bob --json", 0, []string{`"note":"the answer depends on the kind of logon: --logon`}},
		{"plan --as bob --logon x", 2, []string{`--logon "x": want kerberos`}},
		{"plan --as bob --want nonsense", 2, []string{"--want"}},
	} {
		t.Chdir(root)
		code, out, errs := runLine(append([]string{"why", "--attribute", ntacl.UserName}, strings.Fields(c.args)...)...)
		for _, part := range c.want {
			if code != c.code || !strings.Contains(out+errs, part) {
				t.Errorf("B-24: why %s: code %d, want %d with %q\n%s%s", c.args, code, c.code, part, out, errs)
				break
			}
		}
	}
}

// TestWhyFindsUser checks that the user of --as is one of -d with its groups, and on a mount has the SIDs of an
// interactive logon without a proof. An administrator has the limited token (B-85).
func TestWhyFindsUser(t *testing.T) {
	hostUsers(t)
	dir := t.TempDir()
	people := filepath.Join(dir, "company.yaml")
	must(t, os.WriteFile(people, []byte(`domain: S-1-5-21-1-2-3
users:
  - {name: dora, sid: S-1-5-21-1-2-3-1105, memberOf: [Staff]}
  - {name: root2, sid: S-1-5-21-1-2-3-1106, memberOf: [Administrators]}
groups:
  - {name: Staff, sid: S-1-5-21-1-2-3-2001}
  - {name: Administrators, sid: S-1-5-32-544}
`), 0o600))
	path := filepath.Join(dir, "plan")
	must(t, os.WriteFile(path, nil, 0o644))
	for _, c := range []struct {
		dacl, args string
		code       int
		want       string
	}{
		{"(A;;FR;;;S-1-5-21-1-2-3-2001)", "--as dora -d " + people, 0,
			"GRANTED: dora (S-1-5-21-1-2-3-1105, from the directory)"},
		{"(D;;FR;;;S-1-5-21-1-2-3-2001)(A;;FR;;;WD)", "--as dora -d " + people, 1,
			"(D;;FR;;;S-1-5-21-1-2-3-2001) Staff  -  -"},
		{"(A;;FR;;;IU)", "--as dora -d " + people, 0, "GRANTED"},
		{"(A;;FR;;;NU)", "--as dora -d " + people, 1, "--logon kerberos: granted"},
		{"(A;;FR;;;NU)", "--as dora --logon ntlm -d " + people, 0, "GRANTED"},
		{"(D;;FR;;;S-1-18-1)(A;;FR;;;WD)", "--as dora -d " + people, 0, "GRANTED"},
		{"(A;;FR;;;BA)", "--as root2 -d " + people, 1, "DENIED"}, {"(A;;FR;;;BA)", "--as SYSTEM -d " + people, 0, "GRANTED"},
		{"(A;;FR;;;WD)", "--as bob -d " + people, 2, `"bob" is not a user or group of the directory`},
		{"(A;;FR;;;WD)", "--as bo", 2, "-d FILE reads other users, and --names-from SOCKET those of refmond"},
		{"(A;;FR;;;WD)", "--as bob --names-from " + filepath.Join(dir, "none"), 2, "--names-from: "},
	} {
		describe(t, path, hers+c.dacl)
		code, out, errs := runLine(append([]string{"why", path, "--attribute", ntacl.UserName}, strings.Fields(c.args)...)...)
		check.That(t, code == c.code && strings.Contains(out+errs, c.want),
			"B-85: why %s, %s: code %d, want %d with %q\n%s%s", c.args, c.dacl, code, c.code, c.want, out, errs)
	}
	if code, _, errs := runLine("why", "D:(A;;FR;;;WD)", "-t", "user", "-w", "FR", "--names-from", people); code != 2 ||
		!strings.Contains(errs, "needs --as") {
		t.Errorf("B-85: --names-from without --as: code %d, %s, want 2 and text containing %q", code, errs, "needs --as")
	}
}

// TestWhyReportsStaleDescriptor checks that why reports a descriptor that a chmod outside of the servers invalidated,
// with the repair (F-204).
func TestWhyReportsStaleDescriptor(t *testing.T) {
	hostUsers(t)
	path := filepath.Join(t.TempDir(), "plan")
	must(t, os.WriteFile(path, nil, 0o644))
	code, out, errs := runLine("acl", "set", "--offline", "--attribute", ntacl.UserName, path,
		hers+"(A;;FA;;;WD)")
	if code != 0 {
		t.Skipf("no attribute of users can be set in %s: %s%s", path, out, errs)
	}
	for _, c := range []struct {
		mode os.FileMode
		args string
		code int
		want string
	}{{0o644, "", 0, "GRANTED"}, {0o600, "", 1, "its stored descriptor is invalid, so it refuses every user: mode, " +
		"owner or POSIX ACL were changed past refmond"}, {0o600, "", 1, "refmon acl repair --rehash"},
		{0o600, "--ignore-posix", 0, "GRANTED"}, {0o644, "", 0, "GRANTED"}} {
		must(t, os.Chmod(path, c.mode))
		code, out, errs := runLine(append([]string{"why", "--attribute", ntacl.UserName, path, "--as", "bob"},
			strings.Fields(c.args)...)...)
		check.That(t, code == c.code && strings.Contains(out, c.want),
			"F-204: mode %o: code %d, want %d with %q\n%s%s", c.mode, code, c.code, c.want, out, errs)
	}
}
