package expect

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/verbs/batch"
	"github.com/refmon/refmon/internal/verbs/bulk/objects"
	"github.com/refmon/refmon/internal/verbs/bulk/people"
)

// company has two users, and a group that one of them is in.
const company = `
domain: S-1-5-21-7-7-7
users:
  - {name: ann, sid: S-1-5-21-7-7-7-1101, memberOf: [staff]}
  - {name: bob, sid: S-1-5-21-7-7-7-1102}
  - {name: eve, sid: S-1-5-21-7-7-7-1103, disabled: true}
groups:
  - {name: staff, sid: S-1-5-21-7-7-7-2101}
`

// rows are objects of an objects file, and paths those of the machine.
const (
	rows = `{"path":"/o/a","sd":"O:SYG:SYD:(A;;FR;;;S-1-5-21-7-7-7-2101)"}
{"path":"/o/key","sd":"O:SYG:SYD:(A;;KR;;;DU)","type":"key"}
{"path":"/o/none","sd":"O:SYG:SY"}
{"path":"/o/self","sd":"O:SYG:SYD:(A;;FR;;;PS)","sid":"S-1-5-21-7-7-7-1101"}
`
	paths = `{"path":"/p/a","sd":"O:SYG:SYD:(A;;FR;;;S-1-5-21-7-7-7-1102)"}
`
)

// everything is all that a file may name outside of itself.
func everything(t *testing.T) Outside {
	return Outside{
		Open: func(name string) ([]byte, error) {
			if name == "tok.json" {
				return []byte("\xef\xbb\xbf" + `{"user":"S-1-5-21-7-7-7-1109"}`), nil
			}
			return nil, errors.New("no such token")
		},
		Directory: func(names []string) (*people.Directory, error) {
			if !slices.Equal(names, []string{"d1", "d2"}) && !slices.Equal(names, []string{"d1"}) {
				return nil, fmt.Errorf("no directory %v", names)
			}
			return people.Read([]byte(company))
		},
		Objects: func(name string) (objects.Source, error) {
			switch name {
			case "rows":
				return objects.Lines(strings.NewReader(rows), 0, 0), nil
			case "broken":
				return objects.Lines(strings.NewReader("{"), 0, 0), nil
			}
			return nil, errors.New("no such rows")
		},
		Paths: func(names []string) (objects.Source, error) {
			if !slices.Equal(names, []string{"/p", "/q"}) {
				return nil, fmt.Errorf("no paths %v", names)
			}
			return objects.Lines(strings.NewReader(paths), 0, 0), nil
		},
	}
}

// TestOutside: a file asks about users of a directory, objects of a file and of the machine; what it
// says itself comes first: its own domain, its own principals, its own SELF (U-110, U-112).
func TestOutside(t *testing.T) {
	f, err := Parse([]byte(`
directory: [d1, d2]
objects: [rows]
paths: [/p, /q]
principals: {eve: tok.json, w: {user: S-1-5-21-7-7-7-1101, groups: [DU]}}
expect:
  - {who: [ann, bob], on: [/o/a, /p/a], want: FR, is: granted}
  - {who: w, on: /o/key, want: KR, is: granted}
  - {who: eve, on: /o/none, want: FR, is: granted}
  - {who: [ann, bob], on: /o/self, want: FR, is: granted}
  - {who: [ann, bob], on: /o/self, want: FR, is: granted, self: S-1-5-21-7-7-7-1102}
`), everything(t))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range f.Run(time.Now).Cases {
		got = append(got, fmt.Sprintf("%s %s %t %s %s", c.Who, c.On, c.Granted, c.By, c.Note))
	}
	want := []string{
		"ann /o/a true  ",
		"bob /o/a false denied FILE_READ_DATA|FILE_READ_EA|FILE_READ_ATTRIBUTES|READ_CONTROL|SYNCHRONIZE by NoAce ",
		"ann /p/a false denied FILE_READ_DATA|FILE_READ_EA|FILE_READ_ATTRIBUTES|READ_CONTROL|SYNCHRONIZE by NoAce ",
		"bob /p/a true  ",
		"w /o/key true  ",
		"eve /o/none true  " + batch.NoDACL,
		"ann /o/self true  ",
		"bob /o/self false denied FILE_READ_DATA|FILE_READ_EA|FILE_READ_ATTRIBUTES|READ_CONTROL|SYNCHRONIZE by NoAce ",
		"ann /o/self false denied FILE_READ_DATA|FILE_READ_EA|FILE_READ_ATTRIBUTES|READ_CONTROL|SYNCHRONIZE by NoAce ",
		"bob /o/self true  ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestDomains: relative names count from the file's domain, and from the directory's only where the
// file has none; a token that is written out may have its own.
func TestDomains(t *testing.T) {
	const cases = `
directory: d1
principals:
  plain: {user: DA}
  own: {domain: S-1-5-21-8-8-8, user: DA}
descriptors: {da: 'O:SYG:SYD:(A;;FR;;;DA)'}
expect:
  - {who: [plain, own], on: da, want: FR, is: granted}
`
	for head, want := range map[string]string{"": "true false", "domain: S-1-5-21-8-8-8": "true true",
		"domain: S-1-5-21-9-9-9": "true false"} {
		f, err := Parse([]byte(head+cases), everything(t))
		if err != nil {
			t.Fatal(head, err)
		}
		r := f.Run(time.Now)
		if got := fmt.Sprint(r.Cases[0].Granted, " ", r.Cases[1].Granted); got != want {
			t.Errorf("%q: %s, want %s", head, got, want)
		}
	}
}

// TestWhoseEntry: an entry that decided is told with the name that the directory has for its SID, and
// without one where it has no name (U-113).
func TestWhoseEntry(t *testing.T) {
	f, err := Parse([]byte(`
directory: [d1]
descriptors:
  named: O:SYG:SYD:(A;;CC;;;S-1-5-21-7-7-7-2101)
  known: O:SYG:SYD:(A;;CC;;;WD)
  stranger: O:SYG:SYD:(A;;CC;;;S-1-5-21-1-1-1-1)
expect:
  - {who: ann, on: [named, known], want: 1, is: denied}
  - {who: S-1-5-21-1-1-1-1, on: stranger, want: 1, is: denied}
`), everything(t))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"granted FILE_READ_DATA by DACL 0 (A;;CC;;;S-1-5-21-7-7-7-2101) staff",
		"granted FILE_READ_DATA by DACL 0 (A;;CC;;;WD) Everyone",
		"granted FILE_READ_DATA by DACL 0 (A;;CC;;;S-1-5-21-1-1-1-1)"}
	for i, c := range f.Run(time.Now).Cases {
		if c.By != want[i] || c.Problem != "granted, expected denied" {
			t.Errorf("%s on %s: %q, %q, want %q", c.Who, c.On, c.Problem, c.By, want[i])
		}
	}
}

// TestNothingOutside: what a file names and may not, or cannot be read, is refused where it stands.
func TestNothingOutside(t *testing.T) {
	const may = "this file may name nothing outside of it"
	all := everything(t)
	for _, c := range []struct {
		text, want string
		out        Outside
	}{
		{"directory: d1", "line 1: directory: " + may, Outside{Open: noFiles}},
		{"objects: rows", "line 1: objects: " + may, Outside{Open: noFiles}},
		{"paths: /p", "line 1: paths: " + may, Outside{Open: noFiles}},
		{"domain: S-1-5-21-1-2-3\ndirectory: [d1, d3]", "line 2: directory: no directory [d1 d3]", all},
		{"domain: S-1-5-21-1-2-3\nobjects: [rows, x]", "line 2: objects: no such rows", all},
		{"domain: S-1-5-21-1-2-3\nobjects: [rows, {a: b}]", "line 2: objects[1]: want text", all},
		{"domain: S-1-5-21-1-2-3\npaths: /p", "line 2: paths: no paths [/p]", all},
		{"paths: {a: b}", "line 1: paths: want text", all},
		{"directory: {a: b}", "line 1: directory: want text", all},
		{"principals: {a: b.json}", "line 1: principals.a: no such token", all},
		{"directory: d1\ndescriptors: {d: 'D:'}\nexpect: [{who: zed, on: d, want: 1, is: denied}]", "zed", all},
		{"directory: d1\ndescriptors: {d: 'D:'}\nexpect: [{who: eve, on: d, want: 1, is: denied}]",
			`line 3: expect[0].who: "eve" is disabled and cannot log on`, all},
	} {
		_, err := Parse([]byte(c.text), c.out)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) || strings.HasPrefix(c.want, "line") &&
			err.Error() != c.want {
			t.Errorf("%q: %v, want %s", c.text, err, c.want)
		}
	}
}

// TestObjectsHaveABound: a file is about so many objects and not about one more.
func TestObjectsHaveABound(t *testing.T) {
	for room, want := range map[int]bool{1: true, 0: false} {
		f := &File{objects: make([]*Descriptor, maxObjects-room, maxObjects)}
		err := f.gather(objects.Lines(strings.NewReader(paths), 0, 0))
		if (err == nil) != want || len(f.objects) != maxObjects {
			t.Errorf("room for %d: %v, %d objects", room, err, len(f.objects))
		}
		if err != nil && err.Error() != "there are more than 1048576 objects" {
			t.Error(err)
		}
	}
}

// TestLargestFile: a file of the largest size is read, and one of a byte more is not.
func TestLargestFile(t *testing.T) {
	const text = "principals: {u: {user: SY}}\ndescriptors: {d: 'D:'}\n" +
		"expect: [{who: u, on: d, want: 1, is: denied}]\n"
	largest := text + strings.Repeat(strings.Repeat("#", 1023)+"\n", MaxFile/1024)
	if _, err := Parse([]byte(largest[:MaxFile]), Outside{Open: noFiles}); err != nil {
		t.Error(err)
	}
	if _, err := Parse([]byte(largest[:MaxFile+1]), Outside{Open: noFiles}); err == nil ||
		err.Error() != "longer than 4194304 bytes" {
		t.Error(err)
	}
}

// TestNotesOfObjects: what a source tells about an object stands beside each answer about it, the note
// that the run finds by itself once.
func TestNotesOfObjects(t *testing.T) {
	source := func(string) (objects.Source, error) {
		return &noted{{Path: []byte("/stale"), SD: []byte("O:SYG:SYD:(A;;FR;;;WD)"), Form: objects.FormSDDL,
			Note: objects.NoteStale}, {Path: []byte("/plain"), SD: []byte("O:SYG:SYD:(A;;FR;;;WD)"), Form: objects.FormSDDL},
			{Path: []byte("/none"), SD: []byte("O:SYG:SY"), Form: objects.FormSDDL}}, nil
	}
	f, err := Parse([]byte("principals: {u: {user: SY, groups: [WD]}}\nobjects: x\n"+
		"expect: [{who: u, on: [/stale, /plain, /none], want: FR, is: granted}]"), Outside{Open: noFiles, Objects: source})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{objects.NoteStale.String(), "", batch.NoDACL} {
		if c := f.Run(time.Now).Cases[i]; c.Note != want || c.Problem != "" {
			t.Errorf("%s: %q, %q, want %q", c.On, c.Note, c.Problem, want)
		}
	}
	broken := func(string) (objects.Source, error) { return noSource{}, nil }
	_, err = Parse([]byte("domain: S-1-5-21-1-2-3\nobjects: [x]"), Outside{Open: noFiles, Objects: broken})
	if err == nil || err.Error() != "line 2: objects: x: broken" {
		t.Error(err)
	}
}

// noSource is a source that cannot be read.
type noSource struct{}

// Next fails.
func (noSource) Next(*objects.Batch) error { return errors.New("broken") }

// noted is a source of objects that are given.
type noted []objects.Object

// Next adds all of them.
func (n *noted) Next(b *objects.Batch) error {
	if len(*n) == 0 {
		return io.EOF
	}
	for _, o := range *n {
		b.Add(o)
	}
	*n = nil
	return nil
}
