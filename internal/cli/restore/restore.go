// Package restore puts the descriptors of an objects file back on the files below a directory.
//
//	files, err := restore.Mounted("/srv/projects")
//	counts, err := restore.Run(ctx, restore.Config{Files: files, Was: "/srv/projects"}, file)
//
// [Run] checks every line before the first change. It compares each descriptor before it writes it, so a run that was
// interrupted is repeated whole: lines that are done already cost one read. Its memory grows by 32 bytes for each MiB
// of the file.
//
// All types belong to one goroutine.
package restore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/jsonl"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Files opens the files below a directory.
type Files interface {
	// Open opens a file by its path below the directory, with slashes. The empty path is the directory. It follows no
	// link and enters no other mount. The caller closes the File.
	Open(path string) (File, error)
	Close() error
}

// File is an open file. The caller closes it.
type File interface {
	Directory() bool
	// Descriptor returns the whole descriptor. It returns nil and no error if the file has none, or if an offline
	// attribute cannot be decoded.
	Descriptor() (*sd.Descriptor, error)
	// Write replaces the whole descriptor, or fails and changes nothing.
	Write(*sd.Descriptor) error
	Close() error
}

// Config configures [Run]. Files is required.
type Config struct {
	Files  Files
	Was    string // the path of the directory in the file; paths that do not begin with / are below it
	DryRun bool   // nothing is written
	// Each is called for each line that is written, would be written, or has an error. It may be nil.
	Each func(Result)
}

// Result is the outcome of one line.
type Result struct {
	Line int
	Path string
	Err  error // nil: it is written, or in a dry run would be
}

// Counts are the results of a run, as numbers of lines.
type Counts struct {
	Lines   int64 // of the file, blank ones excepted
	Bad     int64 // with an error in the line itself; if there is one, nothing was changed
	Written int64 // in a dry run: to be written
	Same    int64 // whose file had the descriptor already
	Failed  int64 // whose file could not be opened, read or written
}

// Run restores the descriptors of in, an objects file in JSON lines. A line has the path of a file below the directory,
// its whole descriptor, and its type, file or directory, if it is known. Run reads in twice, from its start, and does
// not close it. If a line is malformed, Run changes nothing, counts all such lines and returns a nil error (B-22).
// Errors of single files are counted and do not end the run (B-23). If in has no line, Run returns [ErrEmpty]. It
// changes nothing if the last line is not that of an export with this number of lines (B-22). Run returns
// an error if a read fails, if the two reads differ, or if ctx ends. The counts then cover the lines before the error.
// Run never applies a line that differs (B-22).
func Run(ctx context.Context, c Config, in io.ReadSeeker) (Counts, error) {
	var n Counts
	b := newBlocks(in)
	err := c.each(ctx, b, false, func(l *line) error {
		n.Lines++
		if l.err != nil {
			n.Bad++
			c.report(l, l.err)
		}
		return nil
	})
	if err == nil && n.Lines == 0 {
		return n, ErrEmpty // the export into this pipe may have failed (B-22)
	}
	if err != nil || n.Bad > 0 {
		// A file with a malformed line may not be the file that the user meant (B-22).
		return n, err
	}
	// An export that was cut off at a line end looks complete, so it must have an end line (B-22).
	end := strings.TrimRight(string(jsonl.AppendEnd(nil, n.Lines)), "\n")
	if last := strings.TrimRight(string(b.tail), "\r\n"); last[strings.LastIndexByte(last, '\n')+1:] != end {
		return n, fmt.Errorf("the last line of the input is not %s, so it may be a part of an export: nothing was changed: "+
			"export again, or append this line if its %d descriptors are all that you mean", end, n.Lines)
	}
	// No line can be malformed now, because each block has the bytes of the first pass.
	err = c.each(ctx, b, true, func(l *line) error {
		changed, err := c.restore(l)
		switch {
		case err != nil:
			n.Failed++
			c.report(l, err)
		case changed:
			n.Written++
			c.report(l, nil)
		default:
			n.Same++
		}
		return nil
	})
	return n, err
}

// ErrEmpty says that the input has no line.
var ErrEmpty = errors.New("the input has no descriptors: did the export fail?")

var errChanged = errors.New("the file changed while it was read")

// line is a checked line.
type line struct {
	number     int
	shown      string // the path in the file
	path       string // below the directory
	kind       *winnt.ObjectType
	descriptor *sd.Descriptor // in its stored form
	err        error          // the line is malformed
}

// each reads the blocks from their start and calls f for each line until f returns an error or ctx ends. It returns
// that error or the read error.
func (c *Config) each(ctx context.Context, b *blocks, again bool, f func(*line) error) error {
	if err := b.start(again); err != nil {
		return fmt.Errorf("read objects: %w", err)
	}
	return objects.Each(ctx, jsonl.Lines(b, 0, 0), func(_ *objects.Batch, o *objects.Object) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return f(c.check(o))
	})
}

// check checks the path, type and descriptor of a line without opening its file. The line's err is the first problem,
// nil if there is none.
func (c *Config) check(o *objects.Object) *line {
	l := &line{number: o.Line, shown: string(o.Path), kind: o.Type, err: o.Err}
	if l.err == nil {
		l.path, l.err = c.below(l.shown)
	}
	if l.err == nil && o.Type != nil && o.Type != winnt.FileObject && o.Type != winnt.DirectoryFileObject {
		l.err = errors.New("the type is neither file nor directory")
	}
	var d *sd.Descriptor
	switch {
	case l.err != nil:
		return l
	case o.Form == objects.FormSDDL: // a repaired mask with too many digits would grant every right (S-80)
		d, l.err = sddl.ParseStrict(string(o.SD), sddl.Options{Extended: true})
	default:
		d, l.err = o.Descriptor(sid.SID{})
	}
	if l.err == nil {
		l.descriptor, l.err = fileaccess.StoredWhole(d)
	}
	return l
}

// below returns a line's path relative to the directory, "" for the directory itself. A relative path may begin with
// a relative c.Was. A path outside the directory is an error, and so is an absolute path without c.Was (B-21). A path
// must be in its shortest form, in UTF-8 and without NUL.
func (c *Config) below(path string) (string, error) {
	rest := path
	if was := strings.TrimRight(c.Was, "/"); strings.HasPrefix(path, "/") || was != "" && path == c.Was {
		switch {
		case c.Was == "":
			return "", errors.New("the path is absolute and not in the directory")
		case path == c.Was || path == was:
			return "", nil
		case !strings.HasPrefix(path, was+"/"):
			return "", fmt.Errorf("the path is not below %s: see --from", c.Was)
		}
		rest = path[len(was)+1:]
	} else if was != "" && !strings.HasPrefix(was, "/") && strings.HasPrefix(path, was+"/") {
		rest = path[len(was)+1:]
	}
	if rest != "." && !fs.ValidPath(rest) || strings.Contains(rest, "\x00") {
		return "", errors.New("the path has an empty part, \".\" or \"..\", or is not UTF-8")
	}
	if rest == "." {
		return "", nil
	}
	return rest, nil
}

// restore writes the descriptor of one line. changed is false if the file already has it. In a dry run nothing is
// written, and changed states whether it would be. A file instead of a directory, or the reverse, is an error. A
// different descriptor after the write is an error with changed true (B-23).
func (c *Config) restore(l *line) (changed bool, err error) {
	f, err := c.Files.Open(l.path)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if l.kind != nil && f.Directory() != (l.kind == winnt.DirectoryFileObject) {
		return false, errors.New("a file has taken the place of a directory, or a directory that of a file")
	}
	now, err := f.Descriptor()
	if err != nil {
		return false, err
	}
	if now != nil && now.Equal(l.descriptor) {
		return false, nil
	}
	if c.DryRun {
		return true, nil
	}
	if err := f.Write(l.descriptor); err != nil {
		return false, err
	}
	if now, err = f.Descriptor(); err == nil && (now == nil || !now.Equal(l.descriptor)) {
		err = errors.New("the file does not have the written descriptor: another program changed it, or not all of it " +
			"was kept")
	}
	return true, err
}

// report calls c.Each, if it is set, with the result of a line.
func (c *Config) report(l *line, err error) {
	if c.Each != nil {
		c.Each(Result{Line: l.number, Path: l.shown, Err: err})
	}
}
