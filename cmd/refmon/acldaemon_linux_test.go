package main

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/wired"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// serveUser is the caller of the commands in a tree that a kernel serves.
const serveUser = "S-1-5-21-1-2-3-1107"

// serveTree serves a tree with the file plan and the directory dir, as refmond does, to a user with the privileges. It
// returns the address of the socket and the folder of the tree.
func serveTree(t *testing.T, held winnt.PrivilegeSet) (address, dir string) {
	t.Helper()
	dir = t.TempDir()
	check.NoError(t, errors.Join(os.WriteFile(filepath.Join(dir, "plan"), nil, 0o600),
		os.Mkdir(filepath.Join(dir, "dir"), 0o700)))
	describe(t, dir, "O:SYG:SYD:(A;OICI;FA;;;"+serveUser+")(A;CI;FR;;;WD)")
	tree, err := hostfs.Open(hostfs.Config{Path: dir, Attribute: ntacl.UserName})
	if err != nil {
		t.Skip("this system has no trees: ", err)
	}
	sys := kernel.Boot(kernel.Config{LSA: logon.Example(sid.SID{})})
	check.NoError(t, sys.AddTree("share", tree))
	host := &wired.Host{System: sys}
	spec := token.StandardUser(sid.MustParse(serveUser))
	spec.Privileges |= held
	caller := check.Must(token.New(spec))
	address, stop := wired.Listen(t, func(c net.Conn) {
		_ = host.Serve(c, check.Must(sys.NewProcess("refmon", caller))) // it ends as the command closes it
	})
	t.Cleanup(func() {
		stop()
		host.Wait()
		check.NoError(t, errors.Join(sys.Close(), tree.Close()))
	})
	return address, dir
}

// storedText returns the descriptor that a file stores.
func storedText(t *testing.T, path string) string {
	t.Helper()
	_, out, errs := runLine("acl", "get", "--offline", "--attribute", ntacl.UserName, path)
	check.Equal(t, errs, "", "standard error of acl get --offline %s", path)
	return strings.TrimSpace(out)
}

// TestServedChangeNeedsRightOfItsParts checks that acl set through refmond requests exactly the rights of the changed
// parts: WRITE_OWNER for owner and group, WRITE_DAC for the DACL, and the privilege for the SACL (F-50).
func TestServedChangeNeedsRightOfItsParts(t *testing.T) {
	const user = serveUser
	address, dir := serveTree(t, winnt.SeSecurityPrivilege.Bit())
	file := filepath.Join(dir, "plan")
	for _, c := range []struct{ change, needs, want string }{
		{"O:" + user, "WO", "O:" + user + "G:SY%s"},
		{"G:BU", "WO", "O:SYG:BU%s"},
		{"O:" + user + "G:BU", "WO", "O:" + user + "G:BU%s"},
		{"D:(A;;FA;;;WD)", "WD", "O:SYG:SYD:(A;;FA;;;WD)"},
		{"D:P", "WD", "O:SYG:SYD:P"},
		{"O:" + user + "D:", "WOWD", "O:" + user + "G:SYD:"},
		{"G:BUD:", "WOWD", "O:SYG:BUD:"},
		{"S:(AU;SA;FA;;;WD)", "", "O:SYG:SY%sS:(AU;SA;FA;;;WD)"},
		{"G:BUS:(AU;SA;FA;;;WD)", "WO", "O:SYG:BU%sS:(AU;SA;FA;;;WD)"},
		{"O:S-1-5-21-1-2-3-1108", "--", ""}, // no right is enough to give a file away
	} {
		for _, granted := range []string{"RC", "RCWO", "RCWD", "RCWDWO"} {
			dacl := "D:P(A;;" + granted + ";;;" + user + ")"
			describe(t, file, "O:SYG:SY"+dacl)
			code, _, errs := runLine("acl", "set", "--connect", address, "share/plan", c.change)
			want, wanted := strings.Replace(c.want, "%s", dacl, 1), 0
			for need := c.needs; need != ""; need = need[2:] {
				if !strings.Contains(granted, need[:2]) {
					want, wanted = "O:SYG:SY"+dacl, exitMalformed
				}
			}
			check.Equal(t, code, wanted, "F-50: exit code of acl set %s with %s: %s", c.change, granted, errs)
			check.Equal(t, storedText(t, file), want, "F-50: descriptor after acl set %s with %s", c.change, granted)
		}
	}
}

// TestServedCommandsReadFileAndDirectory checks acl get, inherit and reset through refmond: the SACL needs its
// privilege, and a file inherits as a file and a directory as a directory (F-170).
func TestServedCommandsReadFileAndDirectory(t *testing.T) {
	const entry, own = "(A;;RCWD;;;" + serveUser + ")", "D:P(A;;RCWD;;;" + serveUser + ")(A;ID;FX;;;BU)"
	const sacl, file, folder = "S:(AU;SA;FA;;;WD)", "(A;ID;FA;;;" + serveUser + ")",
		"(A;OICIID;FA;;;" + serveUser + ")(A;CIID;FR;;;WD)"
	for _, held := range []winnt.PrivilegeSet{0, winnt.SeSecurityPrivilege.Bit()} {
		address, dir := serveTree(t, held)
		get := func(name string) (text string) {
			_, text, errs := runLine("acl", "get", "--connect", address, name)
			return strings.TrimSpace(text + errs)
		}
		for _, c := range []struct{ command, name, want string }{
			{"inherit", "plan", "D:AI" + entry + file}, {"reset", "plan", "D:AI" + file},
			{"inherit", "dir", "D:AI" + entry + folder}, {"reset", "dir", "D:AI" + folder},
			{"reset", "dir/", "D:AI" + folder}, {"reset", `dir\`, "D:AI" + folder},
		} {
			short := strings.TrimSuffix(c.name, `\`)
			path := filepath.Join(dir, short)
			describe(t, path, "O:SYG:SY"+own+sacl)
			seen := "O:SYG:SY" + own
			if held != 0 {
				seen += sacl
			}
			check.Equal(t, get("share/"+short), seen, "acl get %s with the privileges %v", c.name, held)
			name := "share/" + c.name
			if short != c.name {
				name = `\??\share\` + c.name
			}
			code, out, errs := runLine("acl", c.command, "--connect", address, name)
			check.That(t, code == 0, "acl %s %s: exit code %d, %s%s", c.command, c.name, code, out, errs)
			check.Equal(t, storedText(t, path), "O:SYG:SY"+c.want+sacl, "descriptor after acl %s %s", c.command, c.name)
		}
		code, _, errs := runLine("acl", "reset", "--connect", address, "share")
		check.That(t, code == exitMalformed && strings.Contains(errs, "the directory above has no descriptor"),
			"acl reset of the root: exit code %d, %s", code, errs)
	}
}

// TestNamesComeFromRefmond checks that --names-from finds users, groups and aliases. Another name is unknown. why
// shows the names of entries as refmond has them, and only the token of a mount.
func TestNamesComeFromRefmond(t *testing.T) {
	address, dir := serveTree(t, 0)
	for who, want := range map[string]string{"user:User": " is S-1-5-21-1-2-3-1001, from refmond",
		"group:None": " is S-1-5-21-1-2-3-513, from refmond", "group:Users": " is S-1-5-32-545, from refmond",
		"nosuch": `" is not a user or group`} {
		_, _, errs := runLine("acl", "grant", "--offline", "--attribute", ntacl.UserName, "--names-from", address, "-n",
			dir, who+":read")
		check.That(t, strings.Contains(errs, who+want) &&
			strings.Contains(errs, "\nrefmon: read is 0x") == (who != "nosuch"),
			"acl grant %s: %s, want %q", who, errs, want)
	}
	const user = "S-1-5-21-1-2-3-1001"
	describe(t, dir, "O:SYG:SYD:(XA;;FR;;;WD;(@User.a == 1))")
	describe(t, filepath.Join(dir, "plan"), "O:SYG:SYD:(D;;FR;;;NU)(A;;FR;;;S-1-5-21-1-2-3-9)"+
		"(A;;FR;;;"+user+")") // the logon is interactive
	ask := []string{"why", filepath.Join(dir, "plan"), "--as", "User", "--attribute", ntacl.UserName, "--names-from",
		address}
	_, out, errs := runLine(ask...)
	check.That(t, strings.HasPrefix(out, "GRANTED: User ("+user+", from refmond)") &&
		strings.Contains(out, user+`) REFMON\User `) && !strings.Contains(out, "3-9) R") &&
		strings.Contains(out, "does not show the user's claims"),
		"why --as User: %s%s", out, errs)
	ask[3] = "Guest"
	code, out, errs := runLine(ask...)
	check.That(t, code == exitMalformed && strings.Contains(errs, `refmond refuses "Guest"`), "a disabled user: %d, %s%s",
		code, out, errs)
	ask[3] = "User"
	code, out, errs = runLine(append(ask, "--logon", "ntlm")...)
	check.That(t, code == exitMalformed && strings.Contains(errs, "has the token of a mount"), "why --logon: %d, %s%s",
		code, out, errs)
}
