package gateway

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/filetime"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/server/gateway/dav"
	"github.com/refmon/refmon/sid"
)

// TestPropertiesAreBounded checks both sides of the limits of properties, their owner, and their removal
// with the file (G-19).
//
// +checklocksignore
func TestPropertiesAreBounded(t *testing.T) {
	list := func(n, each int) map[dav.Name]dav.Property {
		m := map[dav.Name]dav.Property{}
		for i := range n {
			name := dav.Name{Space: "sp", Local: fmt.Sprintf("p%03d", i)}
			m[name] = dav.Property{Name: name, Value: strings.Repeat("x", each-6)}
		}
		return m
	}
	at := place{"share", `d\f`}
	for _, c := range []struct {
		what string
		n    int
		each int
		want bool
	}{{"64 properties", 64, 100, true}, {"65 properties", 65, 100, false}, {"16 KiB", 64, 256, true},
		{"16 KiB and a byte", 1, 16<<10 + 1, false}, {"16 KiB in one", 1, 16 << 10, true}} {
		b, kept := newPropertyTable(), 0
		if c.want {
			kept = c.n
		}
		if got := b.set(at, 7, sid.Everyone, list(c.n, c.each)); got != c.want || b.has(at) != c.want || len(b.get(at,
			7)) != kept {
			t.Errorf("G-19: %s: %t, kept %d", c.what, got, len(b.get(at, 7)))
		}
		big := dav.Property{Value: strings.Repeat("x", 16<<10-1), Lang: "de"}
		check.That(t, !b.set(at, 7, sid.Everyone, map[dav.Name]dav.Property{{}: big}),
			"%s: the language does not count", c.what)
		check.That(t, b.get(at, 8) == nil, "%s: another file of the name has them", c.what)
		check.That(t, !b.set(at, 8, sid.Everyone, map[dav.Name]dav.Property{{}: big}) && !b.has(at),
			"G-19: %s: those of the file before are kept", c.what)
	}
	b := newPropertyTable()
	for i := range 9_999 {
		b.of[place{"share", fmt.Sprint(i)}] = &properties{}
	}
	last, more := place{"share", "last"}, place{"share", "more"}
	check.That(t, b.set(last, 1, sid.Everyone, list(1, 10)) && !b.set(more, 1, sid.Everyone, list(1, 10)) &&
		!b.has(more), "G-19: not ten thousand files have properties")
	check.That(t, b.set(last, 1, sid.LocalSystem, list(2, 10)) && len(b.get(last, 1)) == 2 &&
		b.of[last].user == sid.Everyone, "G-19: another user cannot replace properties without room, or is charged for them")
	check.That(t, b.set(last, 2, sid.LocalSystem, list(1, 10)) && b.of[last].user == sid.LocalSystem,
		"G-19: another file of the name counts against the user of the one before")
	check.That(t, b.set(last, 1, sid.Everyone, nil) && !b.has(last) && b.set(more, 1, sid.Everyone, list(1, 10)),
		"G-19: removed properties cannot be stored again without room")
	b = newPropertyTable()
	for _, c := range []struct {
		user sid.SID
		most int
	}{{sid.Everyone, 5_000}, {sid.LocalSystem, 2_500}, {sid.Administrators, 1_250}} {
		for i := range c.most - 1 {
			b.of[place{c.user.String(), fmt.Sprint(i)}] = &properties{user: c.user}
		}
		last, more := place{c.user.String(), "last"}, place{c.user.String(), "more"}
		check.That(t, b.set(last, 1, c.user, list(1, 10)) && !b.set(more, 1, c.user, list(1, 10)),
			"G-19: %v does not have properties on just %d files", c.user, c.most)
	}
	b = newPropertyTable()
	for _, name := range []string{"d", `d\f`, `d\f\g`, "dd", "e"} {
		b.set(place{"share", name}, 1, sid.Everyone, list(1, 10))
		b.set(place{"other", name}, 1, sid.Everyone, list(1, 10))
	}
	b.drop(place{"share", "d"}, true)
	b.drop(place{"other", "d"}, false)
	var left []string
	for p := range b.of {
		left = append(left, p.tree+`\`+p.path)
	}
	slices.Sort(left)
	if want := []string{`other\d\f`, `other\d\f\g`, `other\dd`, `other\e`, `share\dd`,
		`share\e`}; !slices.Equal(left, want) {
		t.Errorf("after a directory went there are %q, want %q", left, want)
	}
}

// TestProppatchOfProtectedPropertyFails checks complete responses to PROPPATCH and the PROPFIND afterwards. A protected
// property rejects the whole request, times are set on the file, and other properties are stored:
// visible with the right to read extended attributes, kept with the file on rename, and removed
// with it (G-19). A failed condition does not change the response to a request that is refused anyway (G-45).
//
// +checklocksignore
func TestProppatchOfProtectedPropertyFails(t *testing.T) {
	w := newExactly(t, shared)
	w.file("f", "f", "O:BAG:SYD:P(A;;FA;;;{alice})(A;;0x120089;;;{bob})(A;;0x80;;;{carol})")
	w.file("told", "f", shared)
	update := func(inner string) string {
		return `<D:propertyupdate xmlns:D="DAV:" xmlns:W="urn:schemas-microsoft-com:">` + inner + `</D:propertyupdate>`
	}
	set := func(inner string) string { return "<D:set><D:prop>" + inner + "</D:prop></D:set>" }
	remove := func(inner string) string { return "<D:remove><D:prop>" + inner + "</D:prop></D:remove>" }
	stat := func(status, props, more string) string {
		return "<D:propstat><D:prop>" + props + "</D:prop><D:status>HTTP/1.1 " + status + "</D:status>" + more +
			"</D:propstat>"
	}
	patched := func(stats string) string {
		return answered(207, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+
			`<D:multistatus xmlns:D="DAV:"><D:response><D:href>/share/f</D:href>`+
			stats+"</D:response></D:multistatus>\n",
			"Content-Type: application/xml; charset=utf-8", "Cache-Control: no-store")
	}
	const a, b = `<a xmlns="urn:a"></a>`, `<b xmlns="urn:b"></b>`
	const protected = `<D:error><D:cannot-modify-protected-property/></D:error>`
	const written = `<Win32LastModifiedTime xmlns="urn:schemas-microsoft-com:"></Win32LastModifiedTime>`
	fill := func(n, each int) (list, want string) {
		for i := range n {
			list += fmt.Sprintf(`<p%d xmlns="u">%s</p%d>`, i, strings.Repeat("x", each), i)
			want += fmt.Sprintf(`<p%d xmlns="u"></p%d>`, i, i)
		}
		return list, want
	}
	many, manyTold := fill(64, 1)
	long, longTold := fill(1, 16<<10)
	for i, c := range []struct{ user, path, body, want string }{
		{"alice", "/share/f", update(set(`<a xmlns="urn:a">1&amp;2</a><b xmlns="urn:b">3</b>`)),
			patched(stat("200 OK", a+b, ""))},
		{"alice", "/share/f", update(remove(a) + set(`<D:displayname>x</D:displayname>`)), patched(stat("403 Forbidden",
			"<D:displayname></D:displayname>", protected) + stat("424 Failed Dependency", a, ""))},
		{"alice", "/share/f", update(set(`<D:acl/>`)), patched(stat("403 Forbidden", "<D:acl></D:acl>", protected))},
		{"alice", "/share/f", update(set(a+`<D:owner/>`) + remove(b)), patched(stat("403 Forbidden",
			"<D:owner></D:owner>", protected) + stat("424 Failed Dependency", a+b, ""))},
		{"bob", "/share/f", update(set(a)), missing("/share/f", "D:write-properties")},
		{"carol", "/share/f", update(set(a)), saysAbsent},
		{"alice", "/share/none", update(set(a)), saysAbsent},
		{"alice", "/", update(set(a)), inLine(403, "only files and folders in a tree have properties")},
		{"alice", "/share", update(set(a)), strings.Replace(patched(stat("200 OK", a, "")), "/share/f", "/share", 1)},
		{"alice", "/share", update(remove(a)), strings.Replace(patched(stat("200 OK", a, "")), "/share/f", "/share", 1)},
		{"alice", "/share/f", update(set(many)), patched(stat("507 Insufficient Storage", manyTold, ""))},
		{"alice", "/share/f", update(set(long)), patched(stat("507 Insufficient Storage", longTold, ""))},
		{"alice", "/share/f",
			update(set(`<W:Win32LastModifiedTime>Sat, 03 Feb 2001 04:05:06 GMT</W:Win32LastModifiedTime>`)),
			patched(stat("200 OK", written, ""))},
		{"alice", "/share/f",
			update(set(`<W:Win32LastModifiedTime>Sun, 03 Feb 2002 04:05:06 GMT</W:Win32LastModifiedTime>` + long)),
			patched(stat("507 Insufficient Storage", written+longTold, ""))},
		{"alice", "/share/f",
			update(set(`<W:Win32LastAccessTime>Sat, 03 Feb 2001 04:05:06 GMT</W:Win32LastAccessTime>`)),
			patched(stat("200 OK", strings.ReplaceAll(written, "Modified", "Access"), ""))},
	} {
		what := fmt.Sprintf("%d: PROPPATCH %s by %s", i, c.path, c.user)
		if c.want[0] > '3' {
			w.diff(what+", If-Match", w.ask(c.user, "PROPPATCH", c.path, c.body, "If-Match", `"x"`), c.want)
		}
		w.diff(what, w.ask(c.user, "PROPPATCH", c.path, c.body), c.want)
	}
	// The time is the file's now, to the second; a removed property is gone, others stay.
	if info, err := os.Stat(filepath.Join(w.root, "f")); err != nil ||
		!info.ModTime().Equal(moment.Truncate(time.Second)) ||
		info.Sys().(*syscall.Stat_t).Atim.Sec != moment.Unix() {
		t.Errorf("it was written %v, %v", info.ModTime(), err)
	}
	ask := propfind(`<D:prop><a xmlns="urn:a"/><b xmlns="urn:b"/></D:prop>`)
	both := response("/share/f", "200 OK", `<a xmlns="urn:a">1&amp;2</a><b xmlns="urn:b">3</b>`)
	none := func(path string) string { return multistatus(response(path, "404 Not Found", a+b)) }
	w.diff("kept", w.find("alice", "/share/f", "0", ask), multistatus(both))
	names := w.find("alice", "/share/f", "0", propfind("<D:propname/>"))
	for _, name := range []string{a, b} {
		check.That(t, strings.Count(names, name) == 1, "propname: %s, want one %s", names, name)
	}
	w.diff("told to who reads", w.find("bob", "/share/f", "0", ask), multistatus(both))
	w.describe("f", "O:BAG:SYD:P(A;;FA;;;{alice})(A;;0x120081;;;{bob})")
	w.diff("not told without FILE_READ_EA", w.find("bob", "/share/f", "0", ask), none("/share/f"))
	w.diff("removed", w.ask("alice", "PROPPATCH", "/share/f", update(remove(a))), patched(stat("200 OK", a, "")))
	left := multistatus(response("/share/f", "200 OK", `<b xmlns="urn:b">3</b>`, "404 Not Found", a))
	w.diff("what stays", w.find("alice", "/share/f", "0", ask), left)
	if got := w.find("alice", "/share/f", "0", ""); strings.Count(got, `<b xmlns="urn:b">3</b>`) != 1 {
		t.Errorf("allprop: %s", got)
	}
	w.diff("moved", w.change("alice", "MOVE", "/share/f", "", "Destination", "/share/g"), answered(201, ""))
	w.diff("with it", w.find("alice", "/share/g", "0", ask), strings.ReplaceAll(left, "/share/f", "/share/g"))
	w.diff("copied", w.change("alice", "COPY", "/share/g", "", "Destination", "/share/f"), answered(201, ""))
	w.diff("with the copy", w.find("alice", "/share/f", "0", ask), left)
	w.diff("another file of the name", w.change("alice", "MOVE", "/share/told", "", "Destination", "/share/g",
		"Overwrite",
		"T"), answered(204, ""))
	w.diff("has none", w.find("alice", "/share/g", "0", ask), none("/share/g"))
	w.diff("copied over another", w.change("alice", "COPY", "/share/g", "", "Destination", "/share/f"), answered(204, ""))
	w.diff("has none, either", w.find("alice", "/share/f", "0", ask), none("/share/f"))
	for _, step := range [][]string{{"MKCOL", "/share/p"}, {"PROPPATCH", "/share/p"}, {"COPY", "/share/p", "Destination",
		"/share/q"}, {"DELETE", "/share/p"}, {"MKCOL", "/share/r"},
		{"MOVE", "/share/q", "Destination", "/share/r"}} {
		body := ""
		if step[0] == "PROPPATCH" {
			body = update(set(a))
		}
		w.change("alice", step[0], step[1], body, step[2:]...)
	}
	if got := w.find("alice", "/share/r", "0", propfind("<D:propname/>")); strings.Count(got, a) != 1 {
		t.Errorf("a folder that was copied and moved over another: %s, want %s", got, a)
	}
	w.diff("deleted", w.change("alice", "DELETE", "/share/r", ""), answered(204, ""))
	w.diff("set again", w.ask("alice", "PROPPATCH", "/share/f", update(set(a))), patched(stat("200 OK", a, "")))
	w.diff("deleted", w.change("alice", "DELETE", "/share/f", ""), answered(204, ""))
	if n := len(w.g.props.of); n != 0 {
		t.Errorf("G-19: properties of %d files are kept", n)
	}
}

// TestPropertiesOfDeletedFilesAreReplacedFirst fills the table, and checks that a user's next file then takes the room
// of one that another program deleted or replaced, and none of a file that exists (G-19).
//
// +checklocksignore
func TestPropertiesOfDeletedFilesAreReplacedFirst(t *testing.T) {
	w := newWorld(t, shared)
	patch := func(name string) string {
		w.file(name, "f", shared)
		got := w.do(w.request("alice", "PROPPATCH", "/share/"+name,
			`<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><a xmlns="u">1</a></D:prop></D:set></D:propertyupdate>`))
		_, status, _ := strings.Cut(got.body, "<D:status>HTTP/1.1 ")
		return status[:3]
	}
	w.folder("gone", shared)
	for _, name := range []string{"kept", "deleted", "replaced", "gone/f"} {
		check.Equal(t, patch(name), "200", "G-19: "+name)
	}
	of := w.g.props.of
	of[place{"share", "replaced"}].file++
	w.must(errors.Join(os.Remove(filepath.Join(w.root, "deleted")), os.RemoveAll(filepath.Join(w.root, "gone"))))
	bobs := place{"share", "his"} // alice cannot tell whether the file is missing or hidden from her
	of[bobs] = &properties{user: w.sids["bob"]}
	for i := range mostDescribed - 5 {
		of[place{"elsewhere", fmt.Sprint(i)}] = &properties{}
	}
	check.Equal(t, patch("new"), "200", "G-19: three of the user's files are gone")
	check.That(t, of[place{"share", "kept"}] != nil && of[place{"share", "deleted"}] == nil &&
		of[place{"share", "replaced"}] == nil && of[place{"share", `gone\f`}] == nil && of[bobs] != nil,
		"G-19: not just the properties of files that are gone were dropped")
	check.Equal(t, patch("newer"), "507", "G-19: no other file is gone")
	w.g.props.dropOnly(place{"share", "kept"}, &properties{}) // of an earlier file
	check.That(t, of[place{"share", "kept"}] != nil, "G-19: newer properties were dropped")
}

// TestExplorerTimesSetFileTimes checks which properties of Explorer set a time of the file.
func TestExplorerTimesSetFileTimes(t *testing.T) {
	at := filetime.Of(moment.Truncate(time.Second))
	for _, c := range []struct {
		name, value string
		want        nt.FileBasic
	}{
		{"Win32LastModifiedTime", "Sat, 03 Feb 2001 04:05:06 GMT", nt.FileBasic{LastWriteTime: at}},
		{"Win32LastAccessTime", "Sat, 03 Feb 2001 04:05:06 GMT", nt.FileBasic{LastAccessTime: at}},
		{"Win32CreationTime", "Sat, 03 Feb 2001 04:05:06 GMT", nt.FileBasic{}},
		{"Win32LastModifiedTime", "yesterday", nt.FileBasic{}},
	} {
		var got nt.FileBasic
		setTime(&got, dav.Property{Name: dav.Name{Space: windowsSpace, Local: c.name}, Value: c.value})
		check.Equal(t, got, c.want, "%s %s", c.name, c.value)
	}
}
