package objects_test

import (
	"context"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/verbs/bulk/objects"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// first reads the first object of a file.
func first(t *testing.T, name, text string) (item objects.Item, err error) {
	t.Helper()
	s, err := objects.Open(name, strings.NewReader(text))
	if err != nil {
		return item, err
	}
	err = objects.All(context.Background(), s, sid.SID{}, winnt.FileObject, func(i objects.Item) bool {
		item = i
		return false
	})
	return item, err
}

// TestLinesRefused: a line that could mean two things is unreadable, and says which field.
func TestLinesRefused(t *testing.T) {
	for line, want := range map[string]string{
		`{"path":"a","sd":"O:SYG:SYD:","sd":"O:SYG:SY"}`:         `line 1: byte 30: field "sd" is there twice`,
		`{"path":"a","sd":"O:SYG:SYD:","\u0073d":"O:SYG:SY"}`:    "unknown field",
		`{"path":"a","path":"b","sd":"O:SYG:SYD:"}`:              `field "path" is there twice`,
		`{"path":"a","SD":"O:SYG:SYD:"}`:                         `unknown field "SD": write it "sd"`,
		`{"path":"a","sd":"O:SYG:SYD:","sdHex":"01"}`:            "more than one of",
		`{"path":"a","sd":"","sdHex":""}`:                        "there is no descriptor",
		`{"path":"a","sd":""}`:                                   "there is no descriptor",
		`{"path":"a"}`:                                           "there is no descriptor",
		`{"path":1,"sd":"O:SYG:SYD:"}`:                           "path: want a string",
		`{"sd":"O:SYG:SYD:"}`:                                    "there is no path",
		`{"path":"a","sd":"O:SYG:SYD:"} {}`:                      "after the end of the value",
		`{"path":"a","note":` + strings.Repeat("[", 200000):      "nested more than 64 deep",
		`{"path":"a","sd":"O:SYG:SYD:","type":"file","type":""}`: `field "type" is there twice`,
	} {
		if i, err := first(t, "a.jsonl", line+"\n"); err != nil || i.Err == nil || !strings.Contains(i.Err.Error(), want) {
			t.Errorf("%.80s: %v, %v, want %s", line, i.Err, err, want)
		}
	}
}

// TestHeading: PowerShell 5.1 writes a UTF-8 mark and quotes every heading; a column that is there twice is refused.
func TestHeading(t *testing.T) {
	i, err := first(t, "a.csv", "\ufeff\"Path\",\"Sddl\"\r\n\"C:\\a\",\"O:SYG:SYD:\"\r\n")
	if err != nil || i.Err != nil || i.Path != `C:\a` {
		t.Errorf("%+v, %v", i, err)
	}
	for heading, want := range map[string]string{
		"Path,Sddl,path\na,O:SYG:SYD:,b\n": "column path is there twice",
		"Path,Sddl,sd\na,O:SYG:SYD:,D:\n":  "columns Sddl and sd both",
	} {
		if _, err := first(t, "a.csv", heading); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", heading, err, want)
		}
	}
}
