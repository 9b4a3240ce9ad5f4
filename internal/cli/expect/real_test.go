package expect

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/jsonl"
	"github.com/refmon/refmon/internal/test/check"
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

// rows are objects of an objects file, paths are files of the machine.
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
		Directory: func(names []string) (*directory.Directory, error) {
			if !slices.Equal(names, []string{"d1", "d2"}) && !slices.Equal(names, []string{"d1"}) {
				return nil, fmt.Errorf("no directory %v", names)
			}
			return dirfile.Read([]byte(company))
		},
		Objects: func(name string) (objects.Source, error) {
			switch name {
			case "rows":
				return jsonl.Lines(strings.NewReader(rows), 0, 0), nil
			case "broken":
				return jsonl.Lines(strings.NewReader("{"), 0, 0), nil
			}
			return nil, errors.New("no such rows")
		},
		Paths: func(names []string) (objects.Source, error) {
			if !slices.Equal(names, []string{"/p", "/q"}) {
				return nil, fmt.Errorf("no paths %v", names)
			}
			return jsonl.Lines(strings.NewReader(paths), 0, 0), nil
		},
	}
}

// A file can refer to users of a directory and to objects of a file and of the machine. Its own domain, principals
// and SELF come first (U-110, U-112).
func TestFileRefersToDirectoryAndObjects(t *testing.T) {
	r := run(t, everything(t), `
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
`)
	var got []string
	for _, c := range r.Cases {
		got = append(got, fmt.Sprintf("%s %s %t %s %s", c.Who, c.On, c.Granted, c.By, c.Note))
	}
	want := []string{
		"ann /o/a true  ",
		"bob /o/a false denied FILE_READ_DATA|FILE_READ_EA|FILE_READ_ATTRIBUTES|READ_CONTROL|SYNCHRONIZE by NoAce ",
		"ann /p/a false denied FILE_READ_DATA|FILE_READ_EA|FILE_READ_ATTRIBUTES|READ_CONTROL|SYNCHRONIZE by NoAce ",
		"bob /p/a true  ",
		"w /o/key true  ",
		"eve /o/none true  " + accessquery.NoDACL,
		"ann /o/self true  ",
		"bob /o/self false denied FILE_READ_DATA|FILE_READ_EA|FILE_READ_ATTRIBUTES|READ_CONTROL|SYNCHRONIZE by NoAce ",
		"ann /o/self false denied FILE_READ_DATA|FILE_READ_EA|FILE_READ_ATTRIBUTES|READ_CONTROL|SYNCHRONIZE by NoAce ",
		"bob /o/self true  ",
	}
	check.Equal(t, strings.Join(got, "\n"), strings.Join(want, "\n"), "cases")
}

// Relative names refer to the file's domain, or to the directory's if the file has none. An inline token may have its
// own domain.
func TestRelativeNamesUseFilesDomain(t *testing.T) {
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
		r := run(t, everything(t), head+cases)
		check.Equal(t, fmt.Sprint(r.Cases[0].Granted, " ", r.Cases[1].Granted), want, "%q", head)
	}
}

// A forbidden or unreadable reference is an error with its line.
func TestOutsideReferencesAreRefused(t *testing.T) {
	const may = "this file may not refer to other files"
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
		check.That(t, errors.As(err, &e) && strings.Contains(err.Error(), c.want) &&
			(!strings.HasPrefix(c.want, "line") || err.Error() == c.want), "%q: %v, want %s", c.text, err, c.want)
	}
}

// TestObjectsAreLimited checks the maximum number of objects in a file.
func TestObjectsAreLimited(t *testing.T) {
	for room, want := range map[int]bool{1: true, 0: false} {
		f := &File{objects: make([]*Descriptor, maxObjects-room, maxObjects)}
		err := f.gather(jsonl.Lines(strings.NewReader(paths), 0, 0))
		check.That(t, (err == nil) == want && len(f.objects) == maxObjects,
			"room for %d more objects: %v with %d objects, want accepted: %v", room, err, len(f.objects), want)
		check.That(t, err == nil || err.Error() == "there are more than 1048576 objects", "%v", err)
	}
}

// The notes of a source appear with each answer about the object; a note of the run itself appears once.
func TestSourceNotesAppearWithTheirObject(t *testing.T) {
	source := func(string) (objects.Source, error) {
		return &noted{{Path: []byte("/stale"), SD: []byte("O:SYG:SYD:(A;;FR;;;WD)"), Form: objects.FormSDDL,
			Note: objects.NoteStale}, {Path: []byte("/plain"), SD: []byte("O:SYG:SYD:(A;;FR;;;WD)"), Form: objects.FormSDDL},
			{Path: []byte("/none"), SD: []byte("O:SYG:SY"), Form: objects.FormSDDL}}, nil
	}
	r := run(t, Outside{Open: noFiles, Objects: source}, "principals: {u: {user: SY, groups: [WD]}}\nobjects: x\n"+
		"expect: [{who: u, on: [/stale, /plain, /none], want: FR, is: granted}]")
	check.Equal(t, r.Failed, 0, "failed cases")
	for i, want := range []string{objects.NoteStale.String(), "", accessquery.NoDACL} {
		check.Equal(t, r.Cases[i].Note, want, "note of %s", r.Cases[i].On)
	}
	broken := func(string) (objects.Source, error) { return noSource{}, nil }
	_, err := Parse([]byte("domain: S-1-5-21-1-2-3\nobjects: [x]"), Outside{Open: noFiles, Objects: broken})
	check.That(t, err != nil && err.Error() == "line 2: objects: x: broken", "%v", err)
	paths := func([]string) (objects.Source, error) { return noSource{}, nil }
	_, err = Parse([]byte("domain: S-1-5-21-1-2-3\npaths: [x]"), Outside{Open: noFiles, Paths: paths})
	check.That(t, err != nil && err.Error() == "line 2: paths: broken", "%v", err)
}

// noSource is a source that cannot be read.
type noSource struct{}

// Next fails.
func (noSource) Next(*objects.Batch) error { return errors.New("broken") }

// noted is a source of given objects.
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

// A name is first that of a descriptor, then a path, then a glob. A glob applies to each matching object. For an
// unreadable object every expectation fails (U-112).
func TestNameIsDescriptorThenPathThenGlob(t *testing.T) {
	const open, shut = "O:SYG:SYD:(A;;FR;;;WD)", "O:SYG:SYD:(A;;FR;;;SY)"
	var rows string
	for _, o := range [][2]string{{"/x", shut}, {"/t/a", open}, {"/t/b", shut}, {"/t/[a]", shut}, {"/bad", "("}} {
		rows += fmt.Sprintf(`{"path":%q,"sd":%q}`+"\n", o[0], o[1])
	}
	source := func(string) (objects.Source, error) { return jsonl.Lines(strings.NewReader(rows), 0, 0), nil }
	r := run(t, Outside{Open: noFiles, Objects: source}, `
principals: {u: {user: S-1-5-21-1-2-3-1001, groups: [WD]}}
descriptors: {/x: 'O:SYG:SYD:(A;;FR;;;WD)'}
objects: [all]
expect:
  - {who: u, on: /x, want: FR, is: granted}
  - {who: u, on: '/t/?', want: FR, is: granted}
  - {who: u, on: '/t/[a]', want: FR, is: denied}
  - {who: u, on: /bad, want: FR, is: denied}
  - {who: u, on: /bad, want: control+read, is: granted}
`)
	check.Equal(t, r.Failed, 3, "failed cases")
	var got []string
	for _, c := range r.Cases {
		got = append(got, fmt.Sprint(c.On, " ", c.Granted, " ", c.Problem == ""))
		check.That(t, c.On != "/bad" || strings.HasPrefix(c.Problem, "cannot be read: "),
			`problem of /bad = %s, want "cannot be read"`, c.Problem)
	}
	const want = "/x true true, /t/a true true, /t/b false false, /t/[a] false true, /bad false false, /bad false false"
	check.Equal(t, strings.Join(got, ", "), want, "cases")
	// The folder of the file of expectations is no part of the glob.
	f := File{out: Outside{Base: "/[b]"}, objects: []*Descriptor{{Name: "y", file: "/b/f"}, {Name: "x", file: "/[b]/f"}}}
	found := f.subjects("?")
	check.That(t, len(found) == 1 && found[0].Name == "x", "%d files of the folder /[b] match, want 1", len(found))
}
