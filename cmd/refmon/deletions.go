package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/objects"
)

// deletions finds the documents that the output of an earlier run has and this run does not (B-19), and writes their
// deletions. It keeps a hash of 16 bytes for each document of both outputs, and for each path that could not be read or
// that the run leaves out. Owned by one goroutine, except left.
type deletions struct {
	old        *os.File  // the earlier output
	new        io.Writer // the new output
	sets       io.Writer // the table of sets of the new output; nil: none, or the earlier one is no such table
	prefix     []byte    // of a line that has a document's id behind it
	action     string    // a deletion, with one place for the id
	seen       map[[16]byte]struct{}
	unreadable hashes    // of the clean paths that this run could not read
	rest       []byte    // the beginning of a line
	gone       int       // deletions that finish wrote
	extent     *extent   // of this run
	run        *bulk.Run // this one
	left       hashes    // of the clean paths of objects that this run leaves out
	force      bool      // write over documents that this run leaves out
}

// earlier opens the output of an earlier run, so that this run can report deleted objects. The result is nil if there
// is no such output, if the format has no deletions, or with --changes. A document that this run does not visit is an
// error, unless --force is given. The new output replaces the earlier one when the run has ended, and so does a
// table of sets.
func (o *output) earlier(r *bulk.Run) (*deletions, error) {
	d := &deletions{seen: map[[16]byte]struct{}{}, extent: &o.in.extent, force: o.force, run: r}
	switch {
	case o.out == "" || r.Changes || !r.HasDocuments():
		return nil, nil
	case r.Format == bulk.ESBulk:
		d.prefix, d.action = []byte(`{"index":{"_id":`), `{"delete":{"_id":%s}}`+"\n"
	default:
		d.prefix, d.action = []byte(`{"path":`), `{"path":%s,"gone":true}`+"\n"
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
		return nil, err // [output.to] then refuses to replace the file
	}
	if !o.force {
		if path, err := d.outside(); err != nil || path != "" {
			return nil, errors.Join(err, refusal(o.out, path))
		}
	}
	o.in.leftOut = func(path []byte) { d.left.add(cleanPath(string(path))) }
	if d.new, err = o.create(o.out); err == nil && earlierSets(o.sets) {
		d.sets, err = o.create(o.sets)
	}
	return d, err
}

// errFolderUnread is the error of a document of the earlier output below a folder that this run could not read.
var errFolderUnread = errors.New("a folder above it could not be read")

// refusal returns the error for the first document of the earlier output that a run leaves out; nil without a path
// (B-90).
func refusal(name, path string) error {
	if path == "" {
		return nil
	}
	return fmt.Errorf("%s has the output of an earlier run, and this one leaves out its %s: give another --out, or "+
		"--force to overwrite it and keep such documents", name, inLine(path))
}

// outside returns the path of the first document in the earlier output that the run does not visit. It returns "" if
// the run visits all of them. If a run visits every possible path, the output is not read.
func (d *deletions) outside() (path string, err error) {
	if d.extent.roots == nil && len(d.extent.exclude) == 0 {
		return "", nil
	}
	err = d.each(func(_, at []byte) {
		if path != "" {
			return
		}
		if text := unquoted(at); !d.extent.visits(text) {
			path = text
		}
	})
	return path, err
}

// each calls f with the id and the path of each document in the earlier output, as JSON. A document without a path has
// its id as path.
func (d *deletions) each(f func(id, path []byte)) error {
	in := bufio.NewReaderSize(io.NewSectionReader(d.old, 0, math.MaxInt64), 1<<20)
	var id []byte // id of the document whose path is in the next line
	for {
		line, err := in.ReadBytes('\n')
		line = bytes.TrimSuffix(line, []byte{'\n'})
		if id != nil {
			path := quoted(line, pathPrefix)
			if path == nil {
				path = id
			}
			f(id, path)
		}
		if id = d.id(line); id != nil && d.prefix[2] == 'p' {
			f(id, id)
			id = nil
		}
		switch {
		case errors.Is(err, io.EOF):
			if id != nil {
				f(id, id)
			}
			return nil
		case err != nil:
			return fmt.Errorf("read the earlier output: %w", err)
		}
	}
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
		if path := quoted(d.rest, pathPrefix); path != nil && bytes.Contains(d.rest, []byte(`,"error":"`)) {
			d.unreadable.add(cleanPath(unquoted(path)))
		}
		d.rest, rows = d.rest[:0], more
	}
	return n, err
}

// id returns the document id of a line as JSON. It returns nil if the line has none, or says that the document is gone.
// It also returns nil for an id that is not closed, or that is not a text.
func (d *deletions) id(line []byte) []byte {
	if bytes.HasSuffix(line, []byte(`,"gone":true}`)) {
		return nil
	}
	return quoted(line, d.prefix)
}

// pathPrefix is the beginning of a line that has a document's path behind it.
var pathPrefix = []byte(`{"path":`)

// quoted returns the JSON text behind the prefix of a line. It returns nil for a line without it, for a text that is
// not closed, and for other JSON.
func quoted(line, prefix []byte) []byte {
	rest, is := bytes.CutPrefix(line, prefix)
	if !is || len(rest) == 0 || rest[0] != '"' {
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

// unquoted returns the text of a JSON string, "" for other JSON.
func unquoted(id []byte) (text string) {
	_ = json.Unmarshal(id, &text) // "" then
	return text
}

// hidden reports whether this run could not read a folder above a path, so that it does not know whether the document
// is gone (B-90).
func (d *deletions) hidden(path string) bool {
	// Stop at "..", because the name of the folder above it is unknown.
	for path = cleanPath(path); path != "" && path != "." && filepath.Base(path) != parent; {
		if i := strings.LastIndexAny(path, `/\`); i >= 0 {
			path = strings.TrimRight(path[:i], `/\`)
		} else {
			path = "."
		}
		if d.unreadable.has(path) {
			return true
		}
	}
	return false
}

// errNoneRead says that no object of a run could be read, so that a run cannot know which ones are gone.
var errNoneRead = errors.New("no object could be read, so none counts as deleted")

// conclude adds the deletions and prints their number to standard error. The earlier output stays if failed is not nil,
// or if no object could be read or there were none (B-90). Both are errors.
func (d *deletions) conclude(o *output, sum *bulk.Summary, failed error) error {
	var err error
	switch {
	case failed != nil:
		err = fmt.Errorf("the earlier output stays in %s", o.out)
	case sum.Objects == sum.Unreadable:
		err = fmt.Errorf("%w: the earlier output stays in %s", errNoneRead, o.out)
	default:
		err = d.finish(o.out)
	}
	switch {
	case err != nil:
		o.discard()
	case d.gone > 0:
		fmt.Fprintf(o.std.err, "refmon: %s at the end of %s\n", count(d.gone, "deletion", "deletions"), inLine(o.out))
	}
	return err
}

// finish writes a deletion for each document that only the earlier output has, and an error row if a folder above it
// could not be read. It is an error if the run left out a document, without --force.
func (d *deletions) finish(name string) error {
	out := bufio.NewWriterSize(d.new, 1<<20)
	var row []byte
	left := "" // the path of the first document that this run leaves out
	err := d.each(func(id, path []byte) {
		if _, there := d.seen[key(id)]; there {
			return
		}
		d.seen[key(id)] = struct{}{} // once
		switch text := unquoted(path); {
		case !d.extent.visits(text) || d.left.has(cleanPath(text)):
			left = cmp.Or(left, text)
		case d.hidden(text):
			row = d.run.AppendUnreadable(row[:0], &objects.Object{Path: []byte(text), Quoted: path}, errFolderUnread)
			_, _ = out.Write(row) // Flush returns its error
		default:
			d.gone++
			fmt.Fprintf(out, d.action, id)
		}
	})
	if err == nil && !d.force && left != "" {
		err = refusal(name, left)
	}
	if err != nil {
		return err
	}
	return out.Flush()
}
