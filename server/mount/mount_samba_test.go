package mount

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/smbd"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestShellsOnMountGetSambaAccess checks that three users of this host, each in a shell on the mount, get the access of
// descriptors that were set through a file server (M-1).
func TestShellsOnMountGetSambaAccess(t *testing.T) {
	needs(t)
	s := smbd.Start(t, smbd.Share{Name: "share", Posix: true,
		Config: "\tacl_xattr:ignore system acls = yes\n\tstrict locking = yes\n"})
	root := filepath.Join(s.Dir, "share")
	const carol = 61003
	for name, text := range map[string]string{
		"plan":    "D:P(A;;0x1f01ff;;;S-1-22-1-61001)(A;;0x120089;;;S-1-22-1-61002)",
		"payroll": "D:P(D;;0x1f01ff;;;S-1-22-1-61002)(A;;0x120089;;;WD)",
		"staff":   "D:P(A;;0x1f01ff;;;S-1-22-2-62001)(A;;0x120089;;;S-1-22-1-61003)",
	} {
		check.NoError(t, os.WriteFile(filepath.Join(root, name), []byte("of "+name+"\n"), 0o600))
		s.Cacls("root", "share", name, "--sddl", "-S", text)
	}
	w := newWorld(t, func(c *hostfs.Config, _ *Config) { c.Path, c.IgnorePosix = root, true })
	can := 0
	for _, name := range []string{"plan", "payroll", "staff"} {
		for _, uid := range []uint32{alice, bob, carol} {
			r := check.Must(people{}.LogOn(uid, uid))
			tok := check.Must(token.New(r.Token))
			for _, op := range []struct {
				script string
				want   winnt.AccessMask
			}{
				{"cat " + name, winnt.FILE_READ_DATA | winnt.SYNCHRONIZE},
				{": >> " + name, winnt.FILE_APPEND_DATA | winnt.SYNCHRONIZE},
			} {
				d := check.Must(access.Check(tok, w.stored(name), op.want, winnt.FileObject))
				out, err := w.run(uid, "sh", "-c", op.script)
				if (err == nil) != d.Allowed() || err != nil && !strings.Contains(out, "Permission denied") {
					t.Errorf("uid %d: %s: %q, %v; the check allows it: %t", uid, op.script, out, err, d.Allowed())
				}
				if d.Allowed() {
					can++
				}
			}
		}
	}
	w.locksBeside(s)
	// alice: both on plan and staff, reads payroll; bob: reads plan; carol: reads payroll and staff.
	check.That(t, can == 8, "%d of 18 are allowed, want 8", can)
}

// locking locks the first bytes of a file until its input ends, or prints the error.
const locking = `
import fcntl, sys
f = open(sys.argv[1], "r+")
try:
    fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 5, int(sys.argv[2]))
    print("locked", flush=True)
except OSError as e:
    print(e.strerror, flush=True)
sys.stdin.read()`

// locksBeside checks that a byte-range lock of a file server's client excludes a program on the mount from these bytes
// only, and that a lock of a program on the mount prevents the server's clients from reading (M-25).
func (w *world) locksBeside(s *smbd.Server) {
	w.Helper()
	if _, err := exec.LookPath("python3"); err != nil {
		w.Skip("no python3 to lock a file with: ", err)
	}
	tries := func(at, want string) {
		w.Helper()
		w.sees(alice, want, "python3", "-c", locking, "plan", at)
	}
	config, address, password := s.Access()
	// Without stdbuf its input is read ahead and its output buffered.
	c := exec.Command("timeout", "60", "stdbuf", "-i0", "-oL", "smbclient", "-s", config, "-U", "root%"+password,
		"-m", "NT1", "//"+address+"/share", "--option=client min protocol=NT1")
	in := check.Must(c.StdinPipe())
	out := check.Must(c.StdoutPipe())
	c.Stderr = c.Stdout
	w.must(c.Start())
	lines := bufio.NewScanner(out)
	ask := func(command, end string) string {
		w.Helper()
		w.must(check.Err(io.WriteString(in, command+"\n!echo done-"+end+"\n")))
		var said []string
		for lines.Scan() {
			if strings.Contains(lines.Text(), "done-"+end) {
				return strings.Join(said, "\n")
			}
			said = append(said, lines.Text())
		}
		w.Fatalf("smbclient: %s: it ended: %q, %v", command, said, lines.Err())
		return ""
	}
	opened := ask("posix\nposix_open plan 0600", "open")
	_, number, _ := strings.Cut(opened, "fnum ")
	number, _, _ = strings.Cut(number+"\n", "\n")
	ask("lock "+number+" w 0 5", "lock")
	tries("0", "Resource temporarily unavailable")
	tries("4", "Resource temporarily unavailable")
	tries("5", "locked")
	ask("unlock "+number+" 0 5", "unlock")
	tries("0", "locked")
	w.must(in.Close())
	w.must(c.Wait())
	holder := w.talkTo(as(alice, "/bin/sh", "-c", `cd "$0" && exec python3 -c "$1" plan 0`, w.at, locking))
	w.readLine(holder, "locked")
	if out, err := s.Client("root", "share", "get plan /dev/null"); !strings.Contains(out, "FILE_LOCK_CONFLICT") {
		w.Errorf("M-25: a file server read of bytes locked on the mount: %s, %v, want a lock conflict", out, err)
	}
	w.must(errors.Join(holder.in.Close(), holder.cmd.Wait()))
	if out, err := s.Client("root", "share", "get plan /dev/null"); err != nil {
		w.Errorf("M-25: the server reads after the lock: %s, %v", out, err)
	}
}
