package bulk

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/refmon/refmon/internal/cli/batch"
	"github.com/refmon/refmon/internal/objects"
)

// IndexDiff compares two outputs of Index and writes the changes that bring a search index from the first to the
// second. Before, After and Out are required. Use it once.
type IndexDiff struct {
	Before, After func() (io.ReadCloser, error) // Before is opened twice
	Out           io.Writer

	Rows, Sets, Gone, GoneSets int // number of written rows
}

// indexRow is a row of an output of Index: an object with its sets or its error, a set, or the list of principals.
type indexRow struct {
	Path       *string
	Sets       json.RawMessage
	Error      *string
	Set        *string
	Expression json.RawMessage // of a set
	Principals json.RawMessage
}

// digest is a 128-bit hash of a text.
type digest [16]byte

// digestOf returns the SHA-256 of the parts, each followed by a zero byte, cut to the size of a digest.
func digestOf(parts ...[]byte) (d digest) {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
		h.Write([]byte{0})
	}
	copy(d[:], h.Sum(nil))
	return d
}

// IsIndex reports whether a file starts like an output of Index. head is the start of the file with at least its first
// line; only that line counts.
func IsIndex(head []byte) bool {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	var row indexRow
	if bytes.HasPrefix(line, []byte(`{"principals":[`)) || bytes.HasPrefix(line, []byte(`{"set":"`)) {
		return true
	}
	return json.Unmarshal(line, &row) == nil && row.Path != nil && row.Sets != nil
}

// each calls visit with each row of an index file. The file is opened and closed; an error of closing is joined. The
// argument line is valid only during the call. An error of visit ends the iteration. Empty lines are skipped. Any
// other line that is not a row of an Index output is an error with its number.
func each(open func() (io.ReadCloser, error), visit func(row *indexRow, line []byte) error) (err error) {
	in, err := open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	s := bufio.NewScanner(in)
	s.Buffer(make([]byte, 64<<10), objects.MaxLine)
	n := 0
	for s.Scan() {
		n++
		if len(s.Bytes()) == 0 {
			continue
		}
		var row indexRow
		if err := json.Unmarshal(s.Bytes(), &row); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if row.Path == nil && row.Set == nil && row.Principals == nil {
			return fmt.Errorf("line %d: no path, no set and no principals: is this an output of --for-index?", n)
		}
		if err := visit(&row, s.Bytes()); err != nil {
			return err
		}
	}
	if errors.Is(s.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("line %d: longer than %d MiB", n+1, objects.MaxLine>>20)
	}
	return s.Err()
}

// Do runs the comparison and sets the counts. It writes the rows of new objects and of objects with other sets
// unchanged, new sets, and sets with another expression, because the expression in Before may allow other principals of
// After. The row of principals precedes the first set. {"path":…,"gone":true} and
// {"set":…,"gone":true} are deletions and come last. Do needs memory for a hash of each path. After an error the
// output is incomplete. A path that occurs twice in After is written each time. It reads Before twice.
func (d *IndexDiff) Do() error {
	before, expressions := map[digest]digest{}, map[string]digest{}
	err := each(d.Before, func(row *indexRow, _ []byte) error {
		if row.Path != nil {
			before[digestOf([]byte(*row.Path))] = row.digest()
		} else if row.Set != nil {
			expressions[*row.Set] = digestOf(row.Expression)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("before: %w", err)
	}
	seen := make(map[digest]bool, len(before))
	sets := map[string]bool{} // the sets of After
	var principals []byte
	err = each(d.After, func(row *indexRow, line []byte) error {
		switch {
		case row.Path != nil:
			key := digestOf([]byte(*row.Path))
			was, known := before[key]
			seen[key] = true
			if known && was == row.digest() {
				return nil
			}
			d.Rows++
			return d.write(line)
		case row.Set != nil:
			was, known := expressions[*row.Set]
			if sets[*row.Set] || known && was == digestOf(row.Expression) {
				sets[*row.Set] = true
				return nil
			}
			sets[*row.Set] = true
			if d.Sets++; d.Sets == 1 && principals != nil {
				if err := d.write(principals); err != nil {
					return err
				}
			}
			return d.write(line)
		default:
			principals = bytes.Clone(line)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("after: %w", err)
	}
	return each(d.Before, func(row *indexRow, _ []byte) error { return d.gone(row, seen, sets) })
}

// digest returns a hash of the sets of a row, or of the fact that the object is unreadable.
func (r *indexRow) digest() digest {
	if r.Error != nil {
		return digestOf([]byte("error"))
	}
	return digestOf([]byte("sets"), r.Sets)
}

// gone writes the deletion of a row that only Before has, once for each path or set. seen and sets have the paths and
// sets of After. A row without path and set is skipped, and so is one that After has.
func (d *IndexDiff) gone(row *indexRow, seen map[digest]bool, sets map[string]bool) error {
	key, name := "path", row.Path
	switch {
	case row.Path != nil:
		at := digestOf([]byte(*row.Path))
		if seen[at] {
			return nil
		}
		seen[at] = true // the input may contain the row twice
		d.Gone++
	case row.Set != nil && !sets[*row.Set]:
		sets[*row.Set] = true
		key, name = "set", row.Set
		d.GoneSets++
	default:
		return nil
	}
	line := batch.AppendString([]byte(`{"`+key+`":`), *name)
	return d.write(append(line, `,"gone":true}`...))
}

// write writes line and a line feed. It does not change line.
func (d *IndexDiff) write(line []byte) error {
	_, err := d.Out.Write(append(bytes.Clone(line), '\n'))
	return err
}
