package jsonl

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// The fast parser accepts the usual lines and leaves the rest. On lines that it accepts both parsers agree.
func TestFastParserAgreesWithStrictParser(t *testing.T) {
	// path, type, form and descriptor of the quick reader; "" where it leaves the line
	for line, want := range map[string]string{
		`{"path":"/a","sd":"D:"}`:                                   `/a "/a" <nil> 1 D:`,
		`{"sd":"D:","path":"/a"}`:                                   `/a "/a" <nil> 1 D:`,
		`{"path":"/a","sdHex":"01","type":"file"}`:                  `/a "/a" file 2 01`,
		`{"type":"directory","path":"","sdBase64":"AQ=="}`:          ` "" directory 3 AQ==`,
		`{"type":"key","path":"a b","sd":"O:SYG:SYD:(A;;FA;;;SY)"}`: `a b "a b" key 1 O:SYG:SYD:(A;;FA;;;SY)`,
		`{"path":"/a","sd":"D:","sd":"D:P"}`:                        "", `{"path":"/a","path":"/b","sd":"D:"}`: "",
		`{"path":"/a","sd":"D:","type":"file","type":"file"}`: "", `{"path":"/a","sd":"D:","sdHex":"01"}`: "",
		`{"path":"/a","sd":""}`: "", `{"path":"/a"}`: "", `{"sd":"D:"}`: "", `{"path":"/a","sd":"D:","type":"x"}`: "",
		`{"path":"/é","sd":"D:"}`: "", `{"path":"/\u0061","sd":"D:"}`: "", `{ "path":"/a","sd":"D:"}`: "",
		`{"path":"/a","sd":"D:"} `: "", `{"path" :"/a","sd":"D:"}`: "", `{"path":"/a","sd":"D:","sid":"S-1-1-0"}`: "",
		`{"path":"/a","sd":"D:",}`: "", `{"path":"/a""sd":"D:"}`: "", `{"path":"/a","sd":null}`: "", `{}`: "", `{`: "",
		``:                       "",
		`{"path":"/a","sd":"D:"`: "", `{"path":"/a;"sd":"D:"}`: "", "{\"path\":\"/a\tb\",\"sd\":\"D:\"}": "",
		"{\"path\":\"/a\x7f\",\"sd\":\"D:\"}": "/a\x7f \"/a\x7f\" <nil> 1 D:", `{"path":7,"sd":"D:"}`: "",
		`["path","sd"]`: "",
	} {
		text := func(o *object) string {
			typ := "<nil>"
			if o.Type != nil {
				typ = objects.TypeName(o.Type)
			}
			return fmt.Sprintf("%s %s %s %d %s", o.Path, o.Quoted, typ, o.Form, o.SD)
		}
		var fast, slow object
		took := fast.fast([]byte(line))
		if got := text(&fast); took != (want != "") || took && got != want {
			t.Errorf("%s: taken %t as %s, want %s", line, took, got, want)
		}
		slow.slow([]byte(line), 1)
		if took && (slow.Err != nil || string(slow.Path) != string(fast.Path) || slow.Type != fast.Type ||
			slow.Form != fast.Form || string(slow.SD) != string(fast.SD)) {
			t.Errorf("%s: the other reader has %s, %v", line, text(&slow), slow.Err)
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

// first returns the first object of a text.
func first(t *testing.T, text string) (item objects.Item, err error) {
	t.Helper()
	err = objects.All(context.Background(), Lines(strings.NewReader(text), 0, 0), sid.SID{}, winnt.FileObject,
		func(i objects.Item) bool {
			item = i
			return false
		})
	return item, err
}

// TestAmbiguousLineIsUnreadable: a line that could mean two things is unreadable, and says which field.
func TestAmbiguousLineIsUnreadable(t *testing.T) {
	for line, want := range map[string]string{
		`{"path":"a","sd":"O:SYG:SYD:","sd":"O:SYG:SY"}`:         `line 1: byte 30: field "sd" is there twice`,
		`{"path":"a","sd":"O:SYG:SYD:","\u0073d":"O:SYG:SY"}`:    "unknown field",
		`{"path":"a","path":"b","sd":"O:SYG:SYD:"}`:              `field "path" is there twice`,
		`{"path":"a","SD":"O:SYG:SYD:"}`:                         `unknown field "SD": write it "sd"`,
		`{"path":"a","sd":"O:SYG:SYD:","sdHex":"01"}`:            "more than one of",
		`{"path":"a","sd":"","sdHex":""}`:                        "no descriptor",
		`{"path":"a","sd":""}`:                                   "no descriptor",
		`{"path":"a"}`:                                           "no descriptor",
		`{"path":1,"sd":"O:SYG:SYD:"}`:                           "path: want a string",
		`{"sd":"O:SYG:SYD:"}`:                                    "the path is missing",
		`{"path":"a","sd":"O:SYG:SYD:"} {}`:                      "after the end of the value",
		`{"path":"a","note":` + strings.Repeat("[", 200000):      "nested more than 64 deep",
		`{"path":"a","sd":"O:SYG:SYD:","type":"file","type":""}`: `field "type" is there twice`,
	} {
		if i, err := first(t, line+"\n"); err != nil || i.Err == nil || !strings.Contains(i.Err.Error(), want) {
			t.Errorf("%.80s: %v, %v, want %s", line, i.Err, err, want)
		}
	}
}
