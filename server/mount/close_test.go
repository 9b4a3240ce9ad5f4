package mount

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestCloseHeld: a mount ends though a program in a mount namespace of its own has a file of it
// open, with what was written to it; the program is told (M-27).
func TestCloseHeld(t *testing.T) {
	w := newWorld(t)
	w.file("f", "before", "O:BAG:SYD:P(A;;FA;;;WD)")
	second := filepath.Join(filepath.Dir(w.at), "second")
	w.must(os.Mkdir(second, 0o755))
	m, err := Start(Config{System: w.sys, Name: "share", Tree: w.m.tree, Directory: second, Accounts: people{},
		Owners: ids{}, Plain: true})
	w.must(err)
	cmd := exec.Command("/bin/sh", "-c", `exec 3<>"$0/f"; echo after >&3; echo open; read go; cat "$0/f"`, second)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	in, err := cmd.StdinPipe()
	w.must(err)
	out, err := cmd.StdoutPipe()
	w.must(err)
	var why strings.Builder
	cmd.Stderr = &why
	w.must(cmd.Start())
	if lines := bufio.NewScanner(out); !lines.Scan() || lines.Text() != "open" {
		t.Errorf("%q: %s", lines.Text(), why.String())
	}
	w.must(m.Close()) // it would stand still
	_, err = in.Write([]byte("go\n"))
	w.must(err)
	if err := cmd.Wait(); err == nil || !strings.Contains(why.String(), "not connected") {
		t.Errorf("M-27: the program ends with %v, %q", err, why.String())
	}
	if b, err := os.ReadFile(filepath.Join(w.root, "f")); err != nil || string(b) != "after\n" {
		t.Errorf("M-27: %q, %v", b, err)
	}
	if names, err := os.ReadDir(second); err != nil || len(names) != 0 {
		t.Errorf("M-27: %v, %v", names, err)
	}
}
