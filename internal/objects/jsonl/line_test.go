package jsonl

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
)

// The fast parser accepts the usual lines and leaves the rest. On lines that it accepts both parsers agree.
func TestFastParserAgreesWithStrictParser(t *testing.T) {
	accepted := []string{`{"path":"/a","sd":"D:"}`, `{"sd":"D:","path":"/a"}`,
		`{"path":"/a","sdHex":"01","type":"file"}`, `{"type":"directory","path":"","sdBase64":"AQ=="}`,
		`{"type":"key","path":"a b","sd":"O:SYG:SYD:(A;;FA;;;SY)"}`,
		"{\"path\":\"/a\x7f\",\"sd\":\"D:\"}"}
	left := []string{`{"path":"/a","sd":"D:","sd":"D:P"}`, `{"path":"/a","path":"/b","sd":"D:"}`,
		`{"path":"/a","sd":"D:","type":"file","type":"file"}`, `{"path":"/a","sd":"D:","sdHex":"01"}`,
		`{"path":"/a","sd":""}`, `{"path":"/a"}`, `{"sd":"D:"}`, `{"path":"/a","sd":"D:","type":"x"}`,
		`{"path":"/é","sd":"D:"}`, `{"path":"/\u0061","sd":"D:"}`, `{ "path":"/a","sd":"D:"}`,
		`{"path":"/a","sd":"D:"} `,
		`{"path" :"/a","sd":"D:"}`, `{"path":"/a","sd":"D:","sid":"S-1-1-0"}`, `{"path":"/a","sd":"D:",}`,
		`{"path":"/a""sd":"D:"}`, `{"path":"/a","sd":null}`, `{}`, `{`, ``, `{"path":"/a","sd":"D:"`,
		`{"path":"/a";"sd":"D:"}`, "{\"path\":\"/a\tb\",\"sd\":\"D:\"}", `{"path":7,"sd":"D:"}`,
		`["path","sd"]`, `{"path"}`,
		`{"path":}`, `{"path}`, `{path":"/a","sd":"D:"}`, `{"path":"","path":"/b","sd":"D:"}`,
		`{"path":"/a","note":"x","sd":"D:"}`}
	for i, line := range slices.Concat(accepted, left) {
		var fast, slow object
		took := fast.fast([]byte(line))
		check.Equal(t, took, i < len(accepted), "%s: accepted by the fast parser", line)
		if took {
			slow.slow([]byte(line), 1)
			slow.Quoted = slices.Concat([]byte(`"`), slow.Path, []byte(`"`))
			check.DeepEqual(t, fast, slow, "object of %s, compared with that of the strict parser", line)
		}
	}
	for _, n := range []int{0, 1, 7, 8, 9, 15, 16, 17} { // eight at a time, and a rest
		for at := range n {
			for c := range 256 {
				b := bytes.Repeat([]byte{'x'}, n)
				b[at] = byte(c)
				if got, want := plainASCII(b), c >= ' ' && c < 0x80 && c != '\\'; got != want {
					t.Fatalf("byte %#x at %d of %d: plain %t, want %t", c, at, n, got, want)
				}
			}
		}
	}
}

// TestLinesBecomeObjects checks that an object has the fields of its line, and none of the previous line. An ambiguous
// line, or one that is not an object, is unreadable, and its error names the field.
func TestLinesBecomeObjects(t *testing.T) {
	const row = `{"path":"/a","type":"file","sd":"D:"}` + "\n"
	for text, want := range map[string]string{
		"\ufeff" + row + "\r\n\n" + `{"path":"/b","sdHex":"01"}` + "\r\n": "1 /a File 1 D: -\n4 /b - 2 01 -",
		row + ` {"path":"/b","sd":"","sdBase64":"AQ==","type":null}`:      "1 /a File 1 D: -\n2 /b - 3 AQ== -",
		row + `{"path":"/b","sd":"D:","sid":"S-1-1-0"}`:                   "1 /a File 1 D: -\n2 /b - 1 D: S-1-1-0",
		row + "\ufeff": "1 /a File 1 D: -\n2  line 2: byte 0: want an object, found '\\ufeff'",

		`{"end":7}` + "\n" + `{"end":}`:                     "2  line 2: byte 7: want a value, found '}'",
		`{"path":"","sd":"D:","sid":null}`:                  "1  - 1 D: -",
		`{"path":"a","sd":"D:","sd":"D:P"}`:                 `1 a line 1: byte 22: field "sd" occurs twice`,
		`{"path":"a","path":"b","sd":"D:"}`:                 `1 a line 1: byte 12: field "path" occurs twice`,
		`{"path":"a","sd":"D:","type":"file","type":""}`:    `1 a line 1: byte 36: field "type" occurs twice`,
		`{"path":"a","SD":"D:"}`:                            `1 a line 1: byte 12: unknown field "SD": write it "sd"`,
		`{"path":"a","sd":"D:","sdHex":"01"}`:               "1 a line 1: more than one of sd, sdHex and sdBase64",
		`{"path":"a","sd":"","sdHex":""}`:                   "1 a line 1: no descriptor: give sd, sdHex or sdBase64",
		`{"path":"a","sd":""}`:                              "1 a line 1: no descriptor: give sd, sdHex or sdBase64",
		`{"path":"a"}`:                                      "1 a line 1: no descriptor: give sd, sdHex or sdBase64",
		`{"path":1,"sd":"D:"}`:                              "1  line 1: path: want a string, found 1",
		`{"sd":"D:"}`:                                       "1  line 1: the path is missing",
		`{"path":"a","sd":"D:"} {}`:                         "1 a line 1: byte 23: '{' after the end of the value",
		`{"path":"a","note":` + strings.Repeat("[", 200000): "1 a line 1: byte 82: nested more than 64 deep",
		`{"path":"a","sd":"D:","type":""}`:                  `1 a line 1: "" is not an object type`,
		`{"path":"a","sd":"D:","\u0073d":"D:P"}`: `1 a line 1: byte 22: unknown field "\\u0073d": known are path, ` +
			`sd, sdBase64, sdHex, sid, type`,
		`{"path":"a","sd":"D:","sid":"x"}`: `1 a line 1: sid: SID "x": at byte 0: want S-1-… or a two-letter alias`,
	} {
		var got []string
		err := read(Lines(strings.NewReader(text), 0, 0), func(o *objects.Object) {
			typ, who := "-", "-"
			if o.Type != nil {
				typ = o.Type.Name
			}
			if o.Entry != nil {
				who = o.Entry.SID.String()
			}
			content := fmt.Sprintf("%s %d %s %s", typ, o.Form, o.SD, who)
			if o.Err != nil {
				content = o.Err.Error()
			}
			got = append(got, fmt.Sprintf("%d %s %s", o.Line, o.Path, content))
		})
		check.Equal(t, err, io.EOF, "error after %.80q", text)
		check.Equal(t, strings.Join(got, "\n"), want, "objects of %.80q", text)
	}
}
