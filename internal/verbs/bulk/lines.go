package bulk

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/refmon/refmon/winnt"
)

// MaxLine is the longest line that is read, in bytes.
const MaxLine = 4 << 20

// portionSize is what a batch of lines holds, in bytes, save for a longer line.
const portionSize = 1 << 20

// Source gives the objects of a run, batch by batch.
type Source interface {
	// next fills b. It is called by one goroutine; io.EOF ends the run.
	next(b *portion) error
}

// lines is the source of an objects file in JSON lines.
type lines struct {
	in     io.Reader
	rest   []byte // begun but not ended by the last batch
	offset int64  // of the byte after the last batch
	number int    // of lines before the next batch
	done   bool
}

// Lines reads an objects file in JSON lines: one object with path, one of sd,
// sdHex and sdBase64, and type a line. offset and number are the place in the
// input that in stands at, 0 for its start.
func Lines(in io.Reader, offset int64, number int) Source {
	return &lines{in: in, offset: offset, number: number}
}

func (l *lines) next(b *portion) error {
	if l.done && len(l.rest) == 0 {
		return io.EOF
	}
	b.data = append(b.data[:0], l.rest...)
	l.rest = l.rest[:0]
	for !l.done {
		if cap(b.data)-len(b.data) < portionSize/2 {
			grown := make([]byte, len(b.data), max(cap(b.data)*2, portionSize+portionSize/2))
			copy(grown, b.data)
			b.data = grown
		}
		room := cap(b.data) - len(b.data)
		n, err := l.in.Read(b.data[len(b.data):cap(b.data)])
		b.data = b.data[:len(b.data)+n]
		switch {
		case errors.Is(err, io.EOF):
			l.done = true
		case err != nil:
			return fmt.Errorf("read objects: %w", err)
		case len(b.data) < portionSize && (n == room || bytes.IndexByte(b.data[len(b.data)-n:], '\n') < 0):
			continue // else a pipe gave what it has: whoever writes it may wait for an answer
		}
		if l.done {
			break
		}
		if end := bytes.LastIndexByte(b.data, '\n') + 1; end > 0 {
			l.rest = append(l.rest, b.data[end:]...)
			b.data = b.data[:end]
			break
		}
		if len(b.data) > MaxLine {
			return fmt.Errorf("read objects: the line after byte %d is longer than %d bytes: is this a file of JSON lines?", l.offset, MaxLine)
		}
	}
	if len(b.data) == 0 {
		return io.EOF
	}
	if l.offset == 0 && bytes.HasPrefix(b.data, []byte("\xff\xfe")) {
		return errors.New("read objects: the file is UTF-16: save it as UTF-8")
	}
	l.offset += int64(len(b.data))
	b.end, b.first = l.offset, l.number
	l.number += bytes.Count(b.data, []byte{'\n'})
	if b.data[len(b.data)-1] != '\n' {
		l.number++
	}
	b.lines = l.number - b.first
	return nil
}

// each calls f with every object of the batch.
func (b *portion) each(f func(o *Object)) {
	if b.found != nil {
		b.reader.each(b, f)
		return
	}
	if b.objects != nil {
		for i := range b.objects {
			if b.stop(0, 0) {
				return
			}
			f(&b.objects[i])
		}
		return
	}
	data, number := b.data, b.first
	if number == 0 {
		data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	}
	var o Object
	for len(data) > 0 {
		if b.stop(number, len(data)) {
			return
		}
		line := data
		if i := bytes.IndexByte(data, '\n'); i >= 0 {
			line, data = data[:i], data[i+1:]
		} else {
			data = nil
		}
		number++
		if n := len(line); n > 0 && line[n-1] == '\r' {
			line = line[:n-1]
		}
		if len(line) == 0 {
			continue
		}
		if !o.fast(line) {
			o.slow(line, number)
		}
		f(&o)
	}
}

// fast reads the lines that nearly all are: plain ASCII without escapes, known
// fields in any order, each a string. false says nothing; slow decides.
func (o *Object) fast(line []byte) bool {
	if !plainASCII(line) {
		return false
	}
	*o = Object{}
	n := len(line)
	if n < 2 || line[0] != '{' || line[n-1] != '}' {
		return false
	}
	rest := line[1 : n-1]
	for {
		name, after, ok := quoted(rest)
		if !ok || len(after) == 0 || after[0] != ':' {
			return false
		}
		value, after, ok := quoted(after[1:])
		if !ok || !o.field(name, value, rest) {
			return false
		}
		if len(after) == 0 {
			break
		}
		if after[0] != ',' {
			return false
		}
		rest = after[1:]
	}
	return o.json != nil && o.form != formNone
}

// quoted takes a string without escapes off the front.
func quoted(b []byte) (text, after []byte, ok bool) {
	if len(b) == 0 || b[0] != '"' {
		return nil, nil, false
	}
	i := bytes.IndexByte(b[1:], '"')
	if i < 0 {
		return nil, nil, false
	}
	return b[1 : i+1], b[i+2:], true
}

// field notes a known field; false for others and for one that is there twice.
func (o *Object) field(name, value, raw []byte) bool {
	switch string(name) {
	case "path":
		if o.json != nil {
			return false
		}
		at := len(name) + 3
		o.Path, o.json = value, raw[at:at+len(value)+2]
		return true
	case "type":
		if o.Type != nil {
			return false
		}
		o.Type = objectType(value)
		return o.Type != nil
	}
	f := formOfField(name)
	if f == formNone || o.form != formNone || len(value) == 0 {
		return false
	}
	o.sd, o.form = value, f
	return true
}

func formOfField(name []byte) form {
	switch string(name) {
	case "sd":
		return formSDDL
	case "sdHex":
		return formHex
	case "sdBase64":
		return formBase64
	}
	return formNone
}

func objectType(name []byte) *winnt.ObjectType {
	switch string(name) { // the two of almost every line
	case "file":
		return winnt.FileObject
	case "directory":
		return winnt.DirectoryFileObject
	}
	return winnt.ObjectTypeByName(string(name))
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// plainASCII reports that every byte is ASCII, no control character and no
// backslash, eight at a time.
func plainASCII(b []byte) bool {
	for ; len(b) >= 8; b = b[8:] {
		v := binary.LittleEndian.Uint64(b)
		slash := v ^ (ones * '\\')
		if (v|(v-ones*0x20)|(slash-ones))&highs != 0 {
			return false // a borrow only comes from a byte that is one of these
		}
	}
	return plainBytes(b)
}

func plainBytes(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c >= 0x80 || c == '\\' {
			return false
		}
	}
	return true
}

// slow reads any line as JSON and says what is wrong with it.
func (o *Object) slow(line []byte, number int) {
	*o = Object{}
	var row struct {
		Path     *string `json:"path"`
		SD       *string `json:"sd"`
		SDHex    *string `json:"sdHex"`
		SDBase64 *string `json:"sdBase64"`
		Type     *string `json:"type"`
	}
	if err := json.Unmarshal(line, &row); err != nil {
		o.err = fmt.Errorf("line %d: %w", number, err)
		return
	}
	if row.Path == nil {
		o.err = fmt.Errorf("line %d: there is no path", number)
		return
	}
	o.Path = []byte(*row.Path)
	given := 0
	for _, g := range []struct {
		text *string
		form form
	}{{row.SD, formSDDL}, {row.SDHex, formHex}, {row.SDBase64, formBase64}} {
		if g.text != nil && *g.text != "" {
			o.sd, o.form = []byte(*g.text), g.form
			given++
		}
	}
	switch {
	case given == 0:
		o.err = fmt.Errorf("line %d: %w", number, errNoDescriptor)
	case given > 1:
		o.err = fmt.Errorf("line %d: more than one of sd, sdHex and sdBase64", number)
	case row.Type != nil:
		if o.Type = winnt.ObjectTypeByName(*row.Type); o.Type == nil {
			o.err = fmt.Errorf("line %d: type %q is no type of object", number, *row.Type)
		}
	}
}
