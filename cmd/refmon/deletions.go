package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/refmon/refmon/internal/cli/bulk"
)

// deletions finds the documents that the output of an earlier run has and this run does not (B-19), and writes their
// deletions. It keeps 16 bytes for each document of this run. Owned by one goroutine.
type deletions struct {
	old    *os.File // the earlier output
	new    *os.File // takes its place when the run has ended
	prefix []byte   // of a line that has a document's id behind it
	action string   // a deletion, with one place for the id
	seen   map[[16]byte]struct{}
	rest   []byte // the beginning of a line
	gone   int    // deletions that finish wrote
}

// earlier opens the output of an earlier run, so that this run can report deleted objects. The result is nil if there
// is no such output, if the format has no deletions, or with --changes. If this run names only some objects, such an
// output is an error, and nil with --force. New output goes to a file with the suffix .new.
func (o *output) earlier(r *bulk.Run) (*deletions, error) {
	d := &deletions{seen: map[[16]byte]struct{}{}}
	switch {
	case o.out == "" || r.Changes:
		return nil, nil
	case r.Format == bulk.ESBulk:
		d.prefix, d.action = []byte(`{"index":{"_id":`), `{"delete":{"_id":%s}}`+"\n"
	case r.Format == bulk.JSONL || r.Ask == bulk.Index && r.Format != bulk.CSVTables:
		d.prefix, d.action = []byte(`{"path":`), `{"path":%s,"gone":true}`+"\n"
	default:
		return nil, nil
	}
	info, err := os.Stat(o.out)
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return nil, nil // the run itself reports the error
	}
	if d.old, err = os.Open(o.out); err != nil {
		return nil, err
	}
	o.files = append(o.files, d.old)
	if earlier, err := d.isEarlier(); err != nil || !earlier {
		return nil, err // [output.to] refuses the file
	}
	if o.in.named && !o.force { // a run over some objects does not know which of the others are gone (B-90)
		return nil, fmt.Errorf("%s has the output of an earlier run, and this one names only some objects: "+
			"give another --out, or --force to write over it without deletions", o.out)
	}
	if o.in.named {
		return nil, nil
	}
	o.taken = append(o.taken, o.out)
	d.new, err = o.open(o.out+".new", false)
	return d, err
}

// isEarlier reports whether an earlier run wrote the existing output file. The first line must be a document, a
// deletion or, for JSON lines, a set. A document with "sd" is input for who-can and gives false.
func (d *deletions) isEarlier() (bool, error) {
	line, err := firstLine(d.old)
	deleted, _, _ := strings.Cut(d.action, "%")
	index := d.prefix[2] == 'p' && isSets(line)
	return index || (bytes.HasPrefix(line, d.prefix) || bytes.HasPrefix(line, []byte(deleted))) &&
		!bytes.Contains(line, []byte(`,"sd":"`)), err
}

// isSets reports whether a line, the first of a file, is one of the table of sets that --for-index writes.
func isSets(line []byte) bool {
	return bytes.HasPrefix(line, []byte(`{"principals":`)) || bytes.HasPrefix(line, []byte(`{"set":`))
}

// earlierSets reports whether a file exists and begins like a table of sets. It is false for a file that cannot be
// read.
func earlierSets(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // only read
	line, err := firstLine(f)
	return err == nil && isSets(line)
}

// firstLine returns the first line of a file without its end, at most 64 KiB of it, and an empty line for an empty
// file.
func firstLine(f io.ReaderAt) ([]byte, error) {
	first := make([]byte, 64<<10)
	n, err := f.ReadAt(first, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	line, _, _ := bytes.Cut(first[:n], []byte{'\n'})
	return line, nil
}

// Write writes rows and records the ids of their documents. A row may come in several calls: its id is recorded with
// the call that completes it. After a short write only the ids of the written rows are recorded.
func (d *deletions) Write(b []byte) (int, error) {
	n, err := d.new.Write(b)
	for rows := b[:n]; len(rows) > 0; {
		line, more, whole := bytes.Cut(rows, []byte{'\n'})
		d.rest = append(d.rest, line...)
		if !whole {
			break
		}
		if id := d.id(d.rest); id != nil {
			d.seen[key(id)] = struct{}{}
		}
		d.rest, rows = d.rest[:0], more
	}
	return n, err
}

// id returns the document id of a line as JSON. It returns nil if the line has none, or says that the document is gone.
// It also returns nil for an id that is not closed, or that is not a text.
func (d *deletions) id(line []byte) []byte {
	rest, is := bytes.CutPrefix(line, d.prefix)
	if !is || len(rest) == 0 || rest[0] != '"' || bytes.HasSuffix(line, []byte(`,"gone":true}`)) {
		return nil
	}
	for i := 1; i < len(rest); i++ {
		switch rest[i] {
		case '\\':
			i++
		case '"':
			return rest[:i+1]
		}
	}
	return nil
}

// key returns a hash that identifies a document by its id in JSON. Two spellings of one text have equal hashes.
func key(id []byte) (out [16]byte) {
	if bytes.IndexByte(id, '\\') >= 0 {
		var text string
		if json.Unmarshal(id, &text) == nil {
			if again, err := json.Marshal(text); err == nil {
				id = again
			}
		}
	}
	sum := sha256.Sum256(id)
	copy(out[:], sum[:])
	return out
}

// errNoneRead says that no object of a run could be read, so that a run cannot know which ones are gone.
var errNoneRead = errors.New("no object could be read, so none counts as deleted")

// replace adds the deletions and replaces the earlier output file. It prints their number to standard error. The
// earlier output stays if failed is not nil, or if no object could be read or there were none (B-90). Both are
// errors.
func (d *deletions) replace(o *output, sum *bulk.Summary, failed error) error {
	if failed == nil && sum.Objects == sum.Unreadable {
		return errors.Join(errNoneRead, d.finish(o.out, errNoneRead))
	}
	err := d.finish(o.out, failed)
	if d.gone > 0 && err == nil {
		fmt.Fprintf(o.std.err, "refmon: %s at the end of %s\n", count(d.gone, "deletion", "deletions"), inLine(o.out))
	}
	return err
}

// finish writes the deletions and replaces the earlier output. If the run failed, it returns an error that names both
// files. The earlier output then stays, so that the next run still finds its documents. After any other error the
// earlier output stays, too.
func (d *deletions) finish(name string, failed error) error {
	if failed != nil {
		return fmt.Errorf("the earlier output stays in %s, the beginning of this one is in %s", name, d.new.Name())
	}
	in, out := bufio.NewReaderSize(d.old, 1<<20), bufio.NewWriterSize(d.new, 1<<20)
	for {
		line, err := in.ReadBytes('\n')
		if id := d.id(bytes.TrimSuffix(line, []byte{'\n'})); id != nil {
			if _, there := d.seen[key(id)]; !there {
				d.seen[key(id)] = struct{}{} // once
				d.gone++
				fmt.Fprintf(out, d.action, id)
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read the earlier output: %w", err)
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return os.Rename(d.new.Name(), name)
}
