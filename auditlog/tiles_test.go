package auditlog

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	testcheck "github.com/refmon/refmon/internal/test/check"
)

// A tile has the path of C2SP, and the path parses back to it (U-70).
func TestTilePathsRoundTrip(t *testing.T) {
	for level := range 8 {
		for _, n := range []uint64{0, 1, 9, 67, 99, 255, 256, 999, 1000, 1001, 67_123, 999_999, 1_000_000, 1_234_067_089} {
			for _, width := range []int{1, 2, 128, 255, 256} {
				want := strings.Replace(tlog.Tile{H: 8, L: level, N: int64(n), W: width}.Path(), "tile/8/", "tile/", 1)
				testcheck.Equal(t, tilePath(level, n, width), want, "%d, %d, %d", level, n, width)
				if l, number, w, ok := parseTilePath(want); l != level || number != n || w != width || !ok {
					t.Errorf("%s: %d, %d, %d, %t, want %d, %d, %d, true", want, l, number, w, ok, level, n, width)
				}
			}
		}
	}
}

// TestTilesMatchReferenceImplementation checks that a tree built from tiles equals the tree built from its frontier and
// that of package tlog.
func TestTilesMatchReferenceImplementation(t *testing.T) {
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
	testcheck.NoError(t, storeTiles(d, append(tiles.done, partial...)))
	hashes := tileHashes{d, size}
	if root, err := tlog.TreeHash(size, hashes); err != nil || root != f.root() {
		t.Errorf("package tlog: %v, %v", root, err)
	}
	rnd := rand.New(rand.NewPCG(5, 6))
	for range 50 {
		n := rnd.Int64N(size)
		p := testcheck.Must(tlog.ProveRecord(size, n, hashes))
		if err := tlog.CheckRecord(p, size, f.root(), n, tlog.RecordHash([]byte(strconv.FormatInt(n,
			10)))); err != nil {
			t.Errorf("leaf %d: %v", n, err)
		}
	}
	// A subtree has a hash when its last leaf exists.
	for level, subtrees := range map[int]int64{0: size, 4: size / 16, 5: size / 32, 8: size / 256, 9: size / 512} {
		for n, want := range map[int64]bool{subtrees - 1: true, subtrees: false} {
			_, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(level, n)})
			testcheck.That(t, (err == nil) == want, "hash %d of level %d: %v, want one: %t", n, level, err, want)
		}
	}
	again := testcheck.Must(loadTiler(d, size, size))
	if g := again.frontier(); !g.equal(&f) {
		t.Error("the stored tiles have another root")
	}
	// A partial tile is also the beginning of the full one. A short one is an error.
	d.set(tilePath(0, 273, 111), make([]byte, 110*tlog.HashSize))
	for number, want := range map[uint64]bool{272: true, 273: false} {
		if got, err := readTile(d, 0, number, 111); (err == nil) != want || len(got) != map[bool]int{true: 111}[want] {
			t.Errorf("111 hashes of tile %d: %d, %v, want all: %t", number, len(got), err, want)
		}
	}
}
