package gateway

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/gateway/dav"
	"github.com/refmon/refmon/server/internal/test/davcases"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestFailedCreationMapsToHTTPStatus checks the response for each status of a failed creation: visible and free
// names, directories that may not be listed or are hidden, trees that are not served, and
// impossible names (G-9, G-11, G-12).
func TestFailedCreationMapsToHTTPStatus(t *testing.T) {
	w := newExactly(t, shared)
	w.file("hers", "x", own)
	w.file("NONE", "x", own) // differs from none, which the listing pattern none would also match
	w.folder("deep", own)
	w.folder("deep/in", own)
	q := w.newRequest("bob")
	places := []place{{"share", "hers"}, {"share", "none"}, {"share", `deep\x`}, {"share", `deep\in\x`}, {"other", "x"},
		{"share", "a:b"}}
	above := []place{{"share", ""}, {"share", ""}, {"share", "deep"}, {"share", `deep\in`}, {"other", ""}, {"share", ""}}
	each := func(code int) [6]int { return [6]int{code, code, code, code, 403, 403} }
	for st, want := range map[ntstatus.Status][6]int{
		ntstatus.ObjectNameNotFound: each(409), ntstatus.ObjectPathNotFound: each(409), ntstatus.NotADirectory: each(409),
		ntstatus.ObjectNameInvalid: each(403), ntstatus.PrivilegeNotHeld: each(403), ntstatus.DiskFull: each(507),
		ntstatus.SharingViolation: each(423), ntstatus.AuditFailed: each(503), ntstatus.InvalidParameter: each(500),
		ntstatus.ObjectNameCollision: {405, 403, 403, 409, 403, 403},
		ntstatus.FileIsADirectory:    {405, 403, 403, 409, 403, 403},
		ntstatus.AccessDenied:        {403, 403, 403, 409, 403, 403},
	} {
		for i, at := range places {
			what := fmt.Sprintf("G-12: %v of %v", st, at)
			told := st
			if want[i] == 409 || slices.Contains([]ntstatus.Status{ntstatus.ObjectNameNotFound, ntstatus.NotADirectory}, st) {
				told = ntstatus.ObjectPathNotFound // a hidden directory is treated as missing
			}
			got := q.refusedToMake(at, winnt.FILE_WRITE_DATA, st)
			w.checkClean(what)
			// A client that may read the directory's descriptor learns the missing rights, also for a hidden name (G-8).
			hidden := want[i] == 403 && (st == ntstatus.ObjectNameCollision || st == ntstatus.FileIsADirectory)
			why := (st == ntstatus.AccessDenied || hidden) && above[i] == place{"share", ""}
			check.That(t, strings.HasPrefix(got.why, "requested: FILE_WRITE_DATA\n\n") == why && why != (got.why == ""),
				"%s: because %q, want reasons %t", what, got.why, why)
			if got.why = ""; *got != (refusal{want[i], told, above[i], winnt.FILE_WRITE_DATA, ""}) {
				t.Errorf("%s: %+v, want %d, %v in %v", what, *got, want[i], told, above[i])
			}
		}
	}
}

// TestRenameMovesProperties checks that the properties of a file and its descendants follow a rename,
// within a tree and to another one, that none remain, and that names with the same prefix are not
// affected.
//
// +checklocksignore
func TestRenameMovesProperties(t *testing.T) {
	for _, c := range []struct {
		from, to place
		want     map[place]uint64 // the files that have properties afterwards
	}{
		{place{"share", "d"}, place{"share", "n"}, map[place]uint64{{"share", "n"}: 1, {"share", `n\f`}: 2,
			{"share", `n\f\d`}: 3, {"share", "dd"}: 4, {"share", "e"}: 5, {"other", "d"}: 6, {"other", `d\f`}: 7}},
		{place{"share", "d"}, place{"share", `e\d\f`}, map[place]uint64{{"share", `e\d\f`}: 1, {"share", `e\d\f\f`}: 2,
			{"share", `e\d\f\f\d`}: 3, {"share", "dd"}: 4, {"share", "e"}: 5, {"other", "d"}: 6, {"other", `d\f`}: 7}},
		{place{"share", `d\f`}, place{"share", "e"}, map[place]uint64{{"share", "d"}: 1, {"share", "e"}: 2,
			{"share", `e\d`}: 3, {"share", "dd"}: 4, {"other", "d"}: 6, {"other", `d\f`}: 7}},
		{place{"share", "d"}, place{"other", "d"}, map[place]uint64{{"other", "d"}: 1, {"other", `d\f`}: 2,
			{"other", `d\f\d`}: 3, {"share", "dd"}: 4, {"share", "e"}: 5}},
		{place{"share", "none"}, place{"share", "d"}, map[place]uint64{{"share", "d"}: 1, {"share", `d\f`}: 2,
			{"share", `d\f\d`}: 3, {"share", "dd"}: 4, {"share", "e"}: 5, {"other", "d"}: 6, {"other", `d\f`}: 7}},
	} {
		b := newPropertyTable()
		for i, at := range []place{{"share", "d"}, {"share", `d\f`}, {"share", `d\f\d`}, {"share", "dd"}, {"share", "e"},
			{"other", "d"}, {"other", `d\f`}} {
			b.of[at] = &properties{file: uint64(i + 1)}
		}
		b.move(c.from, c.to)
		got := map[place]uint64{}
		for at, p := range b.of {
			got[at] = p.file
		}
		check.That(t, maps.Equal(got, c.want), "%v becomes %v: %v, want %v", c.from, c.to, got, c.want)
	}
}

// TestHeadOfConsolePageHasNoBody checks that HEAD of each console page returns the headers of GET without a body, to
// known clients only, and that other methods are rejected.
func TestHeadOfConsolePageHasNoBody(t *testing.T) {
	w := newExactly(t, shared)
	console := func(user, method, path string) string { return w.askOf(w.g.Console(), user, method, path, "") }
	for _, p := range consolePages {
		head, _, _ := strings.Cut(console("bob", http.MethodGet, p.path), "\n\n")
		w.diff("HEAD of "+p.path, console("bob", http.MethodHead, p.path), ownPage(""))
		w.diff("GET of "+p.path, head+"\n\n", ownPage(""))
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodOptions} {
			w.diff(method+" of "+p.path, console("bob", method, p.path), inLine(405, "this method is not supported here",
				"Allow: GET, HEAD"))
		}
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			if got := console("", method, p.path); !strings.HasPrefix(got, "401\n") {
				t.Errorf("%s of %s without a name: %q, want text starting with %q", method, p.path, got, "401\n")
			}
		}
	}
}

// TestUploadFailsAfterRevocation checks that a client that loses the right to add files during an upload is
// rejected at the end, and that no file remains (G-14).
func TestUploadFailsAfterRevocation(t *testing.T) {
	w := newExactly(t, shared)
	const drops = "O:BAG:SYD:P(A;;0x6;;;{bob})(A;OICI;FA;;;{alice})" // and may not list
	w.folder("blind", drops)
	for _, taken := range []bool{false, true} {
		w.describe("blind", drops)
		q := w.newRequest("bob")
		left := w.present()
		enter := func() (func(), error) { return func() {}, nil } // the conditions hold
		u, err := q.upload(place{"share", `blind\x`}, dav.Creation{Enter: enter})
		w.must(err)
		for _, part := range []string{"fr", "es", "h"} {
			check.NoError(t, check.Err(u.Write([]byte(part))))
		}
		want := "x"
		if taken {
			w.describe("blind", own)
			want = ""
		}
		_, _, err = u.Commit()
		var refused *refusal
		check.That(t, errors.As(err, &refused) == taken && (!taken || refused.status == ntstatus.AccessDenied),
			"G-14: right revoked %t: error %v, want access denied exactly if it was revoked", taken, err)
		w.must(u.Close())
		check.Equal(t, w.entries("blind"), want, "G-14: right revoked %t: the directory", taken)
		check.That(t, taken || w.content("blind/x") == "fresh", "the file has %q, want fresh", w.content("blind/x"))
		_ = os.Remove(filepath.Join(w.root, "blind/x"))
		if now := w.present(); now != left {
			t.Errorf("G-14: right revoked %t: open objects %v, before the request %v, want %v", taken, now, left, left)
		}
	}
}

// TestMovesAndCopiesReturnFullResponses checks complete responses to MKCOL, COPY and MOVE, and the tree afterwards:
// with and without Overwrite, from and to hidden names, and with client properties (G-8, G-12). A failed condition does
// not change the response to a request that is refused anyway (G-45).
func TestMovesAndCopiesReturnFullResponses(t *testing.T) {
	w := newExactly(t, shared, func(c *Config) { c.Trees = []string{"share", "other"} })
	w.folder("dir", shared)
	w.file("dir/f", "f", shared)
	w.file("told", "told", "O:BAG:SYD:P(A;;FA;;;{alice})(A;;0x20089;;;{bob})")
	w.file("hers", "hers", own)
	w.file("facts", "x", "O:BAG:SYD:P(A;;FA;;;{alice})(A;;0x20080;;;{bob})")
	w.folder("unlisted", "O:BAG:SYD:P(A;OICI;FA;;;{alice})(A;;0x20080;;;{bob})")
	w.folder("deep", own)
	w.folder("his", "O:BAG:SYD:P(A;OICI;FA;;;{bob})")
	w.file("his/f", "f", "O:BAG:SYD:P(A;;FA;;;{bob})")
	w.file("his/hers", "hers", own)
	w.folder("blind", "O:BAG:SYD:P(A;;0x6;;;{bob})(A;OICI;FA;;;{alice})") // bob adds files and does not list
	w.file("blind/hers", "hers", own)
	w.folder("dirs", "O:BAG:SYD:P(A;;FRFX;;;{bob})(A;;0x4;;;{bob})(A;OICI;FA;;;{alice})")
	w.folder("files", "O:BAG:SYD:P(A;;FRFX;;;{bob})(A;;0x2;;;{bob})(A;OICI;FA;;;{alice})")
	into := inLine(403, "the destination is inside the source")
	nowhere := inLine(403, "nothing can be created there")
	made, replaced := answered(201, ""), answered(204, "")
	for i, c := range []struct{ user, method, path, to, overwrite, want string }{
		{"alice", "MKCOL", "/share/new", "", "", made},
		{"alice", "MKCOL", "/share/new", "", "", inTheWay}, {"alice", "MKCOL", "/share/told/", "", "", inTheWay},
		{"alice", "MKCOL", "/share/none/x", "", "", saysMissing}, {"alice", "MKCOL", "/share/told/x", "", "", saysMissing},
		{"alice", "MKCOL", "/share", "", "", inLine(403, "the root of a tree cannot be changed")},
		{"alice", "MKCOL", "/none/x", "", "", saysDenied},
		{"bob", "MKCOL", "/share/x", "", "", missing("/share", "D:write-content", "D:bind")},
		{"bob", "MKCOL", "/share/deep/x", "", "", saysDenied}, {"carol", "MKCOL", "/share/x", "", "", saysDenied},
		{"bob", "MKCOL", "/share/deep/x/y", "", "", saysMissing},
		{"alice", "COPY", "/share/dir", "/share/dir", "", into}, {"alice", "MOVE", "/share/dir", "/share/dir/x", "", into},
		{"alice", "COPY", "/share/dir", "/share/dir2", "", made},
		{"alice", "COPY", "/share/dir", "/share", "", nowhere}, {"alice", "COPY", "/share/dir", "/none/x", "", saysDenied},
		{"alice", "COPY", "/share/dir", "/share/x:y", "", badCharacter},
		{"alice", "MOVE", "/share/dir", "/other/x", "", inLine(502, "the destination is in another tree: copy it")},
		{"alice", "MOVE", "/share/dir", "/none/x", "", saysDenied},
		{"alice", "COPY", "/share/dir", "/share/dir2", "F", inLine(412, "precondition failed")},
		{"alice", "COPY", "/share/dir", "/share/dir2", "T", replaced},
		{"alice", "COPY", "/share/told", "/share/told2", "", made},
		{"alice", "COPY", "/share/told", "/share/told2", "", replaced},
		{"alice", "MOVE", "/share/told2", "/share/new/told", "", made},
		{"alice", "MOVE", "/share/dir2", "/share/new/told", "F", inLine(412, "precondition failed")},
		{"alice", "MOVE", "/share/dir2", "/share/new/told", "T", replaced},
		{"alice", "MOVE", "/share", "/share/x", "", inLine(403, "the root of a tree cannot be changed")},
		{"alice", "MOVE", "/share/none", "/share/x", "", saysAbsent}, {"bob", "COPY", "/share/none", "/share/x", "",
			saysAbsent},
		{"carol", "COPY", "/share/dir", "/share/x", "", saysAbsent},
		{"bob", "MOVE", "/share/told", "/share/his/x", "", missing("/share/told", "R:delete")},
		{"bob", "MOVE", "/share/hers", "/share/his/x", "", saysDenied},
		{"bob", "COPY", "/share/hers", "/share/his/x", "", saysDenied},
		{"bob", "COPY", "/share/told", "/share/x", "", missing("/share", "D:write-content", "D:bind")},
		{"bob", "COPY", "/share/told", "/share/deep/x/y", "", saysMissing},
		{"bob", "COPY", "/share/facts", "/share/his/x", "", missing("/share/facts", "D:read")},
		{"bob", "COPY", "/share/unlisted", "/share/his/x", "", missing("/share/unlisted", "D:read")},
		{"bob", "COPY", "/share/his/f", "/share/told", "", missing("/share/told", "D:write-content", "D:bind")},
		{"bob", "MOVE", "/share/his/f", "/share/told", "", missing("/share/told", "R:delete")},
		{"bob", "COPY", "/share/his", "/share/told", "", missing("/share/told", "R:delete")},
		{"bob", "COPY", "/share/told", "/share/his/told", "", made},
		{"bob", "MOVE", "/share/his/told", "/share/x", "", missing("/share", "D:write-content", "D:bind")},
		{"bob", "MOVE", "/share/his/f", "/share/his/hers", "F", inLine(412, "precondition failed")},
		{"bob", "MOVE", "/share/his/f", "/share/his/g", "", made},
		{"bob", "COPY", "/share/his", "/share/his2", "", missing("/share", "D:write-content", "D:bind")},
		{"bob", "MKCOL", "/share/dirs/x", "", "", made}, {"bob", "COPY", "/share/told", "/share/files/y", "", made},
		{"bob", "MKCOL", "/share/files/x", "", "", missing("/share/files", "D:write-content", "D:bind")},
		{"bob", "COPY", "/share/told", "/share/dirs/y", "", missing("/share/dirs", "D:write-content", "D:bind")},
	} {
		headers := []string{}
		if c.to != "" {
			headers = append(headers, "Destination", c.to)
		}
		if c.overwrite != "" {
			headers = append(headers, "Overwrite", c.overwrite)
		}
		what := fmt.Sprintf("%d: %s %s to %s by %s", i, c.method, c.path, c.to, c.user)
		for _, failing := range [][2]string{{"If-Match", `"x"`}, {"If", `(["x"])`}} {
			want := "412"
			if c.want[0] > '3' {
				want = c.want[:3]
			}
			if got := w.change(c.user, c.method, c.path, "", append(headers, failing[:]...)...); got[:3] != want {
				t.Errorf("G-45: %s with %s: %s, want %s", what, failing[0], got, want)
			}
		}
		w.diff(what, w.change(c.user, c.method, c.path, "", headers...), c.want)
	}
	w.diff("MKCOL of a hidden name", w.change("bob", "MKCOL", "/share/blind/hers", ""), saysDenied)
	for dir, want := range map[string]string{"": "blind deep dir dirs facts files hers his new told unlisted",
		"new": "told", "new/told": "f", "his": "g hers told", "dir": "f", "dirs": "x", "files": "y"} {
		check.Equal(t, w.entries(dir), want, "the entries of %q", dir)
	}
}

// TestHiddenNamesHaveTheAnswerOfFreeOnes checks that a client that may not create a resource gets the same response for
// a hidden file, a hidden folder and a free name, even if the owner of the hidden one has locked it. In a hidden folder
// it is the response of a missing folder (G-8, G-12).
func TestHiddenNamesHaveTheAnswerOfFreeOnes(t *testing.T) {
	w := newExactly(t, shared)
	w.file("his", "f", "O:BAG:SYD:P(A;;FA;;;{bob})")
	w.folder("r&d", "O:BAG:SYD:P(A;;0x20000;;;{bob})(A;OICI;FA;;;{alice})") // bob may read the descriptor only
	w.folder("deep", own)
	w.folder("deep/in", own)
	for dir, code := range map[string]string{"r&d": "403", "deep": "403", "deep/in": "409", "none": "409"} {
		folder := "/share/" + dir + "/"
		if dir != "none" {
			w.file(dir+"/hers", "hers", own)
			w.folder(dir+"/dir", own)
		}
		for _, name := range []string{"hers", "dir"} {
			l := dav.Lock{User: w.sids["alice"].String(), Root: dav.Path(folder + name)}
			_, _, err := w.g.dav.Locks.Add(l, time.Hour)
			w.must(err)
		}
		for method, body := range map[string]string{"PUT": "x", "MKCOL": "", "LOCK": davcases.LockXML, "COPY": "",
			"MOVE": ""} {
			answer := func(name string) string {
				if method == "COPY" || method == "MOVE" {
					return w.change("bob", method, "/share/his", "", "Destination", folder+name)
				}
				return w.change("bob", method, folder+name, body)
			}
			free := answer("free")
			check.Equal(t, free[:3], code, "G-12: %s of a free name in %s", method, dir)
			check.That(t, code == "403" || free == saysMissing, "G-12: %s in %s: %s", method, dir, free)
			w.diff(method+" of a hidden file in "+dir, answer("hers"), free)
			w.diff(method+" of a hidden folder in "+dir, answer("dir"), free)
		}
	}
}

// TestFailedConditionOfRestorerLeavesNothing checks that a client whose restore privilege replaces the right to add a
// file or a folder gets 412 for a failed condition, and that the check of the right leaves no file (F-21, G-45).
func TestFailedConditionOfRestorerLeavesNothing(t *testing.T) {
	w := newWorldOf(t, shared, altered(func(s *token.Spec) {
		s.Privileges |= winnt.SeRestorePrivilege.Bit()
		s.EnabledPrivileges |= winnt.SeRestorePrivilege.Bit()
	}))
	w.folder("d", shared)
	w.file("f", "f", shared)
	w.want(412, "bob", "MKCOL", "/share/d/x", "", "If-Match", `"x"`)
	w.want(412, "bob", "COPY", "/share/f", "", "Destination", "/share/d/x", "If-Match", `"x"`)
	check.Equal(t, w.entries("d"), "", "G-45: the entries of d")
	w.want(201, "bob", "MKCOL", "/share/d/x", "")
}

// snapshot returns names and contents of the tree, the number of locks, and the number of files with properties.
func (w *world) snapshot() string {
	w.Helper()
	var b strings.Builder
	w.must(filepath.WalkDir(w.root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			fmt.Fprintln(&b, strings.TrimPrefix(path, w.root)+"/")
			return err
		}
		content, err := os.ReadFile(path)
		fmt.Fprintf(&b, "%s %q\n", strings.TrimPrefix(path, w.root), content)
		return err
	}))
	locks := len(w.g.dav.Locks.Active())
	w.g.props.mu.Lock()
	defer w.g.props.mu.Unlock()
	fmt.Fprintf(&b, "%d locks, %d files with properties", locks, len(w.g.props.of))
	return b.String()
}

// TestRefusedMovesRemoveNothing checks that a rejected MOVE, for missing rights or a malformed Overwrite, leaves the
// destination unchanged. A folder stays whole if one member may not be removed (G-40,
// G-41, G-42).
func TestRefusedMovesRemoveNothing(t *testing.T) {
	w := newFolders(t)
	w.file("read", "read", "O:BAG:SYD:P(A;OICI;FA;;;{alice})(A;OICI;FR;;;{bob})")
	w.file("reads/inner", "inner", "O:BAG:SYD:P(A;OICI;FA;;;{alice})(A;OICI;FR;;;{bob})")
	w.describe("reads", "O:BAG:SYD:P(A;OICI;FA;;;{alice})(A;OICI;FRFX;;;{bob})")
	const most = "O:BAG:SYD:P(A;OICI;FA;;;{alice})(A;OICI;0x1301bf;;;{bob})" // all but FILE_DELETE_CHILD
	w.describe("", most)
	w.file("half/kept", "kept", "O:BAG:SYD:P(A;OICI;FA;;;{alice})(A;OICI;FR;;;{bob})")
	w.file("half/free", "free", most)
	w.describe("half", most)
	before := w.snapshot()
	for _, c := range []struct {
		method, from, to string
		headers          []string
		want             int
	}{{"MOVE", "/share/read", "/share/file", []string{"Overwrite", "T"}, 403},
		{"MOVE", "/share/read", "/share/folder", []string{"Overwrite", "T"}, 403},
		{"MOVE", "/share/reads", "/share/file", []string{"Overwrite", "T"}, 403},
		{"MOVE", "/share/file", "/share/to", []string{"Overwrite", ""}, 400},
		{"COPY", "/share/file", "/share/reads", nil, 403}, {"COPY", "/share/folder", "/share/half", nil, 207},
		{"MOVE", "/share/folder", "/share/half", nil, 207}, {"MOVE", "/share/file", "/share/half", nil, 207},
	} {
		headers := c.headers
		if c.to != "" {
			headers = append(headers, "Destination", c.to)
		}
		got := w.ask("bob", c.method, c.from, "", headers...)
		if after := w.snapshot(); got.code != c.want || after != before {
			t.Errorf("G-40, G-41: %s %s to %s with %v: %d %s\n%s\nchanged to\n%s, want %d, %s", c.method, c.from,
				c.to, c.headers, got.code, got.body, before, after, c.want, before)
		}
	}
	w.want(204, "bob", "MOVE", "/share/file", "", "Destination", "/share/to", "Overwrite", "T")
	w.want(204, "bob", "COPY", "/share/read", "", "Destination", "/share/to", "Overwrite", "T", "Depth", "0")
	w.want(204, "bob", "DELETE", "/share/to", "", "Depth", "0")
	w.want(204, "bob", "COPY", "/share/folder", "", "Destination", "/share/half/free")
	w.want(204, "alice", "MOVE", "/share/folder", "", "Destination", "/share/half")
	if got := w.entries(""); got != "half read reads" {
		t.Errorf("G-42: %q, want half, read and reads", got)
	}
}
