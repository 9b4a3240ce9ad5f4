package auditlog

import (
	"encoding/hex"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// TestRoots: the test tree of RFC 6962's first implementations (U-70).
func TestRoots(t *testing.T) {
	leaves := []string{"", "00", "10", "2021", "3031", "40414243", "5051525354555657",
		"606162636465666768696a6b6c6d6e6f"}
	roots := []string{
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	}
	var f frontier
	for i, want := range roots {
		if i > 0 {
			leaf, err := hex.DecodeString(leaves[i-1])
			if err != nil {
				t.Fatal(err)
			}
			f.add(tlog.RecordHash(leaf))
		}
		if root := f.root(); hex.EncodeToString(root[:]) != want {
			t.Errorf("size %d: root %x, want %s", i, root, want)
		}
	}
}

// TestTiles: paths and widths are those of C2SP, and a tree that grows by tiles
// is the one that grows by its frontier and the one of package tlog.
func TestTiles(t *testing.T) {
	for _, c := range []struct {
		level  int
		number uint64
		width  int
		path   string
	}{
		{0, 0, 256, "tile/0/000"}, {0, 1234067, 256, "tile/0/x001/x234/067"}, {1, 67, 112, "tile/1/067.p/112"}, {2, 0,
			1, "tile/2/000.p/1"},
	} {
		if got := tilePath(c.level, c.number, c.width); got != c.path {
			t.Errorf("%s, want %s", got, c.path)
		}
		if l, n, w, ok := parseTilePath(c.path); !ok || l != c.level || n != c.number || w != c.width {
			t.Errorf("%s: %d %d %d %t", c.path, l, n, w, ok)
		}
	}
	for _, bad := range []string{"tile/0/0", "tile/0/x001/x002", "tile/0/000.p/0", "tile/0/000.p/256", "tile/a/000",
		"tile/0/000.p/01", "tile/0/1000"} {
		if _, _, _, ok := parseTilePath(bad); ok {
			t.Errorf("%s is taken for a tile", bad)
		}
	}
	d := newMemDisk(t, "")
	var tiles tiler
	var f frontier
	const size = 70_000
	for i := range size {
		leaf := tlog.RecordHash([]byte(strconv.Itoa(i)))
		tiles.add(leaf)
		f.add(leaf)
	}
	partial := tiles.partial()
	var names []string
	for i := range partial {
		names = append(names, partial[i].path())
	}
	if got, want := strings.Join(names, " "), "tile/0/273.p/112 tile/1/001.p/17 tile/2/000.p/1"; got != want {
		t.Errorf("partial tiles %s, want %s", got, want)
	}
	if g := tiles.frontier(); !g.equal(&f) {
		t.Error("the tiles make another tree")
	}
	if err := storeTiles(d, append(tiles.done, partial...)); err != nil {
		t.Fatal(err)
	}
	hashes := tileHashes{d, size}
	if root, err := tlog.TreeHash(size, hashes); err != nil || root != f.root() {
		t.Errorf("package tlog: %v, %v", root, err)
	}
	rnd := rand.New(rand.NewPCG(5, 6))
	for range 50 {
		n := rnd.Int64N(size)
		p, err := tlog.ProveRecord(size, n, hashes)
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckRecord(p, size, f.root(), n, tlog.RecordHash([]byte(strconv.FormatInt(n,
			10)))); err != nil {
			t.Errorf("leaf %d: %v", n, err)
		}
	}
	again, err := loadTiler(d, size)
	if err != nil {
		t.Fatal(err)
	}
	if g := again.frontier(); !g.equal(&f) {
		t.Error("what was stored makes another tree")
	}
}

// TestNotes: the vector of c2sp.org/signed-note, and the one spelling of a
// checkpoint (U-71).
func TestNotes(t *testing.T) {
	const vkey = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
	const signature = "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	_, err = OpenCheckpoint([]byte("This is an example message.\n\n— example.com/foo "+signature+"\n"), v)
	if err == nil || !strings.Contains(err.Error(), "three lines") { // the signature is good, the text no checkpoint
		t.Errorf("the published note: %v", err)
	}
	signer, key := testKey(t)
	c := Checkpoint{Origin: "test.example/audit", Size: 7}
	signed, err := signCheckpoint(&c, []note.Signer{signer})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := OpenCheckpoint(signed, key); err != nil || got != c {
		t.Errorf("%+v, %v", got, err)
	}
	const root = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
	for _, text := range []string{"", "a\n7\n", "a\n07\n" + root, "a\n+7\n" + root, "a\n-1\n" + root, "a\n7\nAAAA\n",
		"\n7\n" + root, "a\n7\n" + root + "more\n",
		"a\n9223372036854775808\n" + root, "a\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\n"} {
		if _, err := parseCheckpoint(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// TestSigners: two keys sign while one is replaced, either opens the checkpoint;
// a program of the site signs as a key does (U-71).
func TestSigners(t *testing.T) {
	dir := t.TempDir()
	a, err := CreateKey(dir+"/a", "host.example/audit")
	if err != nil {
		t.Fatal(err)
	}
	b, err := CreateKey(dir+"/b", "host.example/audit")
	if err != nil {
		t.Fatal(err)
	}
	for _, signers := range [][]note.Signer{{a}, {a, b}, {b}} {
		l := mustOpen(t, Config{Dir: dir + "/log", Signers: signers})
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(Config{Dir: dir + "/log", Signers: []note.Signer{a}}); err == nil {
		t.Error("a key that did not sign the last checkpoint goes on")
	}
	keys, err := ReadPublicKey(dir + "/b.pub")
	if err != nil {
		t.Fatal(err)
	}
	if v, err := Verify(Verification{Dir: dir + "/log", Keys: keys}); err != nil || v.Last != 6 || v.OwnKey ||
		v.KeyInside {
		t.Errorf("%+v, %v", v, err)
	}
	if _, err := CommandSigner("nonsense", "true"); err == nil {
		t.Error("a public key of another form is taken")
	}
}
