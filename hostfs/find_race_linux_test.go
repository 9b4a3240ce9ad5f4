package hostfs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// hostile is a tree that attackers change while a client opens files in it.
type hostile struct {
	*world
	outside string
	done    chan struct{}
}

// attack changes the tree until the clients are done. Each step may fail, because another attacker may have been
// faster.
func (h *hostile) attack(wg *sync.WaitGroup, step func(i int)) {
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-h.done:
				return
			default:
				step(i)
			}
		}
	})
}

// swap exchanges two names of a directory that an attacker holds open, so that the attack stays within the tree.
func swap(dir *os.File, a, b string) {
	_ = unix.Renameat2(int(dir.Fd()), a, int(dir.Fd()), b, unix.RENAME_EXCHANGE)
}

func (h *hostile) attackers(wg *sync.WaitGroup) {
	d := check.Must(os.Open(h.path(`d\e`)))
	root := check.Must(os.Open(h.root))
	h.Cleanup(func() { h.must(errors.Join(d.Close(), root.Close())) })
	// Two files swap names: alice's and the one that everybody may read.
	h.attack(wg, func(int) { swap(d, "public", "private") })
	// A file and a link out of the tree change places.
	h.attack(wg, func(int) { swap(d, "file", "link") })
	// The directory and a link out of the tree change places.
	h.attack(wg, func(int) { swap(root, "d", "out") })
	// A name alternates between a hard link of alice's file and one of the public file.
	h.attack(wg, func(i int) {
		from := h.root + [2]string{"/kept.public", "/kept.private"}[i&1]
		if os.Link(from, h.path("new")) == nil {
			_ = os.Rename(h.path("new"), h.path("hard"))
		}
		_ = os.Remove(h.path("new"))
	})
}

// client opens files repeatedly. may is true if it may read alice's file.
func (h *hostile) client(wg *sync.WaitGroup, th *nt.Thread, rounds int, may bool) {
	names := []string{`d\e\public`, `d\e\private`, `d\e\file`, `d\e\link`, "hard"}
	wg.Go(func() {
		for i := range rounds {
			name := names[i%len(names)]
			f, _, st := th.NtCreateFile(call{desired: winnt.FILE_READ_DATA, disposition: fileaccess.FileOpen}.at(name))
			if st != ntstatus.Success {
				continue
			}
			b, st := th.NtReadFileAt(f, 100, 0)
			if st == ntstatus.Success && string(b) != "public" && (!may || string(b) != "private") {
				h.Errorf("read of %s by a client that may read alice's files %t: %q, want only permitted contents",
					name, may, b)
			}
			check.Equal(h, th.NtClose(f), ntstatus.Success, "NtClose")
		}
	})
}

// maker creates, renames and removes files while their directory moves.
func (h *hostile) maker(wg *sync.WaitGroup, th *nt.Thread, rounds int) {
	wg.Go(func() {
		for range rounds {
			f, _, st := th.NtCreateFile(call{desired: winnt.DELETE | winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA,
				disposition: fileaccess.FileOpenIf, options: fileaccess.DeleteOnClose}.at(`d\e\made`))
			if st != ntstatus.Success {
				continue
			}
			_, _ = th.NtWriteFileAt(f, []byte("made"), 0)
			_ = th.NtSetInformationFile(f, nt.FileRenameInformation, nt.FileRename{FileName: "named", ReplaceIfExists: true})
			check.Equal(h, th.NtClose(f), ntstatus.Success, "NtClose")
		}
	})
}

// While others exchange files, links and directories, nothing outside the tree is read or created, and no client
// reads a file whose descriptor never permitted it (F-112, F-114).
func TestOpensSurviveHostileChanges(t *testing.T) {
	w := newWorld(t)
	h := &hostile{w, filepath.Join(t.TempDir(), "e"), make(chan struct{})} // The link to its directory replaces d.
	w.must(os.Mkdir(h.outside, 0o777))
	const everybody, aliceOnly = "O:BAG:SYD:P(A;;FA;;;WD)", "O:BAG:SYD:P(A;;FA;;;" + alice + ")"
	w.describe("", everybody)
	w.dir("d", everybody)
	w.dir(`d\e`, everybody)
	w.file(`d\e\public`, "public", everybody)
	w.file(`d\e\private`, "private", aliceOnly)
	w.file(`d\e\file`, "public", everybody)
	w.file("kept.public", "public", everybody)
	w.file("kept.private", "private", aliceOnly)
	for _, name := range []string{"public", "private", "file", "secret"} {
		w.must(os.WriteFile(h.outside+"/"+name, []byte("outside"), 0o666))
		w.must(setAttribute(h.outside+"/"+name, w.tree.cfg.Attribute, w.accepted(everybody)))
	}
	w.must(setAttribute(h.outside, w.tree.cfg.Attribute, w.accepted(everybody)))
	w.must(os.Symlink(h.outside+"/secret", w.path(`d\e\link`)))
	w.must(os.Symlink(filepath.Dir(h.outside), w.path("out")))
	before := names(t, h.outside)
	var attackers, clients sync.WaitGroup
	h.attackers(&attackers)
	rounds := randtest.Size(4000)
	h.client(&clients, w.as(bob), rounds, false)
	h.client(&clients, w.as(alice), rounds, true)
	h.maker(&clients, w.as(alice), rounds/8)
	clients.Wait()
	close(h.done)
	attackers.Wait()
	if after := names(t, h.outside); after != before {
		t.Errorf("files outside of the tree: %s, want %s as before", after, before)
	}
	for _, name := range []string{"public", "private", "file", "secret"} {
		if b, err := os.ReadFile(h.outside + "/" + name); string(b) != "outside" {
			t.Errorf(`contents of %s outside of the tree: %q, %v, want "outside"`, name, b, err)
		}
	}
}

func names(t *testing.T, dir string) string {
	t.Helper()
	list := check.Must(os.ReadDir(dir))
	var all []string
	for _, e := range list {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}
