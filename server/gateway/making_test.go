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

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestRefusedToMake: all of what is told of each status of a creation, where the name is seen and where it is free, in
// a directory that may not be listed, in one that is hidden, in a tree that is not served, and of a name that no file
// can have (G-9, G-11, G-12).
func TestRefusedToMake(t *testing.T) {
	w := newExactly(t, shared)
	w.file("hers", "x", own)
	w.folder("deep", own)
	w.folder("deep/in", own)
	q := w.of("bob")
	places := []place{{"share", "hers"}, {"share", "none"}, {"share", `deep\x`}, {"share", `deep\in\x`}, {"other", "x"},
		{"share", "a:b"}}
	above := []place{{"share", ""}, {"share", ""}, {"share", "deep"}, {"share", `deep\in`}, {"other", ""}, {"share", ""}}
	each := func(code int) [6]int { return [6]int{code, code, code, code, 403, 403} }
	for st, want := range map[ntstatus.Status][6]int{
		ntstatus.ObjectNameNotFound: each(409), ntstatus.ObjectPathNotFound: each(409), ntstatus.NotADirectory: each(409),
		ntstatus.ObjectNameInvalid: each(403), ntstatus.PrivilegeNotHeld: each(403), ntstatus.DiskFull: each(507),
		ntstatus.SharingViolation: each(423), ntstatus.AuditFailed: each(503), ntstatus.InvalidParameter: each(500),
		ntstatus.ObjectNameCollision: {405, 403, 403, 403, 403, 403},
		ntstatus.FileIsADirectory:    {405, 403, 403, 403, 403, 403},
		ntstatus.AccessDenied:        {403, 403, 403, 409, 403, 403},
	} {
		for i, at := range places {
			what := fmt.Sprintf("G-12: %v of %v", st, at)
			told := st
			if want[i] == 409 || slices.Contains([]ntstatus.Status{ntstatus.ObjectNameNotFound, ntstatus.NotADirectory}, st) {
				told = ntstatus.ObjectPathNotFound // a hidden directory is as a missing one
			}
			got := q.refusedToMake(at, winnt.FILE_WRITE_DATA, st)
			w.stays(what)
			// Who may read the directory's descriptor is told what is lacking there.
			why := st == ntstatus.AccessDenied && above[i] == place{"share", ""}
			if strings.HasPrefix(got.why, "FILE_WRITE_DATA is asked for\n\n") != why || why == (got.why == "") {
				t.Errorf("%s: because %q, want reasons %t", what, got.why, why)
			}
			if got.why = ""; *got != (refusal{want[i], told, above[i], winnt.FILE_WRITE_DATA, ""}) {
				t.Errorf("%s: %+v, want %d, %v in %v", what, *got, want[i], told, above[i])
			}
		}
	}
}

// TestMovedProperties: what is kept of a file and of all below it follows a rename, within a tree and to another one;
// nothing of it stays behind, and what the names of others begin with moves not.
//
// +checklocksignore
func TestMovedProperties(t *testing.T) {
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
		b := newPropbook()
		for i, at := range []place{{"share", "d"}, {"share", `d\f`}, {"share", `d\f\d`}, {"share", "dd"}, {"share", "e"},
			{"other", "d"}, {"other", `d\f`}} {
			b.of[at] = &properties{file: uint64(i + 1)}
		}
		b.move(c.from, c.to)
		got := map[place]uint64{}
		for at, p := range b.of {
			got[at] = p.file
		}
		if !maps.Equal(got, c.want) {
			t.Errorf("%v becomes %v: %v, want %v", c.from, c.to, got, c.want)
		}
	}
}

// TestHeadsOfPages: HEAD of each page of the console has the headers of GET and no body, for a client that is known
// alone; no page is served by another method.
func TestHeadsOfPages(t *testing.T) {
	w := newExactly(t, shared)
	console := func(user, method, path string) string { return w.askOf(w.g.Console(), user, method, path, "") }
	for _, p := range consolePages {
		head, _, _ := strings.Cut(console("bob", http.MethodGet, p.path), "\n\n")
		w.same("HEAD of "+p.path, console("bob", http.MethodHead, p.path), ownPage(""))
		w.same("GET of "+p.path, head+"\n\n", ownPage(""))
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodOptions} {
			w.same(method+" of "+p.path, console("bob", method, p.path), inLine(405, "this method is not served",
				"Allow: GET, HEAD"))
		}
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			if got := console("", method, p.path); !strings.HasPrefix(got, "401\n") {
				t.Errorf("%s of %s without a name: %q", method, p.path, got)
			}
		}
	}
}

// TestTakenAwayMeanwhile: a client who may add files to a directory when an upload begins, and not when it ends, is
// refused as one who may not; nothing has the name, and nothing stays beside it (G-14).
func TestTakenAwayMeanwhile(t *testing.T) {
	w := newExactly(t, shared)
	const drops = "O:BAG:SYD:P(A;;0x6;;;{bob})(A;OICI;FA;;;{alice})" // and does not list
	w.folder("blind", drops)
	for _, taken := range []bool{false, true} {
		w.describe("blind", drops)
		q := w.of("bob")
		left := w.now()
		u, refused := q.upload(place{"share", `blind\x`})
		if refused != nil {
			t.Fatal(refused)
		}
		if _, err := u.Write([]byte("fresh")); err != nil {
			t.Fatal(err)
		}
		want := "x"
		if taken {
			w.describe("blind", own)
			want = ""
		}
		err := u.Close()
		if (err != nil) != taken || taken && (!errors.Is(err, fs.ErrPermission) || q.refusal() == nil ||
			q.refusal().status != ntstatus.AccessDenied) {
			t.Errorf("G-14: taken away %t: %v, %+v", taken, err, q.refusal())
		}
		if got := w.entries("blind"); got != want {
			t.Errorf("G-14: taken away %t: the directory has %q, want %q", taken, got, want)
		}
		_ = os.Remove(filepath.Join(w.root, "blind/x"))
		if now := w.now(); now != left {
			t.Errorf("G-14: taken away %t: left are %v, which were %v", taken, now, left)
		}
	}
}
