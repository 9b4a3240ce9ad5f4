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
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestServedChangeNeedsRightOfItsParts checks that acl set through refmond requests exactly the rights of the changed
// parts: WRITE_OWNER for owner and group, WRITE_DAC for the DACL, and the privilege for the SACL (F-50).
func TestServedChangeNeedsRightOfItsParts(t *testing.T) {
	const user = "S-1-5-21-1-2-3-1107"
	dir := t.TempDir()
	file := filepath.Join(dir, "plan")
	check.NoError(t, os.WriteFile(file, nil, 0o600))
	describe(t, dir, "O:SYG:SYD:(A;;FA;;;"+user+")")
	tree, err := hostfs.Open(hostfs.Config{Path: dir, Attribute: ntacl.UserName})
	if err != nil {
		t.Skip("this system has no trees: ", err)
	}
	sys := kernel.Boot(kernel.Config{})
	check.NoError(t, sys.AddTree("share", tree))
	host := &wired.Host{System: sys}
	spec := token.StandardUser(sid.MustParse(user))
	spec.Privileges |= winnt.SeSecurityPrivilege.Bit()
	caller := check.Must(token.New(spec))
	address, stop := wired.Listen(t, func(c net.Conn) {
		_ = host.Serve(c, check.Must(sys.NewProcess("refmon", caller))) // it ends as the command closes it
	})
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
			_, out, errs := runLine("acl", "get", "--offline", "--attribute", ntacl.UserName, file)
			check.Equal(t, strings.TrimSpace(out), want, "F-50: descriptor after acl set %s with %s: %s", c.change, granted, errs)
		}
	}
	stop()
	host.Wait()
	check.NoError(t, errors.Join(sys.Close(), tree.Close()))
}
