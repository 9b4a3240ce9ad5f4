package gateway

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var (
	anyTag   = regexp.MustCompile(`Etag: "[0-9a-f]+-([0-9a-f]+)"`)
	anyToken = regexp.MustCompile(`opaquelocktoken:[0-9a-f]{32}`)
)

// change makes a request that changes something. What a test does not know of the answer is replaced.
func (w *exactly) change(user, method, path, body string, headers ...string) string {
	w.Helper()
	got := anyTag.ReplaceAllString(w.ask(user, method, path, body, headers...), `Etag: "now-$1"`)
	return anyToken.ReplaceAllString(got, "token")
}

// uploaded is the answer to an upload of so many bytes: the tag of what is there now, and nothing else.
func uploaded(code, size int) string { return answered(code, "", fmt.Sprintf(`Etag: "now-%x"`, size)) }

// needs is a refusal that names the privileges that lack, each with the resource that it is of (RFC 3744, 7.1.1).
func needs(href string, privileges ...string) string {
	var b strings.Builder
	for _, p := range privileges {
		b.WriteString("<D:resource><D:href>" + href + "</D:href><D:privilege><" + p + "/></D:privilege></D:resource>")
	}
	return answered(403, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+`<D:error xmlns:D="DAV:" xmlns:R="`+
		`https://github.com/refmon/refmon/ns/rights"><D:need-privileges>`+b.String()+"</D:need-privileges></D:error>\n",
		"Content-Type: application/xml; charset=utf-8", "Cache-Control: no-store")
}

var (
	saysMissing = inLine(409, "conflict (STATUS_OBJECT_PATH_NOT_FOUND)")
	failed      = inLine(412, "the file is another by now")
	inTheWay    = inLine(405, "method not allowed (STATUS_OBJECT_NAME_COLLISION)")
)

// TestExactUploads: all of the answer to PUT and what is in the tree afterwards, for each condition from both sides,
// each
// place that is missing, hidden or not to be written to, and the bound of a length that is said and of one that is not
// (G-11, G-12, G-14, G-15).
func TestExactUploads(t *testing.T) {
	w := newExactly(t, shared, func(c *Config) { c.LargestUpload = 1000 })
	w.file("old", "old", "O:{alice}G:SYD:P(A;;FA;;;{alice})(A;;0x120116;;;{bob})")
	w.file("hers", "hers", own)
	w.file("told", "told", "O:BAG:SYD:P(A;;FA;;;{alice})(A;;0x20000;;;{bob})")
	w.folder("deep", own)
	w.folder("deep/in", own)
	w.folder("drop", "O:BAG:SYD:P(A;;0x6;;;{bob})(A;OICI;FA;;;{alice})")
	w.folder("read", "O:BAG:SYD:P(A;;0x20000;;;{bob})(A;OICI;FA;;;{alice})")
	w.file("drop/hers", "hers", own)
	w.folder("his", "O:BAG:SYD:P(A;OICI;FA;;;{bob})")
	w.at("old")
	tag := fmt.Sprintf(`"%s-3"`, momentTag)
	whole := strings.Repeat("0123456789", 100)
	const old, gone = "old", "no file"
	for _, c := range []struct {
		user, path, body string
		headers          []string
		want, left       string
	}{
		{"bob", "/share/old", "x", []string{"If-Match", `"x"`}, failed, old},
		{"bob", "/share/old", "x", []string{"If-None-Match", "*"}, failed, old},
		{"bob", "/share/old", "x", []string{"If-None-Match", `"x", ` + tag}, failed, old},
		{"alice", "/share/free", "x", []string{"If-Match", "*"}, failed, gone},
		{"alice", "/share/free", "x", []string{"If-Match", tag}, failed, gone},
		{"bob", "/share/hers", "x", []string{"If-Match", tag}, failed, "hers"},
		{"carol", "/share/old", "x", []string{"If-Match", tag}, failed, old},
		{"bob", "/share/old", "x", []string{"Content-Range", "bytes 0-0/1"}, inLine(400,
			"a part of a file cannot be uploaded"),
			old},
		{"bob", "/share/old", whole + "x", []string{"Content-Range", "bytes 0-0/1"},
			inLine(400, "a part of a file cannot be uploaded"), old},
		{"bob", "/share/old", whole + "x", nil, inLine(413, "the file is too long"), old},
		{"bob", "/share/old", "first", []string{"If-Match", `"x" , ` + tag}, uploaded(204, 5), "first"},
		{"bob", "/share/old", "second", []string{"If-None-Match", tag}, uploaded(204, 6), "second"},
		{"bob", "/share/old", "third", []string{"If-Match", "*", "If-None-Match", tag}, uploaded(204, 5), "third"},
		{"bob", "/share/old", "", nil, uploaded(204, 0), ""}, {"bob", "/share/old", whole, nil, uploaded(204, 1000), whole},
		{"alice", "/share/new", whole, []string{"If-None-Match", "*"}, uploaded(201, 1000), whole},
		{"alice", "/share/empty", "", nil, uploaded(201, 0), ""},
		{"bob", "/share/hers", "x", nil, saysDenied, "hers"},
		{"carol", "/share/hers", "x", nil, saysDenied, "hers"}, // the tree is hidden: as one that is not served, below
		{"carol", "/share/free", "x", nil, saysDenied, gone},
		{"bob", "/share/told", "x", nil, needs("/share/told", "D:write-content", "D:bind"), "told"},
		{"bob", "/share/free", "x", nil, needs("/share", "D:write-content", "D:bind"), gone},
		{"bob", "/share/read/free", "x", nil, needs("/share/read", "D:write-content", "D:bind"), gone},
		{"bob", "/share/deep/x", "x", nil, saysDenied, gone}, {"bob", "/share/deep/in/x", "x", nil, saysMissing, gone},
		{"bob", "/share/none/x", "x", nil, saysMissing, gone}, {"bob", "/share/old/x", "x", nil, saysMissing, "no file"},
		{"bob", "/share/drop/hers", "x", nil, saysDenied, "hers"},
		{"bob", "/share/drop/new", "new", nil, uploaded(201, 3), "new"},
		{"alice", "/share/his", "x", nil, inLine(405, "method not allowed (STATUS_FILE_IS_A_DIRECTORY)"), ""},
		{"alice", "/share", "x", nil, inLine(403, "this is the root of a tree"), ""},
		{"alice", "/", "x", nil, inLine(405, "a file's name does not end in /"), ""},
		{"alice", "/none/x", "x", nil, saysDenied, gone},
		{"alice", "/share/a:b", "x", nil, saysDenied, gone},
		{"alice", "/share/" + uploadPrefix + "x", "x", nil, saysDenied, gone},
	} {
		what := fmt.Sprintf("PUT %s by %s with %v", c.path, c.user, c.headers)
		w.same(what, w.change(c.user, "PUT", c.path, c.body, c.headers...), c.want)
		if c.path == "/share/his" || !strings.HasPrefix(c.path, "/share/") {
			continue
		}
		if got := w.content(strings.TrimPrefix(c.path, "/share/")); got != c.left && (c.left != gone ||
			!strings.HasPrefix(got,
				gone)) {
			t.Errorf("G-14: %s left %.60q, want %.60q", what, got, c.left)
		}
	}
	if got := w.entries(""); got != "deep drop empty hers his new old read told" {
		t.Errorf("G-14: the tree has %s", got)
	}
	if got := w.entries("drop"); got != "hers new" {
		t.Errorf("G-14: the directory has %s", got)
	}
	// A length that is not said is bounded, too, and nothing of what is too long stays.
	broken := inLine(405, "method not allowed")
	w.same("too long unsaid", w.chunked("bob", "/share/old", whole+"x"), broken)
	w.same("too long and new", w.chunked("alice", "/share/longer", whole+"x"), broken)
	w.same("as long as may be", w.chunked("bob", "/share/old", whole[:999]), uploaded(204, 999))
	if got := w.content("old"); got != whole[:999] || !strings.HasPrefix(w.content("longer"), gone) {
		t.Errorf("G-14: left is %.40q", got)
	}
}

// chunked uploads what no header says the length of.
func (w *exactly) chunked(user, path, body string) string {
	w.Helper()
	return w.change(user, "PUT", path, body, unsaid, "")
}

// TestExactMoves: all of the answer to MKCOL, COPY and MOVE, and what is in the tree afterwards: over what is there
// with
// and without leave, from and to what is hidden, and with the properties that a client has set (G-8, G-12).
func TestExactMoves(t *testing.T) {
	w := newExactly(t, shared, func(c *Config) { c.Trees = []string{"share", "other"} })
	w.folder("dir", shared)
	w.file("dir/f", "f", shared)
	w.file("told", "told", "O:BAG:SYD:P(A;;FA;;;{alice})(A;;0x20089;;;{bob})")
	w.file("hers", "hers", own)
	w.folder("deep", own)
	w.folder("his", "O:BAG:SYD:P(A;OICI;FA;;;{bob})")
	w.file("his/f", "f", "O:BAG:SYD:P(A;;FA;;;{bob})")
	w.file("his/hers", "hers", own)
	into := inLine(403, "the destination is in what is to be copied")
	nowhere := inLine(403, "nothing can be made there")
	made, replaced := answered(201, "Created"), answered(204, "")
	for i, c := range []struct{ user, method, path, to, overwrite, want string }{
		{"alice", "MKCOL", "/share/new", "", "", made},
		{"alice", "MKCOL", "/share/new", "", "", inTheWay}, {"alice", "MKCOL", "/share/told/", "", "", inTheWay},
		{"alice", "MKCOL", "/share/none/x", "", "", saysMissing}, {"alice", "MKCOL", "/share/told/x", "", "", saysMissing},
		{"alice", "MKCOL", "/share", "", "", inLine(403, "this is the root of a tree")},
		{"alice", "MKCOL", "/none/x", "", "", saysDenied},
		{"bob", "MKCOL", "/share/x", "", "", needs("/share", "D:write-content", "D:bind")},
		{"bob", "MKCOL", "/share/deep/x", "", "", saysDenied}, {"carol", "MKCOL", "/share/x", "", "", saysDenied},
		{"bob", "MKCOL", "/share/deep/x/y", "", "", saysMissing},
		{"alice", "COPY", "/share/dir", "/share/dir", "", into}, {"alice", "MOVE", "/share/dir", "/share/dir/x", "", into},
		{"alice", "COPY", "/share/dir", "/share/dir2", "", made},
		{"alice", "COPY", "/share/dir", "/share", "", nowhere}, {"alice", "COPY", "/share/dir", "/none/x", "", nowhere},
		{"alice", "COPY", "/share/dir", "/share/x:y", "", nowhere},
		{"alice", "MOVE", "/share/dir", "/other/x", "", inLine(502, "the destination is in another tree: copy it")},
		{"alice", "COPY", "/share/dir", "/share/dir2", "F", inLine(412, "precondition failed")},
		{"alice", "COPY", "/share/dir", "/share/dir2", "T", replaced},
		{"alice", "COPY", "/share/told", "/share/told2", "", made},
		{"alice", "COPY", "/share/told", "/share/told2", "", replaced},
		{"alice", "MOVE", "/share/told2", "/share/new/told", "", made},
		{"alice", "MOVE", "/share/dir2", "/share/new/told", "", inLine(412, "precondition failed")},
		{"alice", "MOVE", "/share/dir2", "/share/new/told", "T", replaced},
		{"alice", "MOVE", "/share/none", "/share/x", "", saysAbsent}, {"bob", "COPY", "/share/none", "/share/x", "",
			saysAbsent},
		{"carol", "COPY", "/share/dir", "/share/x", "", saysAbsent},
		{"bob", "MOVE", "/share/told", "/share/his/x", "", needs("/share/told", "R:delete")},
		{"bob", "MOVE", "/share/hers", "/share/his/x", "", saysDenied},
		{"bob", "COPY", "/share/hers", "/share/his/x", "", saysDenied},
		{"bob", "COPY", "/share/told", "/share/x", "", needs("/share", "D:write-content", "D:bind")},
		{"bob", "COPY", "/share/told", "/share/deep/x/y", "", saysMissing},
		{"bob", "COPY", "/share/told", "/share/his/told", "", made},
		{"bob", "MOVE", "/share/his/told", "/share/x", "", needs("/share", "D:write-content", "D:bind")},
		{"bob", "MOVE", "/share/his/f", "/share/his/hers", "", inLine(412, "precondition failed")},
		{"bob", "MOVE", "/share/his/f", "/share/his/g", "", made},
		{"bob", "COPY", "/share/his", "/share/his2", "", needs("/share", "D:write-content", "D:bind")},
	} {
		headers := []string{}
		if c.to != "" {
			headers = append(headers, "Destination", c.to)
		}
		if c.overwrite != "" {
			headers = append(headers, "Overwrite", c.overwrite)
		}
		w.same(fmt.Sprintf("%d: %s %s to %s by %s", i, c.method, c.path, c.to, c.user), w.change(c.user, c.method, c.path,
			"",
			headers...), c.want)
	}
	for dir, want := range map[string]string{"": "deep dir hers his new told", "new": "told", "new/told": "f",
		"his": "g hers told", "dir": "f"} {
		if got := w.entries(dir); got != want {
			t.Errorf("%q has %s, want %s", dir, got, want)
		}
	}
}

// TestExactPatches: all of the answer to PROPPATCH, and what PROPFIND says afterwards: what is protected refuses all
// that
// came with it, times are the file's, the rest is kept, is told to who may read extended attributes, follows a
// rename, stays
// with the file and goes with it (G-19).
//
// +checklocksignore
func TestExactPatches(t *testing.T) {
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
		return answered(207, `<?xml version="1.0" encoding="UTF-8"?><D:multistatus xmlns:D="DAV:"><D:response>`+
			`<D:href>/share/f</D:href>`+stats+`</D:response></D:multistatus>`, "Content-Type: text/xml; charset=utf-8")
	}
	const a, b = `<a xmlns="urn:a"></a>`, `<b xmlns="urn:b"></b>`
	const protected = `<D:error><D:cannot-modify-protected-property xmlns:D="DAV:"/></D:error>`
	const ours = `<D:error><cannot-modify-protected-property xmlns="DAV:"/></D:error>`
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
		{"alice", "/share/f", update(set(`<a xmlns="urn:a">1&amp;2</a>` + `<b xmlns="urn:b">3</b>`)),
			patched(stat("200 OK", a+b, ""))},
		{"alice", "/share/f", update(remove(a) + set(`<D:displayname>x</D:displayname>`)), patched(stat("403 Forbidden",
			"<D:displayname></D:displayname>", protected) + stat("424 Failed Dependency", a, ""))},
		{"alice", "/share/f", update(set(`<D:getetag/>`)), patched(stat("403 Forbidden", "<D:getetag></D:getetag>",
			protected))},
		// Package webdav knows those; of the others the gateway says the same.
		{"alice", "/share/f", update(set(`<D:acl/>`)), patched(stat("403 Forbidden", "<D:acl></D:acl>", ours))},
		{"alice", "/share/f", update(set(a+`<D:owner/>`) + remove(b)), patched(stat("403 Forbidden",
			"<D:owner></D:owner>", ours) + stat("424 Failed Dependency", a+b, ""))},
		{"bob", "/share/f", update(set(a)), needs("/share/f", "D:write-properties")},
		{"carol", "/share/f", update(set(a)), saysAbsent},
		{"alice", "/share/none", update(set(a)), saysAbsent},
		{"alice", "/", update(set(a)), inLine(403, "this is above the trees")},
		{"alice", "/share/f", update(set(many)), patched(stat("507 Insufficient Storage", manyTold, ""))},
		{"alice", "/share/f", update(set(long)), patched(stat("507 Insufficient Storage", longTold, ""))},
		{"alice", "/share/f", update(set(`<W:Win32LastModifiedTime>Sat, 03 Feb 2001 04:05:06 ` +
			`GMT</W:Win32LastModifiedTime>`)),
			patched(stat("200 OK", written, ""))},
		{"alice", "/share/f", "<x", inLine(400, errXML.Error())},
	} {
		w.same(fmt.Sprintf("%d: PROPPATCH %s by %s", i, c.path, c.user), w.ask(c.user, "PROPPATCH", c.path, c.body), c.want)
	}
	// The time is the file's now, to the second; a removed property is gone, others stay.
	if info, err := os.Stat(filepath.Join(w.root, "f")); err != nil ||
		!info.ModTime().Equal(moment.Truncate(time.Second)) {
		t.Errorf("it was written %v, %v", info.ModTime(), err)
	}
	ask := propfind(`<D:prop><a xmlns="urn:a"/><b xmlns="urn:b"/></D:prop>`)
	both := response("/share/f", "200 OK", `<a xmlns="urn:a">1&amp;2</a><b xmlns="urn:b">3</b>`)
	none := func(path string) string { return multi(response(path, "404 Not Found", a+b)) }
	w.same("kept", w.find("alice", "/share/f", "0", ask), multi(both))
	names := w.find("alice", "/share/f", "0", propfind("<D:propname/>"))
	for _, name := range []string{a, b} {
		if strings.Count(names, name) != 1 {
			t.Errorf("propname: %s, want one %s", names, name)
		}
	}
	w.same("told to who reads", w.find("bob", "/share/f", "0", ask), multi(both))
	w.describe("f", "O:BAG:SYD:P(A;;FA;;;{alice})(A;;0x120081;;;{bob})")
	w.same("not told without FILE_READ_EA", w.find("bob", "/share/f", "0", ask), none("/share/f"))
	w.same("removed", w.ask("alice", "PROPPATCH", "/share/f", update(remove(a))), patched(stat("200 OK", a, "")))
	left := multi(response("/share/f", "200 OK", `<b xmlns="urn:b">3</b>`, "404 Not Found", a))
	w.same("what stays", w.find("alice", "/share/f", "0", ask), left)
	if got := w.find("alice", "/share/f", "0", ""); strings.Count(got, `<b xmlns="urn:b">3</b>`) != 1 {
		t.Errorf("allprop: %s", got)
	}
	w.same("moved", w.change("alice", "MOVE", "/share/f", "", "Destination", "/share/g"), answered(201, "Created"))
	w.same("with it", w.find("alice", "/share/g", "0", ask), strings.ReplaceAll(left, "/share/f", "/share/g"))
	w.same("copied", w.change("alice", "COPY", "/share/g", "", "Destination", "/share/f"), answered(201, "Created"))
	w.same("with the copy", w.find("alice", "/share/f", "0", ask), left)
	w.same("another file of the name", w.change("alice", "MOVE", "/share/told", "", "Destination", "/share/g",
		"Overwrite",
		"T"), answered(204, ""))
	w.same("has none", w.find("alice", "/share/g", "0", ask), none("/share/g"))
	w.same("deleted", w.change("alice", "DELETE", "/share/f", ""), answered(204, ""))
	if n := len(w.g.props.of); n != 0 {
		t.Errorf("G-19: properties of %d files are kept", n)
	}
}
