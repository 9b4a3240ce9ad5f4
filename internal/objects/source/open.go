// Package source detects the form of an objects file and opens its reader.
package source

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"unicode/utf16"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/csv"
	"github.com/refmon/refmon/internal/objects/icacls"
	"github.com/refmon/refmon/internal/objects/jsonl"
	"github.com/refmon/refmon/internal/objects/ldif"
)

// Open returns the source for an objects file. It detects the form by the extension of name and the first bytes: JSON
// lines, CSV, an icacls save or LDIF, in UTF-8 or UTF-16. Text that matches no form is read as JSON lines.
func Open(name string, in io.Reader) (objects.Source, error) {
	r := bufio.NewReaderSize(in, 64<<10)
	head, err := r.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return nil, fmt.Errorf("read objects: %w", err)
	}
	var text io.Reader = r
	wide := bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff"))
	if wide {
		text = &utf16Reader{in: r}
		head = nil
	}
	first := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch ext := strings.ToLower(path.Ext(name)); {
	case ext == ".csv":
		return csv.New(text), nil
	case ext == ".ldif" || ext == ".ldf":
		return ldif.New(text), nil
	case ext == ".icacls" || ext == ".acl":
		return icacls.New(text), nil
	case len(first) > 0 && first[0] == '{':
		return jsonl.Lines(text, 0, 0), nil
	case bytes.HasPrefix(first, []byte("dn:")) || bytes.HasPrefix(first, []byte("version:")):
		return ldif.New(text), nil
	case wide && ext == "":
		return icacls.New(text), nil
	case len(first) > 0 && bytes.IndexByte(firstLine(first), ',') >= 0:
		return csv.New(text), nil
	}
	if wide {
		return struct{ objects.Source }{jsonl.Lines(text, 0, 0)}, nil // its offsets are not those of the file
	}
	return jsonl.Lines(text, 0, 0), nil
}

func firstLine(b []byte) []byte {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return b[:i]
	}
	return b
}

// utf16Reader converts UTF-16 with a byte order mark to UTF-8.
type utf16Reader struct {
	in   *bufio.Reader
	big  bool
	open bool
	high uint16 // of a surrogate pair, or 0
	out  []byte
}

// Read implements io.Reader.
func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.out) == 0 {
		var unit [2]byte
		if _, err := io.ReadFull(u.in, unit[:]); err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				err = errors.New("the UTF-16 text ends inside a character")
			}
			return 0, err
		}
		v := uint16(unit[0]) | uint16(unit[1])<<8
		if u.big {
			v = v>>8 | v<<8
		}
		switch {
		case !u.open:
			u.open, u.big = true, v == 0xFFFE
		case u.high != 0:
			u.out = append(u.out, string(utf16.DecodeRune(rune(u.high), rune(v)))...)
			u.high = 0
		case utf16.IsSurrogate(rune(v)) && v < 0xDC00:
			u.high = v
		default:
			u.out = append(u.out, string(rune(v))...)
		}
	}
	n := copy(p, u.out)
	u.out = u.out[n:]
	return n, nil
}
