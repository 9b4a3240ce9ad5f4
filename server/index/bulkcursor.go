package index

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"github.com/refmon/refmon/internal/strict"
)

// bulkCursor is the number of the last event whose lines a bulk file has. It is stored in the index folder.
type bulkCursor struct {
	path   string
	Format int    `json:"format"` // cursorFormat
	Index  string `json:"index"`  // random name of the log's index
	Target string `json:"target"` // name of the search index, after its form and a colon unless that is BulkSIDs
	Seq    uint64 `json:"seq"`
	Size   int64  `json:"size"` // bytes of the file
	// Sum is the checksum of the cursor with an empty Sum. A higher Seq would skip changes (N-134).
	Sum string `json:"sum"`
}

// cursorFormat is the format of cursors. A cursor of format 1 has no checksum and is ignored.
const cursorFormat = 2

// encode returns the cursor in its stored form, one line of JSON that ends in a line feed. It sets c.Sum to the
// checksum of the other fields.
func (c *bulkCursor) encode() ([]byte, error) {
	c.Sum = ""
	text, err := json.Marshal(c)
	if err == nil {
		c.Sum = fmt.Sprintf("%08x", crc32.Checksum(text, castagnoli))
		text, err = json.Marshal(c)
	}
	return append(text, '\n'), err
}

// readCursor reads the cursor that an earlier run saved for the file name. The cursor stays zero if:
//
//   - none was saved, or its format is the old format 1
//   - it is for another search index or form
//
// It sets b.shorter if the file is not regular, or shorter than the cursor says. A malformed cursor, a wrong checksum
// and an unknown format are errors that ask to delete the cursor.
func (b *Bulk) readCursor(name, state string) error {
	abs, err := filepath.Abs(name)
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(abs))
	b.cursor = bulkCursor{path: filepath.Join(state, "bulk-"+hex.EncodeToString(sum[:8])+".json")}
	text, err := os.ReadFile(b.cursor.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	c := bulkCursor{path: b.cursor.path}
	if err == nil {
		err = strict.Unmarshal(text, &c)
	}
	if err == nil && c.Format == 1 {
		return nil
	}
	if err == nil && c.Format != cursorFormat {
		err = fmt.Errorf("unknown format %d", c.Format)
	}
	if sum := c.Sum; err == nil {
		if _, err = c.encode(); err == nil && c.Sum != sum {
			err = errors.New("its checksum is wrong: the disk or a program changed it")
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w: delete it, and all documents are written again", b.cursor.path, err)
	}
	if c.Target != b.target() {
		return nil
	}
	b.cursor = c
	info, err := os.Stat(name)
	b.shorter = err == nil && (!info.Mode().IsRegular() || info.Size() < c.Size)
	return err
}

// target identifies the search index that a bulk cursor belongs to: its name, after the form of the lines and a colon
// unless that form is BulkSIDs.
func (b *Bulk) target() string {
	if b.form == BulkSIDs {
		return b.index
	}
	return string(b.form) + ":" + b.index
}

// saveCursor syncs the bulk file and its name, and then saves the cursor. saveCursor does nothing if the cursor
// is current, after a failed write, before the index has begun, and for a file that is not regular, such as a pipe.
// After an error the old cursor stays.
func (b *Bulk) saveCursor() error {
	// A cursor must also move past events without lines, because a compaction drops them.
	if !b.dirty && b.cursor.Seq == b.state.seq {
		return nil
	}
	info, err := b.file.Stat()
	if err != nil || b.failed || !info.Mode().IsRegular() || b.state.start == nil {
		return err
	}
	if err := b.file.Sync(); err != nil {
		return err
	}
	if err := b.faults.SyncDir(b.folder); err != nil { // without the file's name, a power failure loses the lines
		return err
	}
	c := &b.cursor
	c.Format, c.Index, c.Target, c.Seq, c.Size = cursorFormat, b.state.start.Index, b.target(), b.state.seq, info.Size()
	text, err := c.encode()
	if err != nil {
		return err
	}
	// An empty cursor after a power failure would keep the next run from starting.
	if err := b.faults.Replace(c.path, text, 0o600); err != nil {
		return err
	}
	b.dirty = false
	return nil
}

// checkStart returns an error for a file whose first line is not of the form, such as another program's file (N-104).
func checkStart(name string, form BulkForm) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // closing a file that was only read loses no data
	head, err := io.ReadAll(io.LimitReader(f, 16))
	if err != nil {
		return err
	}
	for _, s := range form.starts() {
		if n := min(len(head), len(s)); string(head[:n]) == s[:n] {
			return nil
		}
	}
	return fmt.Errorf("%s: its first line is not of the form %s: empty the file or name another one", name, form)
}

// cutTorn removes an incomplete request at the end of a bulk file. Such a request is half a line, or an action without
// its document. After a read error the file is unchanged.
func cutTorn(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // closing a file that was only read loses no data
	in, end, whole := bufio.NewReaderSize(f, 1<<20), int64(0), int64(0)
	for {
		line, err := in.ReadSlice('\n')
		end += int64(len(line))
		action := bytes.HasPrefix(line, []byte(`{"index":`))
		for errors.Is(err, bufio.ErrBufferFull) {
			line, err = in.ReadSlice('\n')
			end += int64(len(line))
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if !action {
			whole = end
		}
	}
	if whole == end {
		return nil
	}
	return os.Truncate(name, whole)
}
