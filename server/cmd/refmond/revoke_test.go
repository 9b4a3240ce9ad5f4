package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/inspect"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/winnt"
)

// TestRevokeCommandNeedsSeDebugPrivilege revokes by path and by SID at a running daemon. Each revocation is in the
// trail, and a caller without SeDebugPrivilege is refused (W-98, W-99, W-100).
func TestRevokeCommandNeedsSeDebugPrivilege(t *testing.T) {
	w := newTreeWorld(t)
	w.must(os.WriteFile(filepath.Join(w.root, "plan"), []byte("the plan"), 0o600))
	w.describe("plan", "O:BAG:SYD:(A;;FA;;;S-1-22-1-4711)(A;;FR;;;S-1-22-1-4712)")
	cfg := w.configure("")
	stop := served(t, cfg)
	a := w.connectAs(alice)
	open := func() winnt.Handle {
		h, st := a.NtOpenFile(winnt.GENERIC_READ, &nt.ObjectAttributes{ObjectName: `\??\projects\plan`}, 7, 0)
		w.ok("open", st)
		return h
	}
	h := open()
	user := fmt.Sprintf("S-1-22-1-%d", alice)
	for _, c := range []struct {
		socket, what, want string
		code               int
	}{
		{cfg.Socket, user, "revoking needs SeDebugPrivilege", exitMalformed},
		{cfg.Socket, `EXAMPLE\alice`, "revoking needs SeDebugPrivilege", exitMalformed},
		{cfg.AdminSocket, "S-1-1-0", "is you, includes you, is a well-known SID, or is a path in no tree", exitMalformed},
		{cfg.AdminSocket, "/etc/passwd", "is a path in no tree", exitMalformed},
		{cfg.AdminSocket, `\Device\none`, "ended: 0 sessions, 0 tokens, 0 open files\n", exitSuccess},
		{cfg.AdminSocket, "nobody at all", `this computer has no account or group "nobody at all"`, exitMalformed},
		{cfg.AdminSocket, "BO", `this computer has no account or group "BO"`, exitMalformed}, // no alias of SDDL
		{cfg.AdminSocket, w.root, "ended: 0 sessions, 0 tokens, 1 open files\nnothing remains\n", exitSuccess},
		{cfg.AdminSocket, w.root + "/pln", "no file has the path", exitSuccess},
		{cfg.AdminSocket, user, "ended: 1 sessions, 1 tokens, 0 open files\nnothing remains\n", exitSuccess},
	} {
		var out bytes.Buffer
		code := run([]string{"revoke", "--socket", c.socket, c.what, fmt.Sprint("--now=", c.what == user)},
			&streams{out: &out, err: &out})
		check.That(t, code == c.code && strings.Contains(out.String(), c.want),
			"%s: exit code %d, %s want %d, %s", c.what, code, out.String(), c.code, c.want)
		if c.what == w.root {
			check.Equal(t, check.Status(a.NtReadFileAt(h, 4, 0)), ntstatus.AccessDenied, "W-99: alice reads")
			h = open()
			a.NtClose(h)
		}
	}
	check.Equal(t, revokeError(user, io.EOF), io.EOF, "a connection that ended")
	_, st := a.NtOpenFile(winnt.GENERIC_READ, &nt.ObjectAttributes{ObjectName: `\??\projects\plan`}, 7, 0)
	check.That(t, st != ntstatus.Success, "W-98: alice opens: %s, want an error", st)
	stop()
	for target, how := range map[string]string{`\Device\projects`: "files", user: "sessions, tokens and files, at once"} {
		if n := revocations(w, cfg, target, how); n != 1 {
			t.Errorf("W-100: %d records of a revocation of %s, want 1", n, target)
		}
	}
}

// TestRevocationReachesEachMount checks that a revocation drops what the host's kernel caches of a file in the second
// mount, too, or names the file if the kernel goes on serving it (W-101).
func TestRevocationReachesEachMount(t *testing.T) {
	w, p, first := newMountWorld(t)
	root, at := filepath.Join(w.dir, "second"), filepath.Join(w.dir, "second-mount")
	w.must(errors.Join(os.Mkdir(root, 0o700), os.Mkdir(at, 0o755),
		os.WriteFile(filepath.Join(root, "plan"), []byte("the plan"), 0o600)))
	for _, name := range []string{"", "plan"} {
		w.describe(filepath.Join("../second", name), "O:BAG:SYD:P(A;;FA;;;WD)")
	}
	p.configure(fmt.Sprintf("trees:\n  projects:\n    path: %s\n    mount: %s\n  second:\n    path: %s\n    mount: %s\n",
		w.root, first, root, at))
	_, end := p.serve()
	defer end()
	f := check.Must(os.Open(filepath.Join(at, "plan")))
	defer f.Close()
	b := make([]byte, 8)
	w.must(check.Err(f.ReadAt(b, 0))) // into the cache of the host's kernel
	metrics := metricsOf(t, filepath.Join(p.dir, "state", operationsSocket))
	check.That(t, strings.Contains(metrics, `refmond_mount_open_files{tree="second",uid="0"} 1`+"\n"),
		"M-47: no open file of the second mount in\n%s", metrics)
	out := output(p.bin, "revoke", "--socket", p.admin, filepath.Join(root, "plan"))
	_, err := f.ReadAt(b, 0)
	check.That(t, errors.Is(err, unix.EACCES) || strings.Contains(out, `passthrough  \Device\second\plan`),
		"W-101: %s, and a read: %v, want %v", out, err, unix.EACCES)
}

// revocations counts the records of the trail about the revocation of a target. how is their detail.
func revocations(w *treeWorld, cfg *config, target, how string) (n int) {
	w.Helper()
	for _, e := range trailOf(w, cfg.State) {
		change, _ := e.Field("Change")
		detail, _ := e.Field("Detail")
		if got, _ := e.Field("Target"); change == "access revoked" && got == target && detail == how {
			n++
		}
	}
	return n
}

// TestRevokePrintsFilesStillOpen checks what the command prints for files that the host's kernel goes
// on serving (W-101).
func TestRevokePrintsFilesStillOpen(t *testing.T) {
	var out bytes.Buffer
	printRevoked(&streams{out: &out}, &inspect.Revoked{Sessions: 1, Tokens: 3, Files: 2, More: 4,
		Remains: []inspect.Remaining{
			{Kind: "descriptor", Name: `\Device\p\plan`, Process: 16, UID: 1001, PID: 77},
			{Kind: "descriptor", UID: 1001, PID: 77}, {Kind: "passthrough", Name: "\\Device\\p\\a\x1b", UID: 1002}}})
	want := `ended: 1 sessions, 3 tokens, 2 open files
remains until the program closes the file or ends:
  descriptor   \Device\p\plan  uid 1001, pid 77
  descriptor   further files  uid 1001, pid 77
  passthrough  \Device\p\a` + "\ufffd" + `  uid 1002
  and 4 further files
`
	check.That(t, out.String() == want, "%s want %s", out.String(), want)
}

// TestRevocationWarnsAboutPathWithoutFile checks that a path without a file, and one through a symbolic link, are named
// when a revocation found no open file.
func TestRevocationWarnsAboutPathWithoutFile(t *testing.T) {
	dir := check.Must(filepath.EvalSymlinks(t.TempDir()))
	plan, link, missing := filepath.Join(dir, "plan"), filepath.Join(dir, "link"), filepath.Join(dir, "pln")
	check.NoError(t, os.WriteFile(plan, nil, 0o600))
	check.NoError(t, os.Symlink("plan", link))
	for path, want := range map[string]string{plan: "", dir + "/./plan": "", `\Device\p\pln`: "", "": "",
		missing: fmt.Sprintf("refmond: no file has the path %q now\n", missing),
		link:    fmt.Sprintf("refmond: %q leads through a symbolic link: revoke %q too\n", link, plan),
	} {
		check.Equal(t, pathWarning(path), want, "pathWarning(%q)", path)
	}
	// Nothing is sent, because in JSON it would be another path.
	_, _, err := (*inspector)(nil).selection("/srv/b\xfcro")
	check.That(t, err != nil && strings.HasPrefix(err.Error(), `"/srv/b\xfcro" is not UTF-8`),
		"a path in Latin-1: %v", err)
}

// TestHostPathMapsToKernelName checks the kernel name of a host path. A path outside of all trees has none. In a nested
// tree, it is the name in the inner tree. In a nested mount, it is the name in the inner mount's tree. A mount hides a
// tree in its directory (W-99).
func TestHostPathMapsToKernelName(t *testing.T) {
	c := &config{trees: []treeConfig{{name: "p", mount: "/mnt/p", backup: "/backup/p"}, {name: "q", mount: "/mnt/p/q"},
		{name: "r"}, {name: "s", mount: "/run/r"}, {name: "t"}}}
	c.trees[0].Path, c.trees[1].Path, c.trees[2].Path, c.trees[3].Path = "/srv/p", "/srv/q", "/mnt/p/r", "/srv/s"
	c.trees[4].Path = "/srv"
	for path, want := range map[string]string{"/srv/p": `\Device\p`, "/srv/p/a/b": `\Device\p\a\b`,
		"/mnt/p/q/a": `\Device\q\a`, "/mnt/p/q": `\Device\q`, "/mnt/p/qa": `\Device\p\qa`,
		"/mnt/p/a/": `\Device\p\a`, "/backup/p/a": `\Device\p\a`, "/srv/p2": `\Device\t\p2`, "/srv2": "", "srv/p": "",
		"/mnt/p/r/a": `\Device\p\r\a`, "/run/r/s/a": `\Device\s\s\a`,
		"/srv//p/./a": `\Device\p\a`, "/srv/p/b/../a//c": `\Device\p\a\c`, "/srv/p/../p2": `\Device\t\p2`} {
		if got, ok := c.kernelName(path); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %t, want %q", path, got, ok, want)
		}
	}
}

// TestRevokeFindsDomainUsers revokes a user of a domain by the names that refmond sessions and the user write, without
// a directory to query, and while the directory is down (W-98, L-73).
func TestRevokeFindsDomainUsers(t *testing.T) {
	p, key := build(t), forge.NewKey(18)
	keys := kerberosKeys(p.keytab(1, key)) + fmt.Sprintf("directory: {name: EXAMPLE, passwords: kdc, kdc: [%q]",
		centre(t, key, "one"))
	p.configure(keys + "}\n")
	cmd, end := p.serve()
	defer end()
	c := p.dial(p.socket)
	in := nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK, AuthenticationInformation: nt.LogonInformation{
		MessageType: nt.InteractiveLogon, LogonDomainName: "EXAMPLE", UserName: "alice", Password: "one"}}
	const gone = "the directory does not answer, and no user of that name has logged on"
	try := func(name, want string) {
		t.Helper()
		logged, st := c.Thread().LsaLogonUser(in)
		check.Equal(t, st, ntstatus.Success, "alice logs on")
		defer c.Thread().NtClose(logged.Token)
		if out := output(p.bin, "revoke", "--socket", p.admin, name); !strings.Contains(out, want) {
			t.Errorf("W-98: revoke %s: %s want %s", name, out, want)
		}
	}
	const ended = "ended: 0 sessions, 1 tokens, 0 open files\nnothing remains\n"
	for name, want := range map[string]string{`EXAMPLE\alice`: ended, `example\ALICE`: ended,
		"alice@" + ticketRealm: ended, "alice@example": ended, "alice": "no account or group",
		`OTHER\alice`: "no account or group",
		`EXAMPLE\bob`: `no account or group "EXAMPLE\\bob", and the domain no such user`, `EXAMPLE\`: "no account or group",
		"@" + ticketRealm: "no account or group"} {
		try(name, want)
	}
	password := written(t, filepath.Join(p.dir, "password"), "secret")
	p.configure(keys + fmt.Sprintf(
		", unqualified: true, servers: ['ldaps://127.0.0.1:1'], account: a, passwordFile: %s}\n", password))
	p.reload(cmd, "msg=reloaded")
	for name, want := range map[string]string{`EXAMPLE\alice`: ended, "alice": ended, "bob": gone, `EXAMPLE\bob`: gone,
		`OTHER\bob`: "no account or group"} {
		try(name, want)
	}
}
