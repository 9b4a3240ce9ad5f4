package hostfs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/beneath"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
)

// Relative paths and paths that end with "." or ".." are resolved to the file and its directory.
func TestOpenOfflineResolvesPaths(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "d")
	check.NoError(t, os.Mkdir(dir, 0o755))
	check.NoError(t, os.WriteFile(filepath.Join(root, "f"), nil, 0o644))
	t.Chdir(dir)
	for path, of := range map[string]string{".": dir, "..": root, dir + "/": dir, "../d": dir, "../f": root + "/f",
		"./../f": root + "/f", "/": "/"} {
		o, err := OpenOffline(path, Config{})
		if err != nil {
			t.Errorf("OpenOffline(%s): %v", path, err)
			continue
		}
		want := check.Must(os.Stat(of))
		got, err := os.Stat(placeOf(o.fd))
		check.That(t, err == nil && os.SameFile(got, want) && o.Directory() == want.IsDir(),
			"OpenOffline(%s) opened %v, %v, want %s", path, got, err, of)
		above := check.Must(os.Stat(filepath.Dir(of)))
		if path == "/" {
			o.Close() // The root is in no directory.
			continue
		}
		if got, err := os.Stat(placeOf(o.parent)); err != nil || !os.SameFile(got, above) {
			t.Errorf("OpenOffline(%s): directory of the file %v, %v; want %s", path, got, err, filepath.Dir(of))
		}
		o.Close()
	}
}

// Without a tree, the descriptors of a file and of its directory come from their attributes. A new one is written in
// the version of the file's attribute, or else of the directory's (F-171).
func TestOfflineReadsAndWritesDescriptors(t *testing.T) {
	w := newWorld(t)
	c := Config{Attribute: w.tree.cfg.Attribute, Missing: SynthesiseMissing}
	w.dir("d", aliceOnly)
	w.file(`d\f`, "", narrow)
	w.dir(`d\e`, wide)
	w.must(os.WriteFile(w.path(`d\bare`), nil, 0o600))
	w.must(os.WriteFile(w.path(`d\spoiled`), nil, 0o600))
	w.must(setAttribute(w.path(`d\spoiled`), c.Attribute, []byte("nonsense")))
	hashed := ntacl.Attribute{Version: 3, HashType: ntacl.HashSHA256, Hash: [64]byte{1}, Descriptor: sddl.MustParse(wide)}
	value := check.Must(hashed.Append(nil))
	w.must(os.WriteFile(w.path(`d\hashed`), nil, 0o600))
	w.must(setAttribute(w.path(`d\hashed`), c.Attribute, value))
	w.must(os.Mkdir(w.path("plain"), 0o700))
	w.must(os.WriteFile(w.path(`plain\f`), nil, 0o600))
	w.must(errors.Join(os.Symlink("plain/f", w.path("l")), os.Symlink("plain", w.path("ld"))))
	w.must(mkfifo(w.path("fifo")))
	plain := check.Must(OpenOffline(w.path("plain"), c))
	ofPlain := formatted(plain.Descriptor()) // its permissions are not those of its file
	plain.Close()
	before := check.OpenDescriptors(t)
	for _, c2 := range []struct {
		name, own, above string
		directory        bool
		version          uint16 // version that is written; 0: Write fails
	}{
		{`d\f`, narrow, aliceOnly, false, 3}, {`d\e`, wide, aliceOnly, true, 3}, {`d\bare`, "made", aliceOnly, false, 3},
		{`d\spoiled`, "nothing", aliceOnly, false, 3}, {`d\hashed`, wide, aliceOnly, false, 0},
		{`plain\f`, "made", ofPlain, false, 4},
		{"", "O:BAG:SYD:P(A;;0x1200a9;;;WD)(A;OICI;FA;;;BA)", "made", true, 3},
	} {
		o := check.Must(OpenOffline(w.path(c2.name), c))
		own, above := formatted(o.Descriptor()), formatted(o.Parent())
		if c2.own == "made" && strings.HasPrefix(own, "O:") {
			own = "made"
		}
		if c2.above == "made" && strings.HasPrefix(above, "O:") {
			above = "made"
		}
		if own != c2.own || above != c2.above || o.Directory() != c2.directory {
			t.Errorf("F-171: %s: descriptor %s, parent's %s, directory %t; want %s, %s, %t", c2.name, own, above,
				o.Directory(), c2.own, c2.above, c2.directory)
		}
		err := o.Write(sddl.MustParse("O:SYG:SYD:P(A;;FR;;;SY)"))
		check.That(t, (err == nil) == (c2.version != 0),
			"F-171: Write of %s: %v, want success %t", c2.name, err, c2.version != 0)
		if got := w.readBack(c2.name); c2.version != 0 && (got.Version != c2.version ||
			formatted(got.Descriptor) != "O:SYG:SYD:P(A;;FR;;;SY)") {
			t.Errorf("F-171: %s was written in version %d: %s, want version %d", c2.name, got.Version,
				formatted(got.Descriptor), c2.version)
		}
		o.Close()
		if o.Close(); o.fd != -1 || o.parent != -1 { // A second Close has no effect.
			t.Errorf("%s after Close: descriptors %d, %d, want %d, %d", c2.name, o.fd, o.parent, -1, -1)
		}
		w.must(os.Chmod(w.path(c2.name), 0o700)) //nolint:gosec // the next one is not of these permissions
	}
	top := check.Must(beneath.Open(w.root))
	below := top.Dirs()
	for _, name := range []string{"none", `none\f`, `d\f\x`, "l", "ld", "fifo"} {
		if o, err := OpenOffline(w.path(name), c); err == nil || o != nil {
			t.Errorf("F-171: OpenOffline(%s) succeeds, want an error", name)
		}
		if o, err := OpenOfflineBelow(below, strings.ReplaceAll(name, `\`, "/"), c); err == nil || o != nil {
			t.Errorf("F-171: OpenOfflineBelow(%s) succeeds, want an error", name)
		}
	}
	for n := range 2 { // The attribute of the file cannot be read, or that of its directory.
		disk := new(inject.Injector)
		disk.Fail(unix.EIO, inject.Kind("getxattr"), inject.PathMatch(c.Attribute), inject.OnIndex(n))
		_, err := OpenOffline(w.path(`d\f`), Config{Attribute: c.Attribute, Faults: disk.Do})
		check.ErrorIs(t, err, unix.EIO, "F-171: OpenOffline with an unreadable attribute")
	}
	below.Close()
	top.Close()
	check.Equal(t, check.OpenDescriptors(t), before, "host descriptors at the end")
	root := check.Must(OpenOffline("/", c))
	check.That(t, root.parent == -1 && root.Parent() == nil && root.Directory(),
		`OpenOffline("/"): parent %d, want none and a directory`, root.parent)
	root.Close()
	top = check.Must(beneath.Open(w.root))
	defer top.Close()
	below = top.Dirs()
	defer below.Close()
	w.dir(`d\e\g`, aliceOnly)
	w.describe(`d\e`, narrow)
	for name, parent := range map[string]string{"": formatted(nil), "d/e": aliceOnly, "d/e/g": narrow} {
		o := check.Must(OpenOfflineBelow(below, name, c))
		check.Equal(t, formatted(o.Parent()), parent, "F-171: parent of %q below a root", name)
		o.Close()
	}
	for given, want := range map[string]string{"": ntacl.Name, "user.other": "user.other"} {
		o := check.Must(OpenOffline(w.root, Config{Attribute: given}))
		b := check.Must(OpenOfflineBelow(below, "", Config{Attribute: given}))
		check.That(t, o.t.cfg.Attribute == want && b.t.cfg.Attribute == want, "F-171: attribute %q: %s, %s, want %s",
			given, o.t.cfg.Attribute, b.t.cfg.Attribute, want)
		o.Close()
		b.Close()
	}
}
