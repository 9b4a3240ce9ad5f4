package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/refmon/refmon/internal/cli/adreport"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/source"
	"github.com/refmon/refmon/internal/outfile"
	"github.com/refmon/refmon/winnt"
)

// directoryReport holds the flags about the report of a directory.
type directoryReport struct {
	Format            string   `help:"html to a file, or text to standard output." default:"html" enum:"html,text"`
	Baseline          string   `help:"${baseline}" placeholder:"FILE"`
	BaselineDirectory []string `help:"${baselineDirectory}" placeholder:"FILE" sep:"none"`
	Important         []string `help:"${important}" placeholder:"OBJECT" sep:"none"`
	BlockOwner        bool     `name:"block-owner-implicit-rights" help:"${blockOwner}"`
}

// ofDirectory reports whether the objects are those of a directory: LDIF, --type, or the first object's type. It is
// false for paths, and if the first object cannot be read. It reads the file again; of a pipe it reads only the head.
func (c *objectsFlags) ofDirectory(in *input, typ *winnt.ObjectType) (about bool, err error) {
	if c.Objects != "" && (typ == winnt.DirectoryServiceObject || in.ldif) {
		return true, nil
	}
	var from io.Reader = bytes.NewReader(in.head)
	switch {
	case in.file != nil:
		f, err := os.Open(c.Objects)
		if err != nil {
			return false, err
		}
		defer func() { _ = f.Close() }() // only read
		from = f
	case in.head == nil: // paths
		return false, nil
	}
	s, err := source.Open(c.Objects, from)
	if err != nil {
		return false, err
	}
	var b objects.Batch
	defer objects.Halt(s)
	if s.Next(&b) == nil {
		first := true
		b.Each(func(o *objects.Object) {
			about, first = about || first && o.Type == winnt.DirectoryServiceObject, false
		})
	}
	return about, nil
}

// aboutDirectory reports whether the objects are those of a directory. It rejects flags that are for files. For a
// directory these are --checkpoint and --share.
func (c *reportCmd) aboutDirectory(in *input, typ *winnt.ObjectType) (bool, error) {
	about, err := c.ofDirectory(in, typ)
	if err != nil {
		return false, err
	}
	if about && c.Checkpoint != "" {
		return false, errors.New("--checkpoint requires objects in a file of JSON lines, and not those of a directory, " +
			"whose report starts from the beginning")
	}
	if about && len(c.Share) > 0 {
		return false, errors.New("--share is for files: no share is in front of a directory")
	}
	return about, nil
}

// onlyForDirectory returns an error for a flag that a report of files does not have.
func (c *reportCmd) onlyForDirectory() error {
	if c.Format != "html" || c.Baseline != "" || len(c.BaselineDirectory) > 0 || len(c.Important) > 0 || c.BlockOwner {
		return errors.New("--format text, --baseline, --baseline-directory, --important and " +
			"--block-owner-implicit-rights are for the objects of a directory: give LDIF, or --type directoryService")
	}
	return nil
}

// reportDirectory writes the report of a directory. An incomplete report is written and gives errReported. It is an
// error if an HTML file exists without --force, if an important object is not found, or if --baseline-directory has
// no --baseline.
func (c *reportCmd) reportDirectory(std *streams, in *input, dir *directory.Directory, typ *winnt.ObjectType) error {
	if at, err := os.Stat(c.Out); c.Format == "html" && err == nil && at.Mode().IsRegular() && !c.Force {
		return fmt.Errorf("%s exists already: give --out another name, or --force to overwrite it", c.Out)
	}
	ctx, cancel := interrupted()
	defer cancel()
	r := &adreport.Report{Title: c.Title, BlockOwner: c.BlockOwner}
	var err error
	if r.Now, err = stateOf(ctx, in.source, dir, typ); err != nil {
		return err
	}
	if in.chosen {
		r.Notes = append(r.Notes, "Some objects were left out with --only or --exclude. Paths through them are missing.")
	}
	for _, name := range c.Important {
		r.Important = append(r.Important, objects.NewName(name, dir))
	}
	if c.Baseline != "" {
		if r.Before, err = c.before(ctx, std, dir, typ); err != nil {
			return err
		}
	} else if len(c.BaselineDirectory) > 0 {
		return errors.New("--baseline-directory needs --baseline FILE, the objects of that time")
	}
	page, err := r.Do(ctx)
	if err != nil {
		return err
	}
	for _, n := range r.Important {
		if n.Found() == 0 {
			return fmt.Errorf("--important %w", n.NotFound())
		}
	}
	if err := c.writePage(std, page); err != nil {
		return err
	}
	if page.Incomplete {
		fmt.Fprintln(std.err, "refmon: the report is incomplete: its section \"Not considered\" says why")
		return errReported
	}
	return nil
}

// writePage writes a page as text to standard output, or as HTML to a file, whose name and counts it prints. An
// existing file is replaced, and stays after an error.
func (c *reportCmd) writePage(std *streams, page *adreport.Page) error {
	if c.Format == "text" {
		return page.Text(std.out, std.width)
	}
	if err := outfile.Write(c.Out, 0o644, page.HTML); err != nil {
		return err
	}
	_, err := fmt.Fprintf(std.out, "%s: %d objects, %d principals, %d important objects, %d notes on what was not "+
		"considered\n", c.Out, page.Objects, page.Principals, len(page.Important), len(page.Notes))
	return err
}

// before reads the baseline. If -d names the objects file, the baseline is its own directory too.
// --baseline-directory takes precedence; otherwise the directory is that of the report.
func (c *reportCmd) before(ctx context.Context, std *streams, now *directory.Directory, typ *winnt.ObjectType) (
	*adreport.State, error,
) {
	dir, from := now, c.BaselineDirectory
	own := len(from) == 0 && slices.Contains(c.Directory, c.Objects)
	if own || slices.Contains(from, c.Baseline) {
		if err := std.pipe(c.Baseline).keep(); err != nil {
			return nil, err
		}
	}
	in, err := (&objectsFlags{Objects: c.Baseline}).open(std, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.close() }() // only read
	if own {
		for _, name := range c.Directory {
			if name == c.Objects {
				name = c.Baseline
			}
			from = append(from, name)
		}
	}
	if len(from) > 0 {
		if dir, err = (&directoryFlags{Directory: from, Token: c.Token, Logon: c.Logon}).directory(std); err != nil {
			return nil, fmt.Errorf("baseline: %w", err)
		}
	}
	state, err := stateOf(ctx, in.source, dir, typ)
	return &state, err
}

// stateOf reads the objects of a state into memory, unreadable ones included. More than maxObjects are an error. An
// error returns the objects read so far as well.
func stateOf(ctx context.Context, from objects.Source, dir *directory.Directory, typ *winnt.ObjectType) (
	adreport.State, error,
) {
	s := adreport.State{Directory: dir}
	err := objects.All(ctx, from, dir.Domain, typ, func(i objects.Item) bool {
		s.Objects = append(s.Objects, i)
		return len(s.Objects) <= maxObjects
	})
	if err == nil && len(s.Objects) > maxObjects {
		err = fmt.Errorf("there are more than %d objects", maxObjects)
	}
	return s, err
}
