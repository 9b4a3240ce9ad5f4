package mount

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/smbd"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// TestMountDiffersFromSambaAsDocumented checks the differences between Samba's server and the mount that docs/mount.md
// names, with operations that TestMountEqualsFileServer does not use (F-58, F-59, M-13, M-22, S-63).
func TestMountDiffersFromSambaAsDocumented(t *testing.T) {
	needs(t)
	s, accounts, ids, _ := server(t)
	w := newWorld(t, func(h *hostfs.Config, c *Config) {
		h.Path, h.IgnorePosix, h.Share = filepath.Join(s.Dir, "v3"), true, sddl.MustParse("D:(A;;FA;;;WD)")
		h.Policy = fileaccess.Policy{Profile: fileaccess.Observed, Traverse: fileaccess.TraverseNever}
		c.Accounts, c.Owners = accounts, accounts
	})
	w.must(unix.Chmod(w.root, 0o777))
	bin := accounts[ids[1]].User().SID.String()
	d := &differences{world: w, server: s, uid: ids[1]}
	empty := filepath.Join(t.TempDir(), "empty")
	w.must(os.WriteFile(empty, nil, 0o600))
	// Nobody may list these directories, so a directory's grant cannot replace a missing grant of a file.
	const closed = "O:BAG:SYD:P(A;;0x100026;;;WD)(A;OICI;FA;;;BA)" // FILE_ADD_FILE, FILE_APPEND_DATA, FILE_TRAVERSE
	all := "O:BAG:SYD:P(A;;FA;;;" + bin + ")"
	t.Run("rename over a file", func(t *testing.T) {
		d.folder("over", closed)
		for _, name := range []string{"a", "b"} {
			d.create("over/"+name, all)
			d.create("over/to"+name, "O:BAG:SYD:P(A;;0x12019f;;;"+bin+")") // everything but deletion
		}
		out, err := s.Client("bin", "v3", `rename over\a over\toa -f`)
		check.That(t, err == nil && !d.exists("over/a"), "the server refuses: %s, %v", out, err)
		if out, err := d.run(d.uid, "mv", "-f", "over/b", "over/tob"); err == nil ||
			!strings.Contains(out, "Permission denied") {
			t.Errorf(`F-58: the mount: %s, %v, want text containing "Permission denied", an error`, out, err)
		}
		d.create("over/tob", "O:BAG:SYD:P(A;;0x12019f;;;"+bin+")(A;;SD;;;"+bin+")")
		if out, err := d.run(d.uid, "mv", "-f", "over/b", "over/tob"); err != nil {
			t.Errorf("F-58: the mount, with DELETE: %s, %v", out, err)
		}
	})
	t.Run("nothing to inherit", func(t *testing.T) {
		d.folder("bare", "O:BAG:SYD:P(A;;0x1301bf;;;WD)")
		if out, err := s.Client("bin", "v3", "put "+empty+` bare\server`); err != nil {
			t.Fatal(out, err)
		}
		if a := d.stored("bare/server"); a != nil {
			t.Errorf("the server stores %v, want nil", a)
		}
		if out, err := d.run(d.uid, "touch", "bare/mount"); err != nil {
			t.Fatal(out, err)
		}
		text, err := sddl.Format(d.stored("bare/mount"), sddl.Options{})
		if want := "D:(A;;FA;;;" + bin + ")(A;;FA;;;SY)"; err != nil || !strings.Contains(text, want) {
			t.Errorf("S-63: the mount stores %s, %v, want %s", text, err, want)
		}
	})
	t.Run("run without reading attributes", func(t *testing.T) {
		d.folder("run", closed)
		d.create("run/tool", "O:BAG:SYD:P(A;;0x100021;;;"+bin+")") // FILE_READ_DATA, FILE_EXECUTE, SYNCHRONIZE
		w.must(os.WriteFile(filepath.Join(w.root, "run/tool"), []byte("#!/bin/true\n"), 0o777))
		if status := d.open("run/tool", 0x100021); status != 0 {
			t.Errorf("the server: %#x, want %#x", status, 0)
		}
		if out, err := d.run(d.uid, "/bin/sh", "-c", "exec run/tool"); err == nil ||
			!strings.Contains(out, "Permission denied") {
			t.Errorf(`M-13: the mount: %s, %v, want text containing "Permission denied", an error`, out, err)
		}
		w.describe("run/tool", "O:BAG:SYD:P(A;;0x1000a1;;;"+bin+")") // with FILE_READ_ATTRIBUTES
		if out, err := d.run(d.uid, "/bin/sh", "-c", "exec run/tool"); err != nil {
			t.Errorf("M-13: the mount, with FILE_READ_ATTRIBUTES: %s, %v", out, err)
		}
	})
	t.Run("no DACL", func(t *testing.T) {
		d.folder("open", closed)
		d.create("open/f", "O:BAG:SY")
		if status := d.open("open/f", 0x100001); status != ntstatus.AccessDenied {
			t.Errorf("the server: %v, want %v", status, ntstatus.AccessDenied)
		}
		if out, err := d.run(d.uid, "cat", "open/f"); err != nil {
			t.Errorf("A-42: the mount: %s, %v, want no error", out, err)
		}
	})
	t.Run("link without reading attributes", func(t *testing.T) {
		d.folder("link", closed)
		d.create("link/a", "O:BAG:SYD:P(A;;0x100100;;;"+bin+")") // FILE_WRITE_ATTRIBUTES, SYNCHRONIZE
		if out, err := s.Client("bin", "v3", `hardlink link\a link\server`); err != nil || !d.exists("link/server") {
			t.Errorf("the server: %s, %v", out, err)
		}
		if out, err := d.run(d.uid, "ln", "link/a", "link/mount"); err == nil || d.exists("link/mount") {
			t.Errorf("F-59: the mount: %s, %v", out, err)
		}
		w.describe("link/a", "O:BAG:SYD:P(A;;0x100180;;;"+bin+")")
		if out, err := d.run(d.uid, "ln", "link/a", "link/mount"); err != nil {
			t.Errorf("F-59: the mount, with FILE_READ_ATTRIBUTES: %s, %v", out, err)
		}
	})
	t.Run("equal inherited entries", func(t *testing.T) {
		d.folder("equal", "O:BAG:SYD:P(A;OICI;0x1301bf;;;WD)(A;OICI;0x1301bf;;;WD)")
		if out, err := s.Client("bin", "v3", "put "+empty+` equal\server`); err != nil {
			t.Fatal(out, err)
		}
		if out, err := d.run(d.uid, "touch", "equal/mount"); err != nil {
			t.Fatal(out, err)
		}
		for name, want := range map[string]int{"server": 1, "mount": 2} {
			if a := d.stored("equal/" + name); a == nil || a.DACL().Len() != want {
				t.Errorf("the %s stores %v, want %d entries", name, a, want)
			}
		}
	})
	t.Run("chown to the present owner", func(t *testing.T) {
		d.create("mine", "O:"+bin+"G:SYD:P(A;;0x1200a9;;;WD)(A;;0x1200a9;;;OW)") // without WRITE_OWNER
		if out, err := s.TryCacls("bin", "v3", "mine", "-C", bin); err == nil {
			t.Errorf("the server: %s", out)
		}
		if out, err := d.run(d.uid, "chown", "bin", "mine"); err != nil {
			t.Errorf("M-22: the mount: %s, %v", out, err)
		}
		if out, err := d.run(d.uid, "chown", "games", "mine"); err == nil {
			t.Errorf("M-22: the mount, to another: %s", out)
		}
	})
}

// differences is a tree on a mount and at Samba's server, with a user of both.
type differences struct {
	*world
	server *smbd.Server
	uid    uint32
}

// folder creates a directory whose mode allows everything.
func (d *differences) folder(name, text string) {
	d.Helper()
	d.must(errors.Join(os.Mkdir(filepath.Join(d.root, name), 0o700), unix.Chmod(filepath.Join(d.root, name), 0o777)))
	d.describe(name, text)
}

// create creates such a file, or sets the descriptor of an existing one.
func (d *differences) create(name, text string) {
	d.Helper()
	path := filepath.Join(d.root, name)
	d.must(errors.Join(os.WriteFile(path, []byte("x"), 0o600), unix.Chmod(path, 0o777)))
	d.describe(name, text)
}

// exists reports whether a file is in the tree.
func (d *differences) exists(name string) bool {
	_, err := os.Lstat(filepath.Join(d.root, name))
	return err == nil
}

// open opens a file of the server with rights and returns the status.
func (d *differences) open(name string, want winnt.AccessMask) ntstatus.Status {
	d.Helper()
	if err := exec.Command("/usr/bin/python3", "-c", "import samba.samba3.libsmb_samba_internal").Run(); err != nil {
		smbd.Skip(d.TB, "python3 has no Samba here: install the package python3-samba")
	}
	config, address, password := d.server.Access()
	there := d.talkTo(exec.Command("/usr/bin/python3", "-c", asker, address, config, password, "v3"))
	defer func() { d.must(errors.Join(there.in.Close(), there.cmd.Wait())) }()
	return ntstatus.Status(d.ask(there, []any{"bin", "open", strings.ReplaceAll(name, "/", `\`), want,
		fileaccess.FileOpen, 0}))
}
