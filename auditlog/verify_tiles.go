package auditlog

import (
	"bytes"
	"errors"
	"io/fs"
	"path"

	"golang.org/x/mod/sumdb/tlog"
)

// tileCheck compares the stored hashes with those of the records, tile by tile
// while the records are read. Only the hashes that the checkpoint needs must exist.
type tileCheck struct {
	d      disk
	limit  uint64                     // size of the checkpoint
	newest func() (Checkpoint, error) // reads the folder's checkpoint again and verifies its signature
	made   tiler
	before uint64 // records that were not read: their hashes cannot be computed
	fault  error  // the first difference, a *Fault, or the first failed read
}

// skip makes the check start after the first size records, which are not read. Their hashes come from the stored
// tiles. Missing tiles count as zeros, and are reported later as a fault. A failed read is reported later too.
func (t *tileCheck) skip(size uint64) {
	// The root proves hashes from the tiles.
	t.before = size
	for l := 0; size>>(tileHeight*l) > 0; l++ {
		v, err := loadLevel(t.d, l, size, max(size, t.limit))
		if isUnreadable(err) {
			t.fault = err
		}
		t.made.levels = append(t.made.levels, v)
	}
}

// add adds a record's hash. It compares the hashes of a tile with the stored ones when the tile is full. It keeps the
// first fault; later hashes are then not compared.
func (t *tileCheck) add(leaf tlog.Hash) {
	t.made.add(leaf)
	for i := range t.made.done {
		if made := &t.made.done[i]; t.fault == nil && (made.number+1)<<(tileHeight*(made.level+1)) <= t.limit {
			t.fault = t.compare(made)
		}
	}
	t.made.done = t.made.done[:0]
}

// compare returns a *Fault for the first record whose stored hash differs, or nil. A missing tile is a *Fault without a
// record. A failed read is another error.
func (t *tileCheck) compare(made *tile) error {
	stored, err := readFile(t.d, made.path(), tileBytes)
	switch {
	case err != nil:
		return treeFault(err)
	case bytes.Equal(stored, made.content()):
		return nil
	}
	at := 0
	for at < len(stored)/tlog.HashSize && at < len(made.hashes) &&
		tlog.Hash(stored[at*tlog.HashSize:][:tlog.HashSize]) == made.hashes[at] {
		at++
	}
	first := (made.number*tileWidth+uint64(at))<<(tileHeight*made.level) + 1
	return &Fault{FaultTree, first, made.path() + " has another hash than the record"}
}

// departure returns the first record that differs from the stored hashes, or 0 if no record does. It also compares the
// last, incomplete tile.
func (t *tileCheck) departure() uint64 {
	found := t.fault
	if found == nil && len(t.made.levels) > 0 {
		for _, made := range t.made.partial() {
			if err := t.compare(&made); made.level == 0 {
				found = err
			}
		}
	}
	var f *Fault
	if !errors.As(found, &f) {
		return 0
	}
	return f.Record
}

// end returns the fault that add found. Without one it compares the tiles with the checkpoint's root, and verifies
// each tile file. Every difference is a *Fault, and a failed read another error. If the log has a newer checkpoint by
// now, nothing is compared. If it gets one while end reads the tiles, the missing ones are not compared.
func (t *tileCheck) end() error {
	if t.fault != nil {
		return t.fault
	}
	now, err := t.newest()
	if err != nil {
		return err
	}
	if now.Size > t.limit {
		return nil // a process writes to the log, and the tiles belong to a newer checkpoint now
	}
	stored, err := loadTiler(t.d, t.limit, t.limit)
	if err != nil {
		err = t.missing(err)
	} else if f := stored.frontier(); f.size != now.Size || f.root() != now.Root {
		err = &Fault{FaultTree, 0, "the stored hashes do not add up to the checkpoint"}
	}
	if err != nil {
		return err
	}
	return t.files(tileFolder)
}

// treeFault returns a *Fault for stored hashes that are missing or too short, and the error of a failed read.
func treeFault(err error) error {
	if isUnreadable(err) {
		return err
	}
	return &Fault{FaultTree, 0, err.Error()}
}

// missing returns nil for a missing tile if the log has a newer checkpoint by now, because that one has replaced the
// last, incomplete tiles. Otherwise it returns the error of treeFault. While a process writes to the log, the removal
// of such a tile is not detected: a verification of the quiet log detects it. missing
// returns the error of a newer checkpoint without a good signature.
func (t *tileCheck) missing(err error) error {
	if outdated(t.d, &Checkpoint{Size: t.limit}, err) {
		now, failed := t.newest()
		if failed != nil || now.Size > t.limit {
			return failed
		}
	}
	return treeFault(err)
}

// files verifies each tile file below a folder. Tiles of records that were not read are compared with the level
// above. The first error ends the check. A missing folder has no files. A file without a tile's name is treated as a
// folder.
func (t *tileCheck) files(dir string) error {
	names, err := t.d.List(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		full := path.Join(dir, name)
		level, number, width, ok := parseTilePath(full)
		if !ok {
			if err := t.files(full); err != nil {
				return err
			}
			continue
		}
		if err := t.file(tile{level, number, nil}, width, full); err != nil {
			return err
		}
	}
	return nil
}

// file verifies one tile by the level above it or, if it is partial, by its full form. It ignores a tile beyond the
// checkpoint, one that was removed since it was listed, and one whose records were compared already. Every difference
// is a *Fault, and a failed read another error.
func (t *tileCheck) file(v tile, width int, name string) error {
	count := t.limit >> (tileHeight * v.level) // hashes of the level
	if v.number*tileWidth+uint64(width) > count {
		return nil // a run that ended before it wrote the checkpoint left this tile
	}
	stored, err := readFile(t.d, name, tileBytes)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil // a running log removes a tile that a wider one has replaced
	case err != nil:
		return treeFault(err)
	case len(stored) != width*tlog.HashSize:
		return &Fault{FaultTree, 0, name + " does not have the length of its tile"}
	}
	if width < tileWidth {
		wide, err := readTile(t.d, v.level, v.number, int(min(tileWidth, count-v.number*tileWidth)))
		if err != nil {
			return t.missing(err)
		}
		if v.hashes = wide; !bytes.HasPrefix(v.content(), stored) {
			return &Fault{FaultTree, 0, name + " is not the beginning of its tile"}
		}
		return nil
	}
	if v.number<<(tileHeight*(v.level+1)) >= t.before {
		return nil // all hashes of this tile are compared with the records
	}
	for at := 0; at < len(stored); at += tlog.HashSize {
		v.hashes = append(v.hashes, tlog.Hash(stored[at:at+tlog.HashSize]))
	}
	above := count / tileWidth
	wide, err := readTile(t.d, v.level+1, v.number/tileWidth, int(min(tileWidth, above-v.number/tileWidth*tileWidth)))
	if err != nil {
		return t.missing(err)
	}
	if wide[v.number%tileWidth] != perfectRoot(v.hashes) {
		return &Fault{FaultTree, 0, name + " does not add up to the tile above it"}
	}
	return nil
}

// parseSigned parses a checkpoint without verifying its signatures. A text without an empty line before the
// signatures is an error.
func parseSigned(signed []byte) (Checkpoint, error) {
	text, _, ok := bytes.Cut(signed, []byte("\n\n"))
	if !ok {
		return Checkpoint{}, errors.New("no signed note")
	}
	return parseCheckpoint(string(text) + "\n")
}
