package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/asuser"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/programs"
	"github.com/refmon/refmon/internal/test/smbd"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// tool finds a client, or ends the test.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
	case os.Getenv("REFMON_WEB") == "required":
		t.Fatalf("no %s here", name)
	default:
		t.Skipf("no %s here: install the package %s", name, name)
	}
	return path
}

// TestWebAccessEqualsRefmonAccess serves a tree whose descriptors were set through Samba's file server to three users,
// by curl, rclone and a browser. Each gets the access that `refmon access` reports for the same files. The gateway's
// own account opens none of them (G-1), and one record of the trail names client and gateway.
func TestWebAccessEqualsRefmonAccess(t *testing.T) {
	if os.Getenv("REFMON_WEB") != "required" {
		t.Skip("it builds three programs and starts a browser: REFMON_WEB=required runs it, as .ci/run does")
	}
	browser := tool(t, "chromium")
	for _, name := range []string{"curl", "rclone"} {
		tool(t, name)
	}
	server := smbd.Start(t, smbd.Share{Name: "share", Config: "\tacl_xattr:ignore system acls = yes\n"})
	s := newSite(t, filepath.Join(server.Dir, "share"))
	s.buildRefmon()
	config, err := os.ReadFile(filepath.Join(s.dir, "refmond.yaml"))
	s.must(err)
	s.write("refmond.yaml", strings.Replace(string(config), "    descriptors:",
		"    ignorePosix: true\n    descriptors:", 1))
	s.must(os.Chmod(s.tree, 0o700)) // only root and its file server have access
	s.start(0, 1, "refmond", "serve", "--config", "refmond.yaml")
	s.run(s.block("sh", 0))
	sids := s.writePeople()
	files := map[string]string{
		"":            "(A;OICI;FA;;;alice)(A;OICI;0x1200a9;;;staff)(A;OICI;0x1200a9;;;carol)",
		"plan.txt":    "(A;;FA;;;alice)(A;;0x1200a9;;;staff)",
		"payroll.txt": "(D;;FA;;;bob)(A;;0x120089;;;staff)(A;;0x120089;;;alice)(A;;0x120089;;;carol)",
		"notes.txt":   "(A;;FA;;;carol)",
	}
	for name, text := range files {
		for who, s := range sids {
			text = strings.ReplaceAll(text, who+")", s+")")
		}
		if name != "" {
			s.must(os.WriteFile(filepath.Join(s.tree, name), []byte("of "+name+"\n"), 0o600))
		}
		server.Cacls("root", "share", "/"+name, "--sddl", "-S", "D:P"+text)
		if name != "" {
			s.recordReads(name)
		}
	}
	s.start(gate, 2, "refmon-gateway", "serve", "--config", "gateway.yaml")
	delete(files, "")
	can := ""
	for _, user := range []string{"alice", "bob", "carol"} {
		for name := range files {
			allowed := s.access(user, name)
			if allowed {
				can += user + " " + name + ", "
			}
			s.byCurl(user, name, allowed)
			s.byRclone(user, user+"s-password", name, allowed)
		}
		s.byBrowser(browser, user, "payroll.txt", s.access(user, "payroll.txt"))
	}
	check.That(t, strings.Count(can, ",") == 5 && !strings.Contains(can, "bob payroll.txt"),
		"refmon access allows %s want alice and bob to read the plan, alice and carol the payroll, carol her notes", can)
	s.checkOwnAccount(files)
	for user, id := range sids {
		if user != "staff" {
			s.checkRecordNames(id)
		}
	}
}

// recordReads adds an auditing SACL for reads to the descriptor that Samba stored, because smbcacls cannot set one.
func (s *site) recordReads(name string) {
	s.Helper()
	path, value := filepath.Join(s.tree, name), make([]byte, ntacl.MaxSize)
	n, err := unix.Getxattr(path, ntacl.Name, value)
	s.must(err)
	a, err := ntacl.Decode(value[:n])
	s.must(err)
	d := a.Descriptor
	a.Descriptor = sd.New(sd.Parts{Control: d.Control() | sd.SACLPresent, Owner: d.Owner(), Group: d.Group(),
		DACL: d.DACL(), SACL: sddl.MustParse("S:(AU;SA;FR;;;WD)").SACL()})
	value, err = a.Append(nil)
	s.must(err)
	s.must(unix.Setxattr(path, ntacl.Name, value, 0))
}

// buildRefmon builds the command refmon, whose answers the test compares with those of the gateway.
func (s *site) buildRefmon() {
	s.Helper()
	programs.Install(s.T, filepath.Join(s.dir, "bin"), "refmon")
}

// writePeople writes the directory file for refmon access. It returns the SIDs of the page's users and group.
func (s *site) writePeople() map[string]string {
	s.Helper()
	sids := map[string]string{}
	list := s.run("refmond account list; refmond account group list")
	for _, m := range regexp.MustCompile(`(alice|bob|carol|staff) +(S-1-5-21-[0-9-]+)`).FindAllStringSubmatch(list, -1) {
		sids[m[1]] = m[2]
	}
	check.RequireThat(s, len(sids) == 4, "the lists have the SIDs %v, want those of alice, bob, carol and staff\n%s",
		sids, list)
	text := fmt.Sprintf("domain: %s\ngroups:\n  - {name: staff, sid: %s}\nusers:\n",
		sids["alice"][:strings.LastIndexByte(sids["alice"], '-')], sids["staff"])
	for user, member := range map[string]string{"alice": "", "bob": "staff", "carol": ""} {
		text += fmt.Sprintf("  - {name: %s, sid: %s, memberOf: [%s]}\n", user, sids[user], member)
	}
	s.write("people.yaml", text)
	return sids
}

// access reports whether refmon access grants a user a read of a file.
func (s *site) access(user, name string) bool {
	s.Helper()
	cmd := exec.Command(filepath.Join(s.dir, "bin", "refmon"), "access", filepath.Join(s.tree, name),
		"--ignore-system-acls", "--traverse", "never", "--as", user, "-d",
		filepath.Join(s.dir, "people.yaml"), "--want", "FILE_READ_DATA")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		s.Fatalf("refmon access: %v\n%s", err, out)
	}
	return err == nil
}

// byCurl requests a file as a user.
func (s *site) byCurl(user, name string, allowed bool) {
	s.Helper()
	want := "access denied\n403"
	if allowed {
		want = "of " + name + "\n200"
	}
	got := s.run(fmt.Sprintf("curl -su %s:%[1]ss-password https://localhost:%s/projects/%s -w '%%{http_code}'", user,
		s.files, name))
	// A client that may read the descriptor also gets the reason.
	check.That(s, strings.HasPrefix(got, want[:len(want)-4]) && strings.HasSuffix(got, want[len(want)-4:]),
		"%s reads %s by curl: %q, want %q", user, name, got, want)
}

// byRclone reads a file as a user with a password.
func (s *site) byRclone(user, password, name string, allowed bool) {
	s.Helper()
	got := s.run(fmt.Sprintf(`rclone --config /dev/null --retries 1 --no-check-certificate `+
		`--webdav-url https://localhost:%s --webdav-vendor other --webdav-user '%s' `+
		`--webdav-pass "$(rclone obscure %s)" cat :webdav:projects/%s 2>&1 || echo refused`, s.files, user, password, name))
	if allowed && got != "of "+name+"\n" || !allowed && (!strings.Contains(got, "403") ||
		!strings.HasSuffix(got, "refused\n")) {
		s.Errorf("%s reads %s by rclone: %q; allowed: %t", user, name, got, allowed)
	}
}

// byBrowser opens a file as a user in a headless browser.
func (s *site) byBrowser(browser, user, name string, allowed bool) {
	s.Helper()
	want := "access denied"
	if allowed {
		want = "of " + name
	}
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--ignore-certificate-errors",
		"--user-data-dir="+s.TempDir(), "--timeout=20000", "--dump-dom",
		fmt.Sprintf("https://%s:%[1]ss-password@localhost:%s/projects/%s", user, s.files, name)).Output()
	check.That(s, err == nil && strings.Contains(string(out), ">"+want),
		"%s opens %s in a browser: %v, %s; want %q", user, name, err, out, want)
}

// checkOwnAccount checks that the gateway's own account can open no file, directly or through refmond.
func (s *site) checkOwnAccount(files map[string]string) {
	s.Helper()
	own := s.dial(gate)
	defer own.Close()
	for name := range files {
		if out, err := exec.Command("setpriv", "--reuid", fmt.Sprint(gate), "--regid", fmt.Sprint(gate), "--clear-groups",
			"cat", filepath.Join(s.tree, name)).CombinedOutput(); err == nil {
			s.Errorf("G-1: the gateway's account reads %s past refmond: %s", name, out)
		}
		for _, want := range []winnt.AccessMask{winnt.FILE_READ_DATA, winnt.FILE_WRITE_DATA, winnt.DELETE,
			winnt.WRITE_DAC, winnt.WRITE_OWNER} {
			if _, _, st := own.Thread().NtCreateFile(nt.CreateFileIn{DesiredAccess: want,
				CreateDisposition: winnt.FILE_OPEN, ShareAccess: 7, ObjectAttributes: nt.Cap(&nt.ObjectAttributes{
					ObjectName: `\??\projects\` + name})}); st != ntstatus.AccessDenied {
				s.Errorf("G-1: the gateway's account opens %s for %v: %v, want %v", name, want, st,
					ntstatus.AccessDenied)
			}
		}
	}
}

// dial connects to refmond as a user of the host.
func (s *site) dial(uid int) *client.Conn {
	s.Helper()
	c, err := asuser.Run(uid, uid, func() (*client.Conn, error) { return client.DialUser(filepath.Join(s.dir, "s"), 0) })
	s.must(err)
	return c
}

// checkRecordNames checks that one record names a client, the file and the gateway.
func (s *site) checkRecordNames(id string) {
	s.Helper()
	out := s.run("refmon audit query state/audit --format json")
	for line := range strings.Lines(out) {
		if strings.Contains(line, "4663") && strings.Contains(line, id) && strings.Contains(line, "refmon-gateway") &&
			strings.Contains(line, fmt.Sprint("S-1-22-1-", gate)) {
			return
		}
	}
	s.Errorf("no record names %s and the gateway:\n%.2000s", id, out)
}
