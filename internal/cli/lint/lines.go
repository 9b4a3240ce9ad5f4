package lint

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/jsonl"
	"github.com/refmon/refmon/internal/objects/screen"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/internal/utf16text"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// maxLine is the longest line of a file, in bytes: more than the largest descriptor in hexadecimal digits.
const maxLine = 4 << 20

// Line is one line of a file of descriptors: SDDL, bytes in hexadecimal digits or base64, or a row of an objects file
// ({"path":…,"sd":…}). For SDDL Text is set, otherwise Descriptor.
type Line struct {
	Number     int // from 1
	Path       string
	Text       string
	Descriptor *sd.Descriptor
	Type       *winnt.ObjectType // nil: the type of the other lines
	Err        error             // the line holds neither
}

// IsText reports whether an argument looks like SDDL: after blanks it starts with O:, G:, D: or S:, and the next
// character is not a slash or backslash. Otherwise it is a file name.
func IsText(arg string) bool {
	arg = strings.TrimLeft(arg, " \t")
	return len(arg) >= 2 && arg[1] == ':' && strings.ContainsRune("OGDS", rune(arg[0])) &&
		!strings.ContainsAny(arg[2:min(3, len(arg))], `\/`)
}

// Lines splits a file of descriptors, one on each line. It skips empty lines, lines that start with #, lines with a
// prompt and the last line of an export, and joins folded base64 of LDIF. Binary descriptors and rows are parsed; a
// wrong one has its Err set and does not end the file. Any other line, such as SDDL, stays unparsed in Text. A line
// over 4 MiB is an error; the lines before it are returned too. The file is UTF-8, or UTF-16 with a byte order mark.
func Lines(file []byte) ([]Line, error) {
	file, err := utf16text.UTF8(file)
	if err != nil {
		return nil, err
	}
	sc := bufio.NewScanner(bytes.NewReader(file))
	sc.Buffer(nil, maxLine)
	var out []Line
	n := 1
	for ; sc.Scan(); n++ {
		text := strings.TrimSpace(sc.Text())
		switch {
		case text == "" || text[0] == '#' || screen.IsPrompt(text) || jsonl.IsEnd([]byte(text)):
		case text[0] == '{':
			l := row(text)
			l.Number = n
			out = append(out, l)
		case folded(sc.Text(), out):
			out[len(out)-1].Text += text
		default:
			out = append(out, Line{Number: n, Text: text})
		}
	}
	for i := range out {
		if bytes := objects.Unfold(out[i].Text); inBytes(bytes) {
			out[i].Text = ""
			out[i].Descriptor, out[i].Err = objects.ParseDescriptor(bytes, sid.SID{})
		}
	}
	return out, strict.LineError(sc.Err(), n, maxLine)
}

// IsLDIF reports whether lines are those of an LDIF file: the first one names an entry or the version (RFC 2849).
func IsLDIF(lines []Line) bool {
	if len(lines) == 0 {
		return false
	}
	name, _, _ := strings.Cut(lines[0].Text, ":")
	return strings.EqualFold(name, "dn") || strings.EqualFold(name, "version")
}

// inBytes reports whether a text is a descriptor in hexadecimal digits or base64 (B-58).
func inBytes(text string) bool {
	f := objects.FormOf([]byte(text))
	return f == objects.FormHex || f == objects.FormBase64
}

// folded reports whether a line continues the base64 of the line before it, as in LDIF.
func folded(line string, before []Line) bool {
	return strings.HasPrefix(line, " ") && len(before) > 0 &&
		strings.HasPrefix(strings.ToLower(before[len(before)-1].Text), "ntsecuritydescriptor::")
}

var rowFields = strict.Layout{"sd", "sdHex", "sdBase64", "path", "type", "sid"}

// row parses a row of an objects file. SDDL is stored unparsed in Text, and bytes are decoded into Descriptor. A
// malformed row has Err set, and perhaps Path. Err is also set for an unknown type, and unless exactly one of sd,
// sdHex and sdBase64 is present.
func row(text string) (l Line) {
	var slots [6][]byte
	if l.Err = rowFields.Scan(slots[:], []byte(text)); l.Err != nil {
		return l
	}
	var texts [6]string
	given := 0
	for i, v := range slots {
		if v == nil || v[0] == 'n' {
			continue
		}
		text, ok := strict.Unquote(nil, v)
		if !ok {
			l.Err = fmt.Errorf("%s: want a string, found %s", rowFields[i], strict.Clip(v))
			return l
		}
		if texts[i] = string(text); i < 3 && len(text) > 0 {
			given++
		}
	}
	l.Path = texts[3]
	if texts[4] != "" { // the type in the row overrides the default (B-93)
		if l.Type = winnt.ObjectTypeByName(texts[4]); l.Type == nil {
			l.Err = fmt.Errorf("%q is not an object type", strict.Clip(texts[4]))
			return l
		}
	}
	switch given {
	case 0:
		l.Err = errors.New("the row has no sd, sdHex or sdBase64")
		return l
	case 1:
	default:
		l.Err = errors.New("the row has more than one of sd, sdHex, sdBase64")
		return l
	}
	if l.Text = texts[0]; l.Text != "" {
		return l
	}
	var b []byte
	if texts[1] != "" {
		b, l.Err = hex.DecodeString(texts[1])
	} else {
		b, l.Err = base64.StdEncoding.DecodeString(texts[2])
	}
	if l.Err == nil {
		l.Descriptor, l.Err = sd.Decode(b)
	}
	return l
}
