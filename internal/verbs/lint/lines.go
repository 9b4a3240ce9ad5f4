package lint

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/refmon/refmon/sd"
)

// maxLine is the longest line of a file: a descriptor of the largest size, in
// hexadecimal digits, with room to spare.
const maxLine = 4 << 20

// Line is one line of a file of descriptors: SDDL, or a row of an objects file
// ({"path":…,"sd":…}). Text is SDDL, or else Descriptor is what the bytes hold.
type Line struct {
	Number     int // from 1
	Path       string
	Text       string
	Descriptor *sd.Descriptor
	Err        error // the line holds neither
}

// IsText reports whether an argument is SDDL rather than the name of a file.
func IsText(arg string) bool {
	arg = strings.TrimLeft(arg, " \t")
	return len(arg) >= 2 && arg[1] == ':' && strings.ContainsRune("OGDS", rune(arg[0])) && !strings.ContainsAny(arg[2:min(3, len(arg))], `\/`)
}

// Lines reads a file of descriptors, one a line. Empty lines and those that
// start with # are passed over.
func Lines(file []byte) ([]Line, error) {
	sc := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(file, []byte("\xef\xbb\xbf"))))
	sc.Buffer(nil, maxLine)
	var out []Line
	for n := 1; sc.Scan(); n++ {
		text := strings.TrimSpace(sc.Text())
		switch {
		case text == "" || text[0] == '#':
		case text[0] == '{':
			l := row(text)
			l.Number = n
			out = append(out, l)
		default:
			out = append(out, Line{Number: n, Text: text})
		}
	}
	if err := sc.Err(); err != nil {
		return out, fmt.Errorf("after %d lines: %w", len(out), err)
	}
	return out, nil
}

// row reads a row of an objects file.
func row(text string) (l Line) {
	var r struct {
		Path   string `json:"path"`
		SD     string `json:"sd"`
		Hex    string `json:"sdHex"`
		Base64 string `json:"sdBase64"`
	}
	if l.Err = json.Unmarshal([]byte(text), &r); l.Err != nil {
		return l
	}
	l.Path = r.Path
	var b []byte
	switch {
	case r.SD != "":
		l.Text = r.SD
		return l
	case r.Hex != "":
		b, l.Err = hex.DecodeString(r.Hex)
	case r.Base64 != "":
		b, l.Err = base64.StdEncoding.DecodeString(r.Base64)
	default:
		l.Err = fmt.Errorf("the row has none of sd, sdHex, sdBase64")
	}
	if l.Err == nil {
		l.Descriptor, l.Err = sd.Decode(b)
	}
	return l
}
