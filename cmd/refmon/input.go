package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/refmon/refmon/internal/cli/batch"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/ldif"
	"github.com/refmon/refmon/internal/words"
)

// maxFile is the size limit of a file read as a whole. A token file of 100,000 groups has 6 MB.
const maxFile = 16 << 20

// readFile reads a whole file, or standard input for "-". A file above maxFile bytes is an error.
func (s *streams) readFile(name string) ([]byte, error) { return readBounded(s.open, name, maxFile) }

// readBounded opens and reads a whole file. More than most bytes are an error. An error that open returns is unchanged.
func readBounded(open func(name string) (io.ReadCloser, error), name string, most int64) ([]byte, error) {
	in, err := open(name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", inLine(name), err)
	case int64(len(b)) > most:
		return nil, fmt.Errorf("read %s: larger than %d MiB", inLine(name), most>>20)
	}
	return b, nil
}

// openFile opens a file like [os.Open]. The name "-" is a file's name too.
func openFile(name string) (io.ReadCloser, error) { return os.Open(name) }

// open opens a file for reading, or standard input for "-". The caller closes it, which leaves standard input and other
// known pipes open.
func (s *streams) open(name string) (io.ReadCloser, error) {
	if p := s.find(name); p != nil {
		return p.open(), nil
	}
	return os.Open(name)
}

// runBatch answers the lines of a file on standard output. "-" is standard input. A malformed line is answered with
// an error. Any such line gives errReported, and their number goes to standard error. A read or write error states
// the number of lines before it.
func (s *streams) runBatch(job *batch.Job, name string) error {
	in, err := s.open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	sum, err := job.Run(in, s.out)
	if sum.NoDACL > 0 {
		fmt.Fprintf(s.err,
			"refmon: %d of %d lines have a descriptor without D:, so that no DACL limits access: look for \"note\"\n",
			sum.NoDACL, sum.Lines)
	}
	switch {
	case err != nil:
		return fmt.Errorf("batch %s: after %d lines: %w", name, sum.Lines, err)
	case sum.Malformed > 0:
		fmt.Fprintf(s.err, "refmon: %d of %d lines were malformed: look for \"error\" in the output\n", sum.Malformed,
			sum.Lines)
		return errReported
	}
	return nil
}

// one verifies that the command line has exactly one input: a single question, or a batch file. what names the
// question in the error.
func one(what, single, file string) error {
	switch {
	case single == "" && file == "":
		return fmt.Errorf("no input: give %s, or --batch FILE", what)
	case single != "" && file != "":
		return fmt.Errorf("give either %s or --batch FILE, not both", what)
	}
	return nil
}

// isHex reports whether text is a binary form in hexadecimal digits, which starts with the revision 01.
func isHex(text string) bool {
	return len(text) >= 16 && strings.HasPrefix(text, "01") && strings.Trim(text, "0123456789abcdefABCDEF") == ""
}

// input has the objects of a run, and the properties of the file or folders that they come from.
type input struct {
	source         objects.Source
	close          func() error
	size, modified int64 // bytes, and nanoseconds since 1970; 0 if not known
	file           *os.File
	chosen         bool   // some objects are left out
	ldif           bool   // the objects are those of a directory
	head           []byte // of a pipe: its beginning
	extent         extent
	leftOut        func(path []byte) // see [objects.Choice]; nil: nothing
}

// leave calls leftOut with the path of an object that the run leaves out.
func (in *input) leave(path []byte) {
	if in.leftOut != nil {
		in.leftOut(path)
	}
}

// choose adapts the input to the command's rights. A separate descriptor decides about a managed account's password
// (ReadGMSAPassword), so the source is then replaced by one with these descriptors. Such a right together with others
// is an error. For other rights choose does nothing.
func (in *input) choose(rights []words.Right) (err error) {
	managed := func(r words.Right) bool { return r.Managed() }
	switch {
	case !slices.ContainsFunc(rights, managed):
		return nil
	case len(rights) > 1:
		return errors.New("ReadGMSAPassword cannot be combined with other rights: a separate descriptor decides it")
	}
	in.source, err = ldif.Managed(in.source, in.leave)
	return err
}
