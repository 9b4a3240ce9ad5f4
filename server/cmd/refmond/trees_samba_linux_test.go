package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/programs"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/internal/test/addc"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// patience is how long the test retries a logon. The domain controller is a single process that closes KDC connections
// while it is busy.
const patience = 3 * time.Minute

// ridLow is the first id of the domain's range on the host, of backend rid.
const ridLow = 2_000_400_000

// asSMB opens files as a client of a file server. For each mask it prints a line with the names of the files that it
// could open.
const asSMB = `
import sys, json
from samba.samba3 import libsmb_samba_internal as libsmb, param
from samba import credentials, NTSTATUSError
address, config, user, password, masks, names = json.load(sys.stdin)
lp = param.get_context(); lp.load(config)
c = credentials.Credentials(); c.guess(lp)
c.set_username(user); c.set_domain('REFMON'); c.set_password(password)
c.set_kerberos_state(credentials.DONT_USE_KERBEROS)
conn = libsmb.Conn(address, 'projects', lp, c)
for mask in masks:
    may = []
    for name in names:
        try:
            conn.close(conn.create(name, DesiredAccess=mask, ShareAccess=7, CreateDisposition=1, CreateOptions=0x40))
            may.append(name)
        except NTSTATUSError as e:
            if e.args[0] & 0xffffffff != 0xC0000022: raise
    print(' '.join(may))
`

// asProgram opens files of the working directory for reading, then for writing, as any
// program does.
const asProgram = `
import os, sys, json
names = json.load(sys.stdin)
for flags in os.O_RDONLY, os.O_WRONLY:
    may = []
    for name in names:
        try:
            os.close(os.open(name, flags))
            may.append(name)
        except PermissionError: pass
    print(' '.join(may))
`

// accessWorld is a tree served by both a domain controller's file server and refmond.
type accessWorld struct {
	*treeWorld
	p     *program
	d     *addc.Domain
	at    string // of the mount
	names []string
	texts map[string]string // the descriptors
}

// asked are the rights that each access path requests in turn: those of an open for reading and of one for writing
// (docs/mount.md).
var asked = [...]winnt.AccessMask{winnt.FILE_READ_DATA | winnt.SYNCHRONIZE,
	winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA | winnt.SYNCHRONIZE}

// TestAccessPathsGrantTheSameFiles checks that two domain users may read and write the same of 1,000 files with
// random descriptors by each access path: the controller's own file server, a password at the socket, the mount,
// refmon access and who-can (L-60, K-18).
func TestAccessPathsGrantTheSameFiles(t *testing.T) {
	if os.Getenv("REFMON_SAMBA") != "required" {
		t.Skip("slow: creates a domain and sends 4,000 requests to its file server; set REFMON_SAMBA=required to run it")
	}
	tw, p, at := newMountWorld(t)
	w := &accessWorld{treeWorld: tw, p: p, at: at, texts: map[string]string{}}
	w.describe("", "O:BAG:SYD:P(A;;0x1200a9;;;WD)")
	w.must(errors.Join(os.Remove(filepath.Join(w.root, "plan")), os.Chmod(w.root, 0o755)))
	users := []string{"alice", "bob"}
	w.d = addc.Start(t, addc.Order{Users: map[string]int{"alice": 12, "bob": 7}, Files: true, Share: w.root, TLS: true,
		Service: "HTTP/www.refmon.test"})
	w.draw(users)
	w.hostNames(users)
	s, err := start(w.configure(w.settings()), &streams{out: io.Discard, err: t.Output()})
	w.must(err)
	defer serving(t, s)()
	w.must(s.store.Update(sid.LocalSystem, func(e *lsa.Edit) error {
		e.SetMaps([]lsa.IDMap{{Domain: w.d.SID, Name: addc.Name, Backend: lsa.RID, Low: ridLow, High: ridLow + 9999}})
		return nil
	}))
	s.dropTokens()
	said := w.whoCanAnswers()
	w.d.WaitForFiles()
	count := 0
	for _, user := range users {
		smb := w.smb(user)
		ways := map[string][2][]string{"by password at the socket": w.socket(user), "on the mount": w.mounted(user),
			"says who-can":       {said[0][user], said[1][user]},
			"says refmon access": {w.allowed(user, asked[0]), w.allowed(user, asked[1])}}
		for i, mask := range asked {
			count += len(smb[i])
			for way, got := range ways {
				w.compare(user, way, mask, smb[i], got[i])
			}
		}
	}
	if n := len(w.names) * len(users) * len(asked); count < n/20 || count > n*19/20 {
		t.Errorf("the file server grants %d of %d: too few of one kind", count, n)
	}
}

// compare reports each file for which an access path differs from smbd.
func (w *accessWorld) compare(user, way string, mask winnt.AccessMask, smb, got []string) {
	w.Helper()
	for _, name := range w.names {
		if a, b := slices.Contains(smb, name), slices.Contains(got, name); a != b && !w.Failed() {
			w.Errorf("L-60: %s requests %#x of %s: the file server grants it: %t, but %s: %t\n%s",
				user, uint32(mask), name, a,
				way, b, w.texts[name])
		}
	}
}

// draw creates the files. Their entries name users, the users' groups and groups that contain everybody.
func (w *accessWorld) draw(users []string) {
	w.Helper()
	rnd := rand.New(rand.NewPCG(randtest.Seed(w.T), 22))
	who := []string{"WD", "AU", "OW"}
	for _, user := range users {
		who = append(who, w.d.UserSID(user).String())
		for _, g := range w.d.TokenGroups(user) {
			if g.Prefix() == w.d.SID {
				who = append(who, g.String())
			}
		}
	}
	masks := []string{"FR", "FW", "FA", "0x100001", "0x100006", "0x100007", "0x1200a9", "0x100116", "0x6",
		"0x20000"}
	for i := range randtest.Count(w.T, "REFMON_FILES", 1000) {
		name := fmt.Sprint("f", i)
		text := fmt.Sprintf("O:%sG:%sD:P", who[3+rnd.IntN(len(who)-3)], who[3+rnd.IntN(len(who)-3)])
		for range 1 + rnd.IntN(4) {
			text += fmt.Sprintf("(%s;;%s;;;%s)", []string{"A", "A", "D"}[rnd.IntN(3)], masks[rnd.IntN(len(masks))],
				who[rnd.IntN(len(who))])
		}
		w.must(os.WriteFile(filepath.Join(w.root, name), []byte("x"), 0o600))
		w.must(os.Chmod(filepath.Join(w.root, name), 0o666)) //nolint:gosec // the descriptors decide
		w.describe(name, text)
		w.names, w.texts[name] = append(w.names, name), text
	}
}

// hostNames creates a getent with the users and groups that the directory computes, like a host
// whose sources include winbind.
func (w *accessWorld) hostNames(users []string) {
	w.Helper()
	var b strings.Builder
	b.WriteString("#!/bin/sh\ncase \"$1 $2\" in\n")
	for _, user := range users {
		uid := ridLow + w.d.UserSID(user).RID()
		gids := ""
		for _, g := range w.d.TokenGroups(user) {
			if g.Prefix() == w.d.SID {
				gids += fmt.Sprint(" ", ridLow+g.RID())
			}
		}
		fmt.Fprintf(&b, "'passwd %d' | 'passwd dom-%s') echo 'dom-%s:*:%d:%d::/:/bin/false' ;;\n", uid, user, user, uid,
			ridLow+513)
		fmt.Fprintf(&b, "'initgroups dom-%s') echo 'dom-%s%s' ;;\n", user, user, gids)
	}
	b.WriteString("*) exit 2 ;;\nesac\n")
	bin := filepath.Join(w.dir, "bin")
	w.must(os.Mkdir(bin, 0o755))
	w.must(os.WriteFile(filepath.Join(bin, "getent"), []byte(b.String()), 0o755)) //nolint:gosec // a program
	w.Setenv("PATH", bin+":"+os.Getenv("PATH"))
}

// settings returns the keys of the tree, the tickets and the directory.
func (w *accessWorld) settings() string {
	return fmt.Sprintf(`    exposed: true
    ignorePosix: true
    mount: %s
privileges: {%d: [SeImpersonatePrivilege]}
kerberos: {keytab: %s, realm: %s, domain: %v}
directory: {name: %s, kdc: [%s], passwords: kdc, servers: ["ldaps://%s"], ca: %s, account: websvc}
`, w.at, os.Getuid(), w.d.Keytab, addc.Realm, w.d.SID, addc.Name, w.d.Address, w.d.Address, w.d.CA)
}

// lines runs a program with a question on its input, and returns the words of each output line.
func (w *accessWorld) lines(cmd *exec.Cmd, question any) (out [2][]string) {
	w.Helper()
	b, err := json.Marshal(question)
	w.must(err)
	cmd.Stdin = strings.NewReader(string(b))
	var problems strings.Builder
	cmd.Stderr = &problems
	text, err := cmd.Output()
	check.RequireThat(w, err == nil, "%v\n%s", err, problems.String())
	for i, line := range strings.SplitN(strings.TrimSuffix(string(text), "\n"), "\n", 2) {
		out[i] = strings.Fields(line)
	}
	return out
}

// smb opens the files at the controller's file server.
func (w *accessWorld) smb(user string) [2][]string {
	w.Helper()
	return w.lines(exec.Command("/usr/bin/python3", "-c", asSMB), []any{w.d.Address,
		filepath.Join(w.d.Dir, "etc", "smb.conf"), user, addc.Password, asked, w.names})
}

// mounted opens the files as a program of the user. A shell changes to the mount: between fork and exec a child stops
// its parent's garbage collector, and here the parent serves the mount.
func (w *accessWorld) mounted(user string) [2][]string {
	w.Helper()
	cmd := exec.Command("/bin/sh", "-c", `cd "$0" && exec /usr/bin/python3 -c "$1"`, w.at, asProgram)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: ridLow + w.d.UserSID(user).RID(),
		Gid: ridLow + 513}}
	return w.lines(cmd, w.names)
}

// socket logs the user on with the password, and opens as the user.
func (w *accessWorld) socket(user string) (out [2][]string) {
	w.Helper()
	th := w.dial(os.Getuid()).Thread()
	in := nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK,
		AuthenticationInformation: nt.LogonInformation{MessageType: nt.InteractiveLogon, LogonDomainName: addc.Name,
			UserName: user, Password: logon.Secret(addc.Password)}}
	made, st := th.LsaLogonUser(in)
	for deadline := time.Now().Add(patience); st == ntstatus.NoLogonServers && time.Now().Before(deadline); {
		time.Sleep(100 * time.Millisecond)
		made, st = th.LsaLogonUser(in)
	}
	w.ok("logon of "+user, st)
	w.ok("impersonation", th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, made.Token))
	for i, mask := range asked {
		for _, name := range w.names {
			switch h, st := th.NtOpenFile(mask, file(name).V, sharing, 0); st {
			case ntstatus.Success:
				out[i] = append(out[i], name)
				th.NtClose(h)
			case ntstatus.AccessDenied:
			default:
				w.Errorf("%s opens %s: %v", user, name, st)
			}
		}
	}
	return out
}

// whoCanAnswers returns the output of who-can for the users of the exported directory, for each right.
func (w *accessWorld) whoCanAnswers() (out [2]map[string][]string) {
	w.Helper()
	programs.Install(w.T, filepath.Dir(w.refmon()), "refmon")
	w.run(w.p.bin, "directory", "export", "--config", w.config, "--people", w.peopleFile())
	for i, mask := range asked {
		args := []string{"who-can", fmt.Sprintf("%#x", uint32(mask)), "--directory", w.peopleFile(), "--ignore-system-acls",
			"--traverse", "never", "--format", "jsonl"}
		for _, name := range w.names {
			args = append(args, filepath.Join(w.root, name))
		}
		out[i] = map[string][]string{}
		for line := range strings.Lines(w.run(w.refmon(), args...)) {
			var row struct {
				Path       string
				Principals []string
			}
			w.must(json.Unmarshal([]byte(line), &row))
			for _, who := range row.Principals {
				out[i][who] = append(out[i][who], filepath.Base(row.Path))
			}
		}
	}
	return out
}

func (w *accessWorld) refmon() string     { return filepath.Join(w.p.dir, "refmon") }
func (w *accessWorld) peopleFile() string { return filepath.Join(w.dir, "people.yaml") }

// run runs a program and returns its output.
func (w *accessWorld) run(name string, args ...string) string {
	w.Helper()
	cmd := exec.Command(name, args...)
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		w.Fatalf("%s %s: %v\n%s", name, args[0], err, problems.String())
	}
	return string(out)
}

// allowed runs refmon access for each file.
func (w *accessWorld) allowed(user string, mask winnt.AccessMask) (may []string) {
	w.Helper()
	args := []string{"access", "--json", "--ignore-system-acls", "--traverse", "never", "--as", user, "-d", w.peopleFile(),
		"--want", fmt.Sprintf("%#x", uint32(mask))}
	for _, name := range w.names {
		args = append(args, filepath.Join(w.root, name))
	}
	cmd := exec.Command(w.refmon(), args...)
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		w.Fatalf("refmon access: %v\n%s", err, problems.String())
	}
	calls := 0
	for line := range strings.Lines(string(out)) {
		var row struct{ ID, Status string }
		w.must(json.Unmarshal([]byte(line), &row))
		if calls++; row.Status == ntstatus.Success.String() {
			may = append(may, filepath.Base(row.ID))
		}
	}
	check.That(w, calls == len(w.names),
		"refmon access answers for %d of %d files, want %d", calls, len(w.names), len(w.names))
	return may
}
