package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/programs"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// mappedUser is a host user whom an id map maps to a domain account.
type mappedUser struct {
	name     string
	sid      sid.SID
	uid, gid int // gid is the primary group of the user's programs
}

// sameMaps are id maps of each backend.
var sameMaps = []lsa.IDMap{
	{Domain: sid.MustParse("S-1-5-21-1-1-1"), Name: "RID", Backend: lsa.RID, Low: 3000070000, High: 3000079999,
		BaseRID: 1000},
	{Domain: sid.MustParse("S-1-5-21-2-2-2"), Name: "AUTO", Backend: lsa.Autorid, Low: 3000200000, High: 3000299999,
		RangeSize: 10000, Number: 3},
	{Domain: sid.MustParse("S-1-5-21-3-3-3"), Name: "AD", Backend: lsa.AD, Low: 3000310000, High: 3000319999},
	{Domain: sid.MustParse("S-1-5-21-4-4-4"), Name: "WB", Backend: lsa.Winbind, Low: 3000410000, High: 3000419999},
}

// sameUsers has, for each domain, an owner and another member of its group, a user with an account of the store, and
// a user without an id map.
var sameUsers = []mappedUser{
	{"rid1", sid.MustParse("S-1-5-21-1-1-1-1103"), 3000070103, 3000071000},
	{"rid2", sid.MustParse("S-1-5-21-1-1-1-1104"), 3000070104, 3000071000},
	{"auto1", sid.MustParse("S-1-5-21-2-2-2-1103"), 3000231103, 3000232000},
	{"auto2", sid.MustParse("S-1-5-21-2-2-2-1104"), 3000231104, 3000232000},
	{"ad1", sid.MustParse("S-1-5-21-3-3-3-1103"), 3000310001, 3000310900},
	{"ad2", sid.MustParse("S-1-5-21-3-3-3-1104"), 3000310002, 3000310900},
	{"wb1", sid.MustParse("S-1-5-21-4-4-4-1103"), 3000410001, 3000410900},
	{"wb2", sid.MustParse("S-1-5-21-4-4-4-1104"), 3000410002, 3000410900},
	{"carol", sid.SID{}, 4713, 4799}, // the account store assigns its SID
	{"none", sid.MustParse("S-1-22-1-4714"), 4714, 4799},
}

// sameGroups are the SIDs of the groups that users' programs run with.
var sameGroups = map[int]string{3000071000: "S-1-5-21-1-1-1-2000", 3000232000: "S-1-5-21-2-2-2-2000",
	3000310900: "S-1-5-21-3-3-3-2000", 3000410900: "S-1-5-21-4-4-4-2000", 4799: "S-1-22-2-4799"}

// sameWinbind is a script that replaces wbinfo.
const sameWinbind = `#!/bin/sh
case "$1 $2" in
"--unix-ids-to-sids u3000410001") echo S-1-5-21-4-4-4-1103 ;;
"--unix-ids-to-sids u3000410002") echo S-1-5-21-4-4-4-1104 ;;
"--unix-ids-to-sids g3000410900") echo S-1-5-21-4-4-4-2000 ;;
*) echo 'failed to call it: WBC_ERR_DOMAIN_NOT_FOUND' >&2; exit 1 ;;
esac
`

// TestAccessPathsAgreeOnMappedOwners compares an open over the socket, an open through the mount and who-can. They
// grant the same users the same files: those readable by owner, group and others. The files' owners and groups are
// domain accounts, mapped by each idmap backend (L-60, L-59).
func TestAccessPathsAgreeOnMappedOwners(t *testing.T) {
	w, p, at := newMountWorld(t)
	w.describe("", "O:BAG:SYD:P(A;;0x1200a9;;;WD)")
	w.must(os.Remove(filepath.Join(w.root, "plan")))
	want := map[string][]string{}
	names := w.files(want)
	bin := filepath.Join(w.dir, "bin")
	w.must(os.Mkdir(bin, 0o755))
	w.must(os.WriteFile(filepath.Join(bin, "wbinfo"), []byte(sameWinbind), 0o755)) //nolint:gosec // a program
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	s, err := start(w.configure(fmt.Sprintf("    missing: synthesise\n    mount: %s\nidNumbers: %s\n", at,
		w.writePeople(sid.MustParse("S-1-5-21-7-7-7-1001")))),
		&streams{out: io.Discard, err: io.Discard})
	w.must(err)
	defer serving(t, s)()
	uid := uint32(4713)
	w.must(s.store.Update(sid.LocalSystem, func(e *lsa.Edit) error {
		e.SetMaps(sameMaps)
		e.AddAccount(lsa.Account{Name: "carol", UID: &uid})
		return nil
	}))
	s.dropTokens()
	carol, _ := s.store.LookupName("carol")
	directory := w.writePeople(carol.SID)
	var export strings.Builder
	w.must(s.store.Export(&export))
	maps := written(t, filepath.Join(w.dir, "maps.yaml"), export.String())
	reported := w.whoCan(p, directory, maps, names)
	for _, u := range sameUsers {
		socket, mounted, said := w.openable(u, names), w.readable(u, at), reported[u.name]
		for _, list := range [][]string{socket, mounted, said, want[u.name]} {
			slices.Sort(list)
		}
		check.That(t, slices.Equal(socket, want[u.name]),
			"L-60: %s by the socket reads %v, want %v", u.name, socket, want[u.name])
		check.That(t, slices.Equal(mounted, want[u.name]),
			"L-60: %s by the mount reads %v, want %v", u.name, mounted, want[u.name])
		check.That(t, slices.Equal(said, want[u.name]),
			"L-60: who-can lists for %s the files %v, want %v", u.name, said, want[u.name])
	}
}

// files creates three files of each user: readable by the owner, by its group, and by all.
func (w *treeWorld) files(want map[string][]string) (names []string) {
	w.Helper()
	for _, u := range sameUsers {
		for _, f := range []struct {
			kind     string
			uid, gid int
			mode     os.FileMode
			readers  func(o *mappedUser) bool
		}{
			{"own", u.uid, 0, 0o600, func(o *mappedUser) bool { return o.uid == u.uid }},
			{"group", 0, u.gid, 0o640, func(o *mappedUser) bool { return o.gid == u.gid }},
			{"all", 0, 0, 0o604, func(*mappedUser) bool { return true }},
		} {
			name := f.kind + "-" + u.name
			path := filepath.Join(w.root, name)
			w.must(os.WriteFile(path, []byte("x"), 0o600))
			w.must(os.Chown(path, f.uid, f.gid))
			w.must(os.Chmod(path, f.mode))
			names = append(names, name)
			for i := range sameUsers {
				if f.readers(&sameUsers[i]) {
					want[sameUsers[i].name] = append(want[sameUsers[i].name], name)
				}
			}
		}
	}
	return names
}

// writePeople writes the directory file, with uid and gid for accounts whose ids no formula computes.
func (w *treeWorld) writePeople(carol sid.SID) string {
	w.Helper()
	var b strings.Builder
	b.WriteString("users:\n")
	for _, u := range sameUsers {
		if u.sid.IsZero() {
			u.sid = carol
		}
		fmt.Fprintf(&b, "  - {name: %s, sid: %v, memberOf: [%s]", u.name, u.sid, sameGroups[u.gid])
		if u.uid >= 3000300000 {
			fmt.Fprintf(&b, ", uid: %d", u.uid)
		}
		b.WriteString("}\n")
	}
	b.WriteString("groups:\n")
	for gid, s := range sameGroups {
		fmt.Fprintf(&b, "  - {name: g%d, sid: %s", gid, s)
		if gid >= 3000300000 {
			fmt.Fprintf(&b, ", gid: %d", gid)
		}
		b.WriteString("}\n")
	}
	return written(w.T, filepath.Join(w.dir, "people.yaml"), b.String())
}

// whoCan runs refmon who-can and returns the files that each user may read.
func (w *treeWorld) whoCan(p *program, directory, maps string, names []string) map[string][]string {
	w.Helper()
	bin := filepath.Join(p.dir, "refmon")
	programs.Install(w.T, p.dir, "refmon")
	args := []string{"who-can", "FILE_READ_DATA", "--directory", directory, "--id-maps", maps, "--traverse", "never",
		"--format", "jsonl"}
	for _, name := range names {
		args = append(args, filepath.Join(w.root, name))
	}
	cmd := exec.Command(bin, args...)
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	check.RequireThat(w, err == nil, "%v: %s", err, problems.String())
	reported := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		var row struct {
			Path       string
			Principals []string
		}
		w.must(json.Unmarshal([]byte(line), &row))
		for _, who := range row.Principals {
			reported[who] = append(reported[who], filepath.Base(row.Path))
		}
	}
	return reported
}

// openable returns the files that a user opens for reading over the socket.
func (w *treeWorld) openable(u mappedUser, names []string) (out []string) {
	w.Helper()
	th := w.dialAs(u.uid, u.gid).Thread()
	for _, name := range names {
		h, st := th.NtOpenFile(winnt.FILE_READ_DATA, file(name).V, sharing, 0)
		switch st {
		case ntstatus.Success:
			out = append(out, name)
			th.NtClose(h)
		case ntstatus.AccessDenied:
		default:
			w.Errorf("%s opens %s: %v", u.name, name, st)
		}
	}
	return out
}

// readable returns the files that a program of a user reads through the mount.
func (w *treeWorld) readable(u mappedUser, at string) []string {
	w.Helper()
	cmd := exec.Command("/bin/sh", "-c",
		`cd "$0" && for f in *; do if cat "$f" >/dev/null 2>&1; then echo "$f"; fi; done`, at)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(u.uid), Gid: uint32(u.gid)}}
	out, err := cmd.Output()
	w.must(err)
	return strings.Fields(string(out))
}
