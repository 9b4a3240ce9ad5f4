// Package source detects the form of an objects file and opens its reader.
package source

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/csv"
	"github.com/refmon/refmon/internal/objects/icacls"
	"github.com/refmon/refmon/internal/objects/jsonl"
	"github.com/refmon/refmon/internal/objects/ldif"
	"github.com/refmon/refmon/internal/objects/screen"
	"github.com/refmon/refmon/internal/objects/sharphound"
	"github.com/refmon/refmon/internal/utf16text"
)

// headSize is the number of bytes by which Open detects a form.
const headSize = 4 << 10

// Open returns the source for an objects file. It detects the form by the extension of name and the first bytes: JSON
// lines, CSV, an icacls save, LDIF, the screen output of icacls, Get-Acl and accesschk -l, or a collector's JSON or zip
// of BloodHound, in UTF-8 or UTF-16. Text that is known to have no descriptors is an error that names a command with
// complete output, and text that matches no form is ErrForm. A JSON array and gzip are errors. Bytes decide before the
// extension only for these two and BloodHound's JSON or zip. Empty input is JSON lines. It reads only the head.
func Open(name string, in io.Reader) (objects.Source, error) {
	r := bufio.NewReaderSize(in, 64<<10)
	head, err := r.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return nil, fmt.Errorf("read objects: %w", err)
	}
	var text io.Reader = r
	wide, big, size := utf16text.Detect(head)
	if wide {
		mark := string(head[:size])
		for size > 0 && strings.HasPrefix(string(head), mark) { // PowerShell can write a second one
			_, _ = r.Discard(2) // they were peeked
			head = head[2:]
		}
		text = &utf16text.Reader{In: r, Big: big, Cut: utf16text.ErrCut}
		head = narrow(head, big)
	}
	offset := 0 // of the first byte after a mark of UTF-8, which Windows' editors and PowerShell write
	if rest, is := bytes.CutPrefix(head, []byte("\xef\xbb\xbf")); is && !wide {
		offset, _ = r.Discard(len(head) - len(rest)) // they were peeked
		head = rest
	}
	first := bytes.TrimLeft(head, " \t\r\n")
	switch {
	case sharphound.Is(first):
		return sharphound.New(text), nil
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return nil, errCompressed
	case jsonArray.Match(first):
		return nil, errArray
	}
	switch ext := strings.ToLower(path.Ext(name)); {
	case ext == ".csv":
		return csv.New(text), nil
	case ext == ".ldif" || ext == ".ldf":
		return ldif.New(text), nil
	case len(first) > 0 && first[0] == '{':
		return lines(text, offset, wide), nil
	case ldifBegins.Match(first): // before the screen forms, because a value can look like a line of icacls
		return ldif.New(text), nil
	}
	if open, err := screen.Detect(string(head)); err != nil {
		return nil, err
	} else if open != nil {
		return open(text), nil
	}
	switch ext := strings.ToLower(path.Ext(name)); {
	case ext == ".icacls" || ext == ".acl" || isSaved(first):
		return icacls.New(text), nil
	case csv.HasHeading(head), bytes.HasPrefix(first, []byte("#TYPE ")): // as Windows PowerShell begins CSV
		return csv.New(text), nil
	case wide && ext == "":
		return icacls.New(text), nil
	}
	if ext := strings.ToLower(path.Ext(name)); len(first) > 0 && ext != ".jsonl" && ext != ".json" {
		return nil, ErrForm
	}
	return lines(text, offset, wide), nil
}

// ErrForm is the error for text without a known form.
var ErrForm = errors.New("the text has no known form of objects: write lines such as " +
	"{\"path\":\"/a\",\"sd\":\"O:…\"}, or use Get-Acl PATH | Select Path,Sddl | Export-Csv FILE, " +
	"icacls PATH /save FILE, accesschk -l PATH or ldapsearch with nTSecurityDescriptor")

// Errors for text that a program can convert.
var (
	errCompressed = errors.New("the file is compressed by gzip: write zcat FILE | refmon … --objects -")
	errArray      = errors.New("the text is a JSON array: write one object per line, as jq -c '.[]' FILE does")
)

// jsonArray matches the beginning of a JSON array of objects.
var jsonArray = regexp.MustCompile(`^\[\s*\{`)

// lines returns the source of JSON lines. offset is that of text in the file. converted means that text was UTF-16. Its
// offsets are not those of the file, so that a run cannot be resumed.
func lines(text io.Reader, offset int, converted bool) objects.Source {
	s := jsonl.Lines(text, int64(offset), 0)
	if converted {
		return convertedLines{s}
	}
	return s
}

// convertedLines are JSON lines of UTF-16.
type convertedLines struct{ objects.Source }

// IsLines reports whether a source that Open returned reads JSON lines, converted from another form or not.
func IsLines(s objects.Source) bool {
	_, converted := s.(convertedLines)
	return converted || jsonl.IsLines(s)
}

// narrow returns the beginning of a UTF-16 text as UTF-8. Half a character at the end is left out.
func narrow(head []byte, big bool) []byte {
	out, _ := io.ReadAll(&utf16text.Reader{In: bufio.NewReader(bytes.NewReader(head)), Big: big}) // from memory
	return out
}

// ldifBegins matches the beginning of LDIF, after comments and empty lines: a version or a distinguished name. A line
// that begins with a blank continues the comment before (RFC 2849, note 2).
var ldifBegins = regexp.MustCompile(`^(#[^\n]*\n([ ][^\n]*\n)*[ \t\r\n]*)*(?i:dn|version):`)

// savedDescriptor matches the beginning of a line of icacls /save with a descriptor. A path such as D:\a has no such
// beginning.
var savedDescriptor = regexp.MustCompile(`^[DS]:(PAI|P|AI|AR|NO_ACCESS_CONTROL)*(\(|[DS]:|\r?\n|$)`)

// isSaved reports whether a text begins with a path and its descriptor, as a file of icacls /save does.
func isSaved(text []byte) bool {
	return savedDescriptor.Match(bytes.TrimLeft(text[len(firstLine(text)):], "\r\n"))
}

// firstLine returns b up to its first newline, or all of it.
func firstLine(b []byte) []byte {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return b[:i]
	}
	return b
}
