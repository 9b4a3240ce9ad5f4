package mount

import (
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Descriptors of the contest: what everybody reads says "granted", the rest "secret".
const (
	readAll = "O:BAG:SYD:P(A;;FR;;;WD)"
	hers    = "O:BAG:SYD:P(A;;FA;;;S-1-22-1-61001)"
	fullAll = "O:BAG:SYD:P(A;OICI;FA;;;WD)"
	listAll = "O:BAG:SYD:P(A;;0x1200a9;;;WD)"
)

// attacker changes the tree below. Each step may fail: another one was there.
type attacker struct {
	root, outside string
	moment        *uint64
}

func (a *attacker) at(name string) string { return filepath.Join(a.root, name) }

// swap exchanges two names.
func (a *attacker) swap(x, y string) {
	_ = unix.Renameat2(unix.AT_FDCWD, a.at(x), unix.AT_FDCWD, a.at(y), unix.RENAME_EXCHANGE)
}

// put puts a new file with a descriptor in the place of another one.
func (a *attacker) put(name, contents, text string) {
	temp := a.at("spare/new")
	err := os.WriteFile(temp, []byte(contents), 0o600)
	if err == nil {
		err = unix.Setxattr(temp, ntACL, attribute(text), 0)
	}
	if err == nil {
		_ = os.Rename(temp, a.at(name))
	}
}

// attacks has the steps of each attacker, done over and over.
var attacks = map[string]func(a *attacker, i int){
	// Directories and files that grant different things change places.
	"exchange": func(a *attacker, _ int) {
		a.swap("a", "b")
		a.swap("a/f", "a/g")
		a.swap("b/f", "b/g")
		a.swap("w", "v")
	},
	// Files and directories change places with symbolic links out of the tree.
	"link": func(a *attacker, _ int) {
		a.swap("c/f", "c/l")
		a.swap("c/d", "c/s")
		a.swap("c/l", "c/k")
		a.swap("x", "y")
	},
	// Names become other files' hard links and new files; now and then the descriptor of
	// h/t changes, once or a few times at once.
	"replace": func(a *attacker, i int) {
		from := []string{"kept.public", "kept.secret"}[i&1]
		_ = errors.Join(os.Link(a.at(from), a.at("spare/link")), os.Rename(a.at("spare/link"), a.at("h/f")),
			os.Remove(a.at("spare/link")))
		a.put("h/f", "granted", readAll)
		a.put("h/f", "secret", hers)
		if i&31 != 0 {
			return
		}
		for range 1 + i>>5&3 {
			now := atomic.AddUint64(a.moment, 1)
			text := hers
			if grants(now + 1) {
				text = readAll
			}
			if err := unix.Setxattr(a.at("h/t"), ntACL, attribute(text), 0); err != nil {
				panic(err)
			}
			atomic.AddUint64(a.moment, 1)
		}
	},
	// Other directories and files are mounted in the tree, and stay for a while.
	"bind": func(a *attacker, i int) {
		b := [][2]string{{a.outside, "m"}, {a.at("a"), "m"}, {a.outside + "/f", "mf"}, {a.at("kept.secret"), "mf"}}[i&3]
		if err := unix.Mount(b[0], a.at(b[1]), "", unix.MS_BIND, ""); err != nil {
			panic(err)
		}
		for range 500 {
			_, _ = os.Stat(a.at("m/f"))
		}
		if err := unix.Unmount(a.at(b[1]), unix.MNT_DETACH); err != nil {
			panic(err)
		}
	},
}

// field makes the tree of the contest, and what is outside of it, where every descriptor
// lets everybody do everything. The function that it returns tests, when all is
// over, that nothing has changed where no user may change anything.
func (w *world) field(dir string) (kept func()) {
	w.Helper()
	outside := filepath.Join(dir, "outside")
	w.must(os.Mkdir(outside, 0o777))
	for _, name := range []string{"f", "g", "l", "keep"} {
		w.must(os.WriteFile(filepath.Join(outside, name), []byte("outside"), 0o666))
		w.must(unix.Setxattr(filepath.Join(outside, name), ntACL, attribute(fullAll), 0))
	}
	w.must(unix.Setxattr(outside, ntACL, attribute(fullAll), 0))
	for _, name := range []string{"a", "b", "c", "c/d", "h", "m", "spare"} {
		w.dir(name, listAll)
	}
	for _, name := range []string{"a/f", "b/f", "c/f", "c/d/f", "h/f", "m/f", "mf", "kept.public"} {
		w.file(name, "granted", readAll)
	}
	for _, name := range []string{"a/g", "b/g", "m/g", "kept.secret"} {
		w.file(name, "secret", hers)
	}
	w.file("h/t", "turned", readAll)
	w.must(os.WriteFile(filepath.Join(dir, "clock"), make([]byte, 8), 0o644)) //nolint:gosec // clients read it
	// In w and x names are made and removed, in v nothing may be, and y is outside.
	for name, text := range map[string]string{"w": fullAll, "v": listAll, "x": fullAll} {
		w.dir(name, text)
		w.file(name+"/keep", "secret", hers)
	}
	for link, to := range map[string]string{"c/l": "../../outside/f", "c/s": outside, "y": "../outside"} {
		w.must(os.Symlink(to, filepath.Join(w.root, link)))
	}
	// One has a descriptor, as those have that were made in the tree, which lets everybody read it.
	w.link("c/k", "../../outside/f", fullAll)
	v, err := os.Open(filepath.Join(w.root, "v")) // it has another name in the end
	w.must(err)
	w.Cleanup(func() { w.must(v.Close()) })
	return func() {
		w.Helper()
		for _, name := range []string{"m", "mf"} {
			for unix.Unmount(filepath.Join(w.root, name), unix.MNT_DETACH) == nil {
			}
		}
		names, err := v.Readdirnames(-1)
		w.must(err)
		if len(names) != 1 || names[0] != "keep" {
			w.Errorf("F-112: where no user may change anything stands %q", names)
		}
		entries, err := os.ReadDir(outside)
		w.must(err)
		if len(entries) != 4 {
			w.Errorf("F-112: outside stands %v", entries)
		}
		for _, e := range entries {
			if b, err := os.ReadFile(filepath.Join(outside, e.Name())); err != nil || string(b) != "outside" {
				w.Errorf("F-112: outside %s holds %q, %v", e.Name(), b, err)
			}
		}
	}
}
