package auditlog

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileWidth  = 256 // hashes in a full tile
	tileBytes  = tileWidth * tlog.HashSize
	tileHeight = 8 // levels of the tree in a tile
	tileFolder = "tile"
)

// tilePath returns the C2SP path of a tile with slashes. level 0 has the leaves, n is the number of the tile in its
// level, and width the number of its hashes: a full tile has 256.
func tilePath(level int, n uint64, width int) string {
	p := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		p = fmt.Sprintf("x%03d/%s", n%1000, p)
	}
	p = fmt.Sprintf("%s/%d/%s", tileFolder, level, p)
	if width < tileWidth {
		p += ".p/" + strconv.Itoa(width)
	}
	return p
}

// tiler computes the tiles of a growing tree. The zero value is the empty tree.
type tiler struct {
	levels []tileLevel
	done   []tile // full and not written yet
}

// tileLevel is the right edge of one level of the tree: the hashes of its last tile, which is not full.
type tileLevel struct {
	full uint64 // tiles of the level that are full
	last []tlog.Hash
}

// tile is a piece of one level of the tree, up to 256 hashes, that one file holds.
type tile struct {
	level  int
	number uint64
	hashes []tlog.Hash
}

// path returns the tile's path in the log. A tile that is not full has its number of hashes in the path.
func (t *tile) path() string { return tilePath(t.level, t.number, len(t.hashes)) }

// content returns the tile's hashes one after another, as its file has them.
func (t *tile) content() []byte {
	b := make([]byte, 0, len(t.hashes)*tlog.HashSize)
	for i := range t.hashes {
		b = append(b, t.hashes[i][:]...)
	}
	return b
}

// add appends a leaf. Tiles that become full are appended to done, on every level.
func (t *tiler) add(leaf tlog.Hash) {
	h := leaf
	for l := 0; ; l++ {
		if l == len(t.levels) {
			t.levels = append(t.levels, tileLevel{})
		}
		v := &t.levels[l]
		if v.last == nil {
			v.last = make([]tlog.Hash, 0, tileWidth)
		}
		if v.last = append(v.last, h); len(v.last) < tileWidth {
			return
		}
		t.done = append(t.done, tile{l, v.full, v.last})
		h = perfectRoot(v.last)
		v.full, v.last = v.full+1, nil
	}
}

// perfectRoot returns the root of a perfect tree over the hashes. Their number must be a power of two for a perfect
// tree; for none it is the root of the empty tree.
func perfectRoot(hashes []tlog.Hash) tlog.Hash {
	var f frontier
	for _, h := range hashes {
		f.add(h)
	}
	return f.root()
}

// partial returns the tiles that are not full at the tree's current size.
func (t *tiler) partial() []tile {
	var out []tile
	for l := range t.levels {
		if v := &t.levels[l]; len(v.last) > 0 {
			out = append(out, tile{l, v.full, v.last})
		}
	}
	return out
}

// frontier returns the tree's perfect subtrees, computed from the tiles.
func (t *tiler) frontier() frontier {
	var out frontier
	for l := len(t.levels) - 1; l >= 0; l-- {
		v := &t.levels[l]
		var f frontier
		for _, h := range v.last {
			f.add(h)
		}
		out.hashes = append(out.hashes, f.hashes...)
		out.size += f.size << (tileHeight * l)
	}
	return out
}

// loadTiler reads the tiles that a tree of size records needs to grow, as a tree of stored records has them: its tiles
// may be wider. It fails if one is missing or too short, and does not check their hashes.
func loadTiler(d disk, size, stored uint64) (*tiler, error) {
	t := &tiler{}
	for l := 0; size>>(tileHeight*l) > 0; l++ {
		v, err := loadLevel(d, l, size, stored)
		if err != nil {
			return nil, err
		}
		t.levels = append(t.levels, v)
	}
	return t, nil
}

// loadLevel reads one level for loadTiler. With an error the hashes of the result are zero.
func loadLevel(d disk, l int, size, stored uint64) (v tileLevel, err error) {
	n := size >> (tileHeight * l)
	v.full = n / tileWidth
	if w := int(n % tileWidth); w > 0 {
		v.last = make([]tlog.Hash, w, tileWidth)
		var hashes []tlog.Hash
		hashes, err = readTile(d, l, v.full, int(min(tileWidth, stored>>(tileHeight*l)-v.full*tileWidth)))
		copy(v.last, hashes)
	}
	return v, err
}

// readTile returns the first width hashes of tile n of a level. If the partial tile does not exist, it reads the full
// one. More hashes than width are ignored, and fewer are an error.
func readTile(d disk, level int, n uint64, width int) ([]tlog.Hash, error) {
	name := tilePath(level, n, width)
	b, err := readFile(d, name, tileBytes)
	if errors.Is(err, fs.ErrNotExist) && width < tileWidth {
		name = tilePath(level, n, tileWidth)
		b, err = readFile(d, name, tileBytes)
	}
	if err != nil {
		return nil, fmt.Errorf("read the hashes of the tree: %w", err)
	}
	if len(b) < width*tlog.HashSize {
		return nil, fmt.Errorf("read the hashes of the tree: %s is cut off", name)
	}
	hashes := make([]tlog.Hash, width)
	for i := range hashes {
		copy(hashes[i][:], b[i*tlog.HashSize:])
	}
	return hashes, nil
}

// storeTiles writes tiles and makes them durable, folders included. It replaces existing ones. It stops at the first
// error, and tiles written before stay. Without tiles it does nothing.
func storeTiles(d disk, tiles []tile) error {
	folders := map[string]bool{}
	for i := range tiles {
		t := &tiles[i]
		dir := path.Dir(t.path())
		if err := d.Mkdir(dir); err != nil {
			return err
		}
		// An existing tile is from a run that ended before its checkpoint.
		if err := d.Remove(t.path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := closed(create(d, t.path(), bytesOf(t.content()))); err != nil {
			return err
		}
		for ; dir != "." && !folders[dir]; dir = path.Dir(dir) {
			folders[dir] = true
		}
		folders["."] = true
	}
	for dir := range folders {
		if err := d.SyncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// tileHashes reads the hashes that package tlog needs from the tiles of a folder.
type tileHashes struct {
	d    disk
	size uint64
}

// ReadHashes returns the hashes with the given indexes, in that order, numbered as in package tlog. It fails if the
// tree of r.size records does not have one.
func (r tileHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		level, n := tlog.SplitStoredHashIndex(index)
		l, below := level/tileHeight, level%tileHeight
		first := uint64(n) << below // hash of the tile's own level that the subtree starts with
		count := r.size >> (tileHeight * l)
		number := first / tileWidth
		width := int(min(tileWidth, count-number*tileWidth))
		hashes, err := readTile(r.d, l, number, width)
		if err != nil {
			return nil, err
		}
		at := int(first % tileWidth)
		if at+1<<below > width {
			return nil, fmt.Errorf("the tree of %d records has no hash %d of level %d", r.size, n, level)
		}
		out[i] = perfectRoot(hashes[at : at+1<<below])
	}
	return out, nil
}

// parseTilePath parses a path under the folder of tiles. ok is false for another path. Only the one canonical spelling
// is accepted: levels 0 to 7, and a width of 1 to tileWidth.
func parseTilePath(name string) (level int, number uint64, width int, ok bool) {
	rest, ok := strings.CutPrefix(name, tileFolder+"/")
	if !ok {
		return 0, 0, 0, false
	}
	first, rest, _ := strings.Cut(rest, "/")
	level, err := strconv.Atoi(first)
	width = tileWidth
	if whole, w, partial := strings.Cut(rest, ".p/"); partial {
		rest = whole
		if width, err = strconv.Atoi(w); err != nil {
			return 0, 0, 0, false
		}
	}
	for part := range strings.SplitSeq(rest, "/") {
		n, bad := strconv.ParseUint(strings.TrimPrefix(part, "x"), 10, 32)
		if bad != nil {
			return 0, 0, 0, false
		}
		number = number*1000 + n
	}
	ok = err == nil && level >= 0 && level < 8 && width > 0 && tilePath(level, number, width) == name
	return level, number, width, ok
}
