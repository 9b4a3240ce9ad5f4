package mount

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// numberOf returns the number of a file below.
func (w *world) numberOf(name string) uint64 {
	w.Helper()
	var s unix.Stat_t
	w.must(unix.Lstat(filepath.Join(w.root, name), &s))
	return s.Ino
}

// TestNumberUsedAgain: a program that stands in a directory which goes away finds nothing more,
// although another directory gets the number of the one that went, and is known to the
// host's kernel by then (F-180, M-11).
func TestNumberUsedAgain(t *testing.T) {
	w := newWorld(t)
	w.dir("gone", listAll)
	number := w.numberOf("gone")
	cmd := as(bob, "/bin/sh", "-c", `cd "$0/gone" && echo there && read go && cat f`, w.at)
	in, err := cmd.StdinPipe()
	w.must(err)
	out, err := cmd.StdoutPipe()
	w.must(err)
	var said strings.Builder
	cmd.Stderr = &said
	w.must(cmd.Start())
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); err != nil || line != "there\n" {
		t.Fatalf("%q, %v", line, err)
	}
	w.must(os.Remove(filepath.Join(w.root, "gone")))
	again := ""
	for i := range 500 {
		name := fmt.Sprint("new", i)
		w.dir(name, listAll)
		if w.numberOf(name) == number {
			again = name
			break
		}
	}
	if again != "" {
		w.file(again+"/f", "another directory's", readAll)
		w.sees(bob, "another directory's", "cat", again+"/f")
	}
	_, err = in.Write([]byte("go\n"))
	w.must(err)
	rest, _ := lines.ReadString('\n')
	if err := cmd.Wait(); err == nil || rest != "" {
		t.Errorf("F-180: it reads %q, %v", rest, err)
	}
	if again == "" {
		t.Skip("the file system gave the number of a directory that went to no other one of 500")
	}
}

// numbered is a tree whose files are told apart by their numbers alone.
type numbered struct{ nt.FileSystem }

func (n numbered) Find(r *fileaccess.Request, start nt.OpenFile) (nt.FilePlace, ntstatus.Status) {
	p, st := n.FileSystem.Find(r, start)
	return bare{p}, st
}

type bare struct{ nt.FilePlace }

func (bare) Identity() (uint64, string) { return 2, "" }

// TestNumbersAlone: a tree whose file system tells files apart by their numbers alone is
// not mounted (F-180).
func TestNumbersAlone(t *testing.T) {
	dir := t.TempDir()
	tree, err := hostfs.Open(hostfs.Config{Path: dir, Attribute: "user.NTACL"})
	if err != nil {
		t.Skip("hostfs: ", err)
	}
	sys := kernel.Boot(kernel.Config{})
	m, err := Start(Config{System: sys, Name: "share", Tree: numbered{tree}, Directory: dir,
		Accounts: people{}, Owners: ids{}})
	if err == nil || !strings.Contains(err.Error(), "handle") {
		t.Errorf("F-180: %v, %v", m, err)
	}
	if err := errors.Join(sys.Close(), tree.Close()); err != nil {
		t.Error(err)
	}
}
