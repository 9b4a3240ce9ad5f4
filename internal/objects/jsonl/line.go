package jsonl

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// object is an object parsed from a line.
type object objects.Object

// fast parses the usual lines: plain ASCII without escapes, known fields, each a string. If it returns false, slow must
// parse the line and find the error, if any. It first resets the object. False may leave it partly filled.
func (o *object) fast(line []byte) bool {
	if !plainASCII(line) {
		return false
	}
	*o = object{}
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
	return o.Quoted != nil && o.Form != objects.FormNone
}

// quoted returns the text of the JSON string that b starts with, and the bytes after it. ok is false if b does not
// start with one. It does not interpret escapes.
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

// field stores the value of a known field. raw starts with the name's opening quote. It returns false for an unknown or
// repeated one, an unknown type, and an empty descriptor. On false the fields before stay. The slices refer to the
// line.
func (o *object) field(name, value, raw []byte) bool {
	switch string(name) {
	case "path":
		if o.Quoted != nil {
			return false
		}
		at := len(name) + 3
		o.Path, o.Quoted = value, raw[at:at+len(value)+2]
		return true
	case "type":
		if o.Type != nil {
			return false
		}
		o.Type = objectType(value)
		return o.Type != nil
	}
	f := formOfField(name)
	if f == objects.FormNone || o.Form != objects.FormNone || len(value) == 0 {
		return false
	}
	o.SD, o.Form = value, f
	return true
}

// formOfField returns the form of the field sd, sdHex or sdBase64, and FormNone for any other name.
func formOfField(name []byte) objects.Form {
	switch string(name) {
	case "sd":
		return objects.FormSDDL
	case "sdHex":
		return objects.FormHex
	case "sdBase64":
		return objects.FormBase64
	}
	return objects.FormNone
}

// objectType returns the object type with a name, such as "file", or nil for an unknown or empty name.
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

// plainASCII reports whether all bytes are ASCII and neither control characters nor backslashes. It tests eight at a
// time.
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

// plainBytes reports the same as plainASCII, testing one byte at a time.
func plainBytes(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c >= 0x80 || c == '\\' {
			return false
		}
	}
	return true
}

// lineFields are the fields of a line. Those from lineSD on hold the descriptor.
var lineFields = strict.Layout{"path", "type", "sid", "sd", "sdHex", "sdBase64"}

const lineSD = 3

// slow parses any line as JSON. For a malformed line it sets Err, which names the line number, and Path if it can read
// that.
func (o *object) slow(line []byte, number int) {
	*o = object{}
	var slots [6][]byte
	err := lineFields.Scan(slots[:], line)
	if text, ok := strict.Unquote(nil, slots[0]); ok {
		o.Path = text
	}
	if err == nil {
		err = o.fields(slots[:])
	}
	if err != nil {
		o.Err = fmt.Errorf("line %d: %w", number, err)
	}
}

// fields stores the values of a line in the object. null and an empty descriptor count as absent; an empty path does
// not. After an error some fields are set. Errors:
//   - no path
//   - no descriptor, or several
//   - an unknown type, a malformed SID or a value that is not a string
func (o *object) fields(slots [][]byte) error {
	var texts [6][]byte
	for i, v := range slots {
		if v == nil || v[0] == 'n' {
			continue
		}
		var ok bool
		if texts[i], ok = strict.Unquote(nil, v); !ok {
			return fmt.Errorf("%s: want a string, found %s", lineFields[i], strict.Clip(v))
		}
	}
	if texts[0] == nil {
		return errors.New("the path is missing")
	}
	for i, text := range texts[lineSD:] {
		if len(text) == 0 {
			continue
		}
		if o.Form != objects.FormNone {
			return errors.New("more than one of sd, sdHex and sdBase64")
		}
		o.SD, o.Form = text, formOfField([]byte(lineFields[lineSD+i]))
	}
	if o.Form == objects.FormNone {
		return objects.ErrNoDescriptor
	}
	if texts[1] != nil {
		if o.Type = winnt.ObjectTypeByName(string(texts[1])); o.Type == nil {
			return fmt.Errorf("%q is not an object type", strict.Clip(texts[1]))
		}
	}
	if texts[2] != nil {
		who, err := sid.Parse(string(texts[2]))
		if err != nil {
			return fmt.Errorf("sid: %w", err)
		}
		o.Entry = &objects.Entry{SID: who}
	}
	return nil
}
