package objects

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/refmon/refmon/winnt"
)

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
	return o.Quoted != nil && o.Form != FormNone
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
	if f == FormNone || o.Form != FormNone || len(value) == 0 {
		return false
	}
	o.SD, o.Form = value, f
	return true
}

func formOfField(name []byte) Form {
	switch string(name) {
	case "sd":
		return FormSDDL
	case "sdHex":
		return FormHex
	case "sdBase64":
		return FormBase64
	}
	return FormNone
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
		o.Err = fmt.Errorf("line %d: %w", number, err)
		return
	}
	if row.Path == nil {
		o.Err = fmt.Errorf("line %d: there is no path", number)
		return
	}
	o.Path = []byte(*row.Path)
	given := 0
	for _, g := range []struct {
		text *string
		form Form
	}{{row.SD, FormSDDL}, {row.SDHex, FormHex}, {row.SDBase64, FormBase64}} {
		if g.text != nil && *g.text != "" {
			o.SD, o.Form = []byte(*g.text), g.form
			given++
		}
	}
	switch {
	case given == 0:
		o.Err = fmt.Errorf("line %d: %w", number, errNoDescriptor)
	case given > 1:
		o.Err = fmt.Errorf("line %d: more than one of sd, sdHex and sdBase64", number)
	case row.Type != nil:
		if o.Type = winnt.ObjectTypeByName(*row.Type); o.Type == nil {
			o.Err = fmt.Errorf("line %d: type %q is no type of object", number, *row.Type)
		}
	}
}
