package replay

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/internal/utf16text"
)

// Version is the version of the recording format.
const Version = 1

// Header is the first line of a recording. It says which system answered, and when. The zero value is invalid.
type Header struct {
	Recording int             `json:"recording"` // [Version]
	System    System          `json:"system"`
	Date      string          `json:"date"`     // UTC, 2006-01-02
	Recorder  string          `json:"recorder"` // version of refmon
	Token     json.RawMessage `json:"token"`    // token file of the process that recorded
	Tokens    string          `json:"tokens"`   // MadeTokens or OwnToken: what the processes of programs ran with
}

// Values of [Header.Tokens].
const (
	MadeTokens = "made" // as the program says, which takes SeCreateTokenPrivilege
	OwnToken   = "own"  // the recorder's own, whatever the program says
)

// System identifies the recorded system.
type System struct {
	Product      string `json:"product"`        // such as "Windows 10.0, server"
	Build        uint32 `json:"build"`          // of RtlGetVersion
	Revision     uint32 `json:"revision"`       // UBR of the registry; 0 where it is not there
	Architecture string `json:"architecture"`   // GOARCH
	Wine         string `json:"wine,omitempty"` // its version: then this is not Windows, and settles nothing
}

// end is the last line. A recording without it was cut off.
type end struct {
	End int `json:"end"` // number of lines between the header and this one
}

// Line is any other line: a program (Program is set), a question that was not called (Skipped is set), or a call.
type Line struct {
	Case string `json:"case"`

	// A program, before its calls.
	Program string `json:"program,omitempty"` // the source
	Prelude string `json:"prelude,omitempty"` // definitions that the program starts with

	Line   int      `json:"line,omitempty"` // of the program
	Time   int      `json:"time,omitempty"` // how often the line had called until then
	Thread string   `json:"thread,omitempty"`
	Call   string   `json:"call,omitempty"`
	In     Fields   `json:"in,omitempty"`
	Status string   `json:"status,omitempty"` // STATUS_…, or ERROR_… of a Win32 function
	Out    Fields   `json:"out,omitempty"`
	Rules  []string `json:"rules,omitempty"` // that the case is about

	Skipped string `json:"skipped,omitempty"` // reason why it was not called

	by []string // of ours: the rule that decided, and the one that the program names for the call
}

// Fields maps documented parameter names to values, as encoding/json decodes them into any.
type Fields map[string]any

// Recording is a parsed recording.
type Recording struct {
	Header Header
	Lines  []Line
}

// maxLine is the longest line, in bytes.
const maxLine = 16 << 20

// ErrMalformed means that a file is not a recording.
var ErrMalformed = errors.New("malformed recording")

// Read parses a recording in UTF-8, or in UTF-16 as PowerShell redirects output. It skips blank lines and reads the
// whole file into memory. It returns an error that wraps [ErrMalformed], with the line, if a line is invalid, has more
// than 16 MiB or cannot be read. An empty file is malformed, and so are a header alone, UTF-16 that ends within a
// character, and a recording without its last line or with another number of lines than that says.
func Read(r io.Reader) (*Recording, error) {
	rec := &Recording{}
	s := bufio.NewScanner(utf8Of(bufio.NewReader(r)))
	s.Buffer(nil, maxLine)
	n, ended := 0, false
	for s.Scan() {
		n++
		b := bytes.TrimPrefix(bytes.TrimSpace(s.Bytes()), []byte("\xEF\xBB\xBF"))
		if len(b) == 0 {
			continue
		}
		if rec.Header.Recording == 0 {
			if err := strict.Unmarshal(b, &rec.Header); err != nil {
				return nil, fmt.Errorf("line %d: want a header: %w: %w", n, ErrMalformed, err)
			}
			if rec.Header.Recording != Version {
				return nil, fmt.Errorf("line %d: format %d is not known, only %d: %w", n, rec.Header.Recording, Version,
					ErrMalformed)
			}
			continue
		}
		var err error
		switch {
		case ended:
			err = errors.New("it follows the last line of a recording")
		case bytes.HasPrefix(b, []byte(`{"end"`)):
			ended, err = true, rec.checkEnd(b)
		default:
			err = rec.add(b)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w: %w", n, ErrMalformed, err)
		}
	}
	if err := s.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("longer than %d bytes", maxLine)
		}
		return nil, fmt.Errorf("line %d: %w: %w", n+1, ErrMalformed, err)
	}
	if rec.Header.Recording == 0 {
		return nil, fmt.Errorf("the file is empty: %w", ErrMalformed)
	}
	if rec.Lines == nil { // a comparison of nothing would look like a success
		return nil, fmt.Errorf("line %d: it ends after the header, without an answer: %w", n, ErrMalformed)
	}
	if !ended {
		return nil, fmt.Errorf(`line %d: the recording is cut off, because {"end":%d} does not follow: copy the whole `+
			"recording, or record again: %w", n, len(rec.Lines), ErrMalformed)
	}
	return rec, nil
}

// add parses a line and appends it.
func (rec *Recording) add(b []byte) error {
	var l Line
	if err := strict.Unmarshal(b, &l); err != nil {
		return err
	}
	if l.Case == "" || l.Program == "" && l.Skipped == "" && (l.Call == "" || l.Status == "") {
		return errors.New("want a case, and a program, a call with its status, or a reason to skip it")
	}
	rec.Lines = append(rec.Lines, l)
	return nil
}

// checkEnd parses the last line and returns an error if its number is not that of the lines before it.
func (rec *Recording) checkEnd(b []byte) error {
	var e end
	if err := strict.Unmarshal(b, &e); err != nil {
		return err
	}
	if e.End != len(rec.Lines) {
		return fmt.Errorf("the recording had %d lines after its header, and has %d: copy the whole recording", e.End,
			len(rec.Lines))
	}
	return nil
}

// utf8Of returns a reader of the text in UTF-8. It decodes little-endian UTF-16 if r starts with its byte order mark,
// and otherwise returns r.
func utf8Of(r *bufio.Reader) io.Reader {
	if mark, err := r.Peek(2); err != nil || mark[0] != 0xFF || mark[1] != 0xFE {
		return r
	}
	return &utf16text.Reader{In: r, Cut: errCut}
}

// errCut is the error of UTF-16 that ends within a character.
var errCut = errors.New("it ends within a UTF-16 character, so it is cut off: copy the whole recording")

// Writer writes the lines of a recording. Without End the recording is incomplete.
type Writer struct {
	e     *json.Encoder
	lines int // that Write wrote
}

// NewWriter writes the header with the current [Version] and returns a writer for the lines. It does not buffer.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	h.Recording = Version
	return &Writer{e: e}, e.Encode(h)
}

// Write writes one line. It does not check it.
func (w *Writer) Write(l Line) error {
	w.lines++
	return w.e.Encode(l)
}

// End writes the last line, which says how many lines were written.
func (w *Writer) End() error { return w.e.Encode(end{w.lines}) }
