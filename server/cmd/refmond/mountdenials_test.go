package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/mount"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// output returns what a command prints, whatever its exit code.
func output(name string, args ...string) string {
	out, _ := exec.Command(name, args...).CombinedOutput()
	return string(out)
}

// metricsOf returns the metrics of a socket.
func metricsOf(t *testing.T, at string) string {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl on this machine")
	}
	return output("curl", "-sS", "--unix-socket", at, "http://refmond/metrics")
}

// TestWhyNamesEntryThatDeniedOnMount checks who was denied through a mount, and by which entry: a mount without a
// daemon answers from its trail, the daemon for its own mounts. refmon why gives the same answer before anybody has
// tried (B-24, M-46, M-47).
func TestWhyNamesEntryThatDeniedOnMount(t *testing.T) {
	w, p, at := newMountWorld(t)
	t.Run("trail", func(t *testing.T) { w.trailed(t, p, at) })
	t.Run("daemon", func(t *testing.T) { w.daemonWhy(t, p, at) })
}

func (w *treeWorld) trailed(t *testing.T, p *program, at string) {
	dir, socket := filepath.Join(w.dir, "trail"), filepath.Join(w.dir, "metrics")
	_, end := p.started("mount", "--audit", dir, "--metrics", socket, w.root, at)
	w.prints(bob, "Permission denied", "cat "+at+"/plan")
	w.prints(alice, "the plan", "cat "+at+"/plan")
	w.prints(bob, "Permission denied", "ls "+at+"/plan && exec 3<>"+at+"/plan")
	var lines []string
	check.Eventually(t, func() bool { // the mount queues its records without waiting for them
		lines = strings.Split(strings.TrimSpace(output(p.bin, "why", "--audit", dir)), "\n")
		return len(lines) >= 2
	}, "M-46: refmond why --audit shows fewer than two denials")
	if len(lines) != 2 || !strings.Contains(lines[0], "DENIED ") || !strings.Contains(lines[0], "S-1-22-1-4712") ||
		!strings.Contains(lines[0], " open File "+at+"/plan for SYNCHRONIZE,ReadData: not granted by any entry") {
		t.Errorf("M-46: refmond why --audit: %q, want two denials of the plan", lines)
	}
	for args, want := range map[string]string{"--path PLAN": "ReadData", "--path diary": "No denial",
		"--since 1ns": "No denial"} {
		if out := output(p.bin, append([]string{"why", "--audit", dir}, strings.Fields(args)...)...); !strings.Contains(out,
			want) {
			t.Errorf("M-46: refmond why %s: %s, want text containing %q", args, out, want)
		}
	}
	if out := output(w.refmon(), "audit", "query", dir, "result=failure and object=*plan", "--format",
		"json"); strings.Count(out, `"event":4656`) != 2 {
		t.Errorf("M-46: refmon audit query:\n%s", out)
	}
	metrics := metricsOf(t, socket)
	for _, want := range []string{"refmond_mount_denied_total{tree=\"tree\",operation=\"OPEN\"} 2\n",
		"refmond_mount_denied_users_total{tree=\"tree\",uid=\"4712\"} 2\n", "# TYPE refmond_mount_seconds histogram\n",
		"refmond_mount_seconds_bucket{tree=\"tree\",le=\"+Inf\"}", "refmond_audit_records_total "} {
		check.That(t, strings.Contains(metrics, want),
			"M-47: no %q in\n%s, want text containing %q", want, metrics, want)
	}
	if out, err := shell(alice, "curl -sS --unix-socket "+socket+" http://refmond/metrics"); err == nil {
		t.Errorf("W-30: alice reads metrics: %s", out)
	}
	check.ErrorIs(t, check.Err(os.ReadFile(at+"/plan")), os.ErrPermission, "root reads the plan")
	if _, err := exec.LookPath("getent"); err == nil {
		check.Eventually(t, func() bool { // the record has the host's name of the user
			out := output(w.refmon(), "audit", "query", dir, "result=failure", "--format", "json")
			return strings.Contains(out, `"SubjectUserName":"root"`) &&
				strings.Contains(out, `"SubjectDomainName":"Unix User"`)
		}, "M-46: no record names root")
	} else {
		t.Log("without getent the names of the host in records are not checked")
	}
	// refmon why decides as the mount did, below it for root.
	for who, denied := range map[string]bool{"4711": false, "4712": true} {
		out, err := exec.Command(w.refmon(), "why", w.root+"/plan", "--as", who).CombinedOutput()
		check.That(t, (err != nil) == denied && strings.HasPrefix(string(out), "DENIED") == denied,
			"B-24: refmon why as %s: %v\n%s", who, err, out)
	}
	if out, err := shell(alice, w.refmon()+" why "+at+"/plan --as 4712"); err == nil ||
		!strings.HasPrefix(out, "DENIED STATUS_ACCESS_DENIED: the user (S-1-22-1-4712)") {
		t.Errorf("B-24: refmon why of alice about bob: %v, want STATUS_ACCESS_DENIED for bob\n%s", err, out)
	}
	if out, _ := shell(bob, w.refmon()+" why "+at+"/plan --as 4712"); !strings.Contains(out, "READ_CONTROL") {
		t.Errorf("B-24: bob may not read the descriptor:\n%s, want text containing \"READ_CONTROL\"", out)
	}
	w.must(os.WriteFile(filepath.Join(w.root, "bare"), nil, 0o666)) // without a descriptor
	w.prints(bob, "Permission denied", "cat "+at+"/bare")
	check.Eventually(t, func() bool {
		return strings.Contains(output(p.bin, "why", "--audit", dir, "--path", "bare"),
			" open File "+at+"/bare for SYNCHRONIZE,ReadData: not granted by any entry\n")
	}, "M-46: refmond why --audit has no reason for a file without a descriptor")
	// Nobody but root may read the descriptor of the tree's root, which does not decide an open for reading.
	w.describe("", "O:BAG:SYD:P(A;;0x1000a1;;;WD)")
	if out, err := shell(alice, w.refmon()+" why "+at+"/plan --as 4711"); err != nil ||
		!strings.HasPrefix(out, "GRANTED") {
		t.Errorf("B-24: refmon why below an unreadable root: %v\n%s, want GRANTED", err, out)
	}
	if out, err := shell(alice, w.refmon()+" why "+at+"/plan --as 4712 --want DELETE"); err == nil ||
		!strings.Contains(out, "READ_CONTROL") {
		t.Errorf("B-24: the root could grant DELETE: %v\n%s, want an error", err, out)
	}
	w.describe("", ofTheRoot)
	end()
	// The mount over the tree itself: root reads the descriptors below it.
	cmd, end := p.started("mount", "--metrics", "/"+strings.Repeat("m", 107), w.root, w.root)
	check.That(t, strings.Contains(p.log.text(), "the path has 108 bytes"), "a long path of metrics:\n%s", p.log.text())
	for who, denied := range map[string]bool{"4711": false, "4712": true} {
		if out := output(w.refmon(), "why", w.root+"/plan", "--as", who); strings.HasPrefix(out, "DENIED") != denied ||
			!strings.Contains(out, "DACL entry 1  (A;;FA;;;S-1-22-1-4711)") {
			t.Errorf("B-24: over its tree, as %s:\n%s", who, out)
		}
	}
	w.prints(bob, "Permission denied", "cat "+w.root+"/plan") // the query runs in a mount namespace of its own
	end()
	check.Equal(t, cmd.ProcessState.ExitCode(), exitSuccess, "exit code of the mount without metrics")
	if out := output(p.bin, "why", "--audit", filepath.Join(w.dir, "none")); !strings.HasPrefix(out, "refmond: ") {
		t.Errorf(`why with a missing trail: %s, want text starting with "refmond: "`, out)
	}
}

func (w *treeWorld) daemonWhy(t *testing.T, p *program, at string) {
	w.must(os.Chmod(p.dir, 0o755))
	p.configure(fmt.Sprintf("trees:\n  projects:\n    path: %s\n    mount: %s\n    hideUnreadable: true\n"+
		"audit:\n  denials: true\n", w.root, at))
	_, end := p.serve()
	defer end()
	w.prints(alice, "Too many levels of symbolic links", fmt.Sprintf("ln -s plan %[1]s/l; cat %[1]s/l; rm %[1]s/l", at))
	w.prints(bob, "Permission denied", "cat "+at+"/plan")
	w.prints(0, "Permission denied", "cat "+at+"/plan") // a user of the host without an account
	// A stored descriptor that does not count is named with its repair (F-204).
	must := func(out string, err error) {
		check.RequireThat(t, err == nil, "%v %v", out, err)
	}
	must(shell(0, "mkdir "+w.root+"/sub && cd "+w.root+"/sub && echo x >stale && "+w.refmon()+
		" acl set --offline stale 'O:BAG:SYD:P(A;;FA;;;WD)' && chmod 666 stale"))
	w.prints(bob, "Permission denied", "cat "+at+"/sub/stale")
	admin := output(p.bin, "why", "--socket", p.admin)
	for _, want := range []string{"as ", "mount projects, uid 4712: OPEN " + at +
		"/plan for FILE_READ_DATA|SYNCHRONIZE -> permission denied\n",
		"  because A-40 " + at + "/plan: no entry allows them\n",
		"because F-204 " + at + "/sub/stale: its stored descriptor is invalid: ", "refmon acl repair --rehash"} {
		check.That(t, strings.Contains(admin, want),
			"M-46: refmond why: no %q in\n%s, want text containing %q", want, admin, want)
	}
	trail := filepath.Join(p.dir, "state", "audit")
	if out := output(p.bin, "why", "--audit", trail, "--path", "plan"); strings.Count(out, "\n") != 2 ||
		!strings.Contains(out, " S-1-22-1-4712 open File "+at+"/plan for SYNCHRONIZE,ReadData: not granted by any entry") ||
		!strings.Contains(out, ` Unix User\root open File `+at+"/plan ") {
		t.Errorf("M-46: refmond why --audit of the daemon's trail:\n%s", out)
	}
	if out, _ := shell(bob, p.bin+" why --owner root --socket "+p.socket); !strings.Contains(out, at+"/plan") {
		t.Errorf("W-97: refmond why of bob: %s, want text containing %q", out, at+"/plan")
	}
	if out, _ := shell(alice, p.bin+" why --owner root --socket "+p.socket); !strings.Contains(out, "No recent denial") {
		t.Errorf(`W-97: refmond why of alice: %s, want text containing "No recent denial"`, out)
	}
	metrics := metricsOf(t, filepath.Join(p.dir, "state", operationsSocket))
	if want := "refmond_mount_denied_users_total{tree=\"projects\",uid=\"4712\"} 2\n"; !strings.Contains(metrics, want) ||
		!strings.Contains(metrics, "refmond_connections ") {
		t.Errorf("M-47: no %q in\n%s", want, metrics)
	}
}

// namedHosts names uids and records the look-ups.
type namedHosts struct {
	names map[uint32]string
	asked []uint32
}

func (h *namedHosts) UserName(_ context.Context, uid uint32) (string, bool) {
	h.asked = append(h.asked, uid)
	name, ok := h.names[uid]
	return name, ok
}

// TestDenialLinesCountSuppressedOnes checks the lines that refmond why prints for a denial through a mount (M-46).
func TestDenialLinesCountSuppressedOnes(t *testing.T) {
	d := mount.Denial{UID: 7, Operation: "OPEN", Path: "/p/f", Errno: unix.EACCES, Reasons: []string{"one"}}
	want := []string{"mount p, uid 7: OPEN /p/f -> permission denied", "  one"}
	check.SlicesEqual(t, denialLines("p", &d), want, "lines")
	d.Suppressed = 1
	want = append(want, "  1 denials of this user before it were only counted")
	check.SlicesEqual(t, denialLines("p", &d), want, "lines after a suppressed denial")
	d.Asked = winnt.FILE_READ_DATA | winnt.DELETE
	want[0] = "mount p, uid 7: OPEN /p/f for FILE_READ_DATA|DELETE -> permission denied"
	check.SlicesEqual(t, denialLines("p", &d), want, "lines of a denial of known rights")
}

// TestRecordCountsSuppressedDenials checks that the record of a denial through a mount has the number of the user's
// denials that were only counted before it (M-46).
func TestRecordCountsSuppressedDenials(t *testing.T) {
	for suppressed, want := range map[uint64]string{0: "", 3: "3"} {
		sink := audit.NewMemory(0, 0)
		record(&audit.Log{Sink: sink}, nil)(&mount.Denial{Path: "/p/f", Suppressed: suppressed,
			Open: &accessquery.Open{Check: access.Request{Type: winnt.FileObject, Desired: winnt.FILE_READ_DATA}}})
		var got []string
		for e := range sink.Events() {
			n, _ := e.Field("RecordsLeftOut")
			got = append(got, n)
		}
		check.SlicesEqual(t, got, []string{want}, "M-46: RecordsLeftOut of each record")
	}
}

// TestNamesInRecordsAreCached checks that records name users of the host alone, and that each name, and the absence of
// one, is looked up once a minute. The number of cached names is bounded.
//
// +checklocksignore
func TestNamesInRecordsAreCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hosts := &namedHosts{names: map[uint32]string{7: "alice"}}
		h := &hostAccounts{hosts: hosts, store: &hostAccounts{hosts: &namedHosts{names: map[uint32]string{9: "dora"}}}}
		name, _, ok := h.Account(fileaccess.UnixUser(9))
		check.That(t, ok && name == "dora" && hosts.asked == nil, "an account of the store: %q, %t, and look-ups %v of the "+
			"host, want none", name, ok, hosts.asked)
		for i, after := range []time.Duration{0, hostNameLife, 1} {
			time.Sleep(after)
			for _, c := range []struct {
				s    sid.SID
				want string
			}{{fileaccess.UnixUser(7), "alice"}, {fileaccess.UnixUser(8), ""}, {fileaccess.UnixGroup(7), ""}} {
				name, domain, ok := h.Account(c.s)
				check.That(t, name == c.want && ok == (c.want != "") && (!ok || domain == "Unix User"),
					"%d: %v is %q of %q, %t, want %q", i, c.s, name, domain, ok, c.want)
			}
		}
		check.Equal(t, fmt.Sprint(hosts.asked), "[7 8 7 8]", "look-ups")
		for uid := range uint32(maxHostNames + 1) {
			h.Account(fileaccess.UnixUser(uid))
		}
		check.That(t, len(h.known) <= maxHostNames, "%d names are kept, want at most %d", len(h.known), maxHostNames)
	})
}
