package gateway

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/filetime"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/gateway/dav"
	"github.com/refmon/refmon/winnt"
)

// TestSecondCloseOfUploadDoesNothing checks that a second Close does not end a later upload's claim of the same name.
func TestSecondCloseOfUploadDoesNothing(t *testing.T) {
	left := 0
	u := &upload{q: &request{s: &session{}}, leave: func() { left++ }}
	for range 2 {
		check.NoError(t, u.Close())
	}
	check.Equal(t, left, 1, "claims that ended")
}

// TestCertificateNeedsNoOtherCredential checks that a certificate counts only if the request has no
// other credential. An unknown scheme or one without a value is not a credential (G-3, G-7).
func TestCertificateNeedsNoOtherCredential(t *testing.T) {
	w := newExactly(t, shared, func(c *Config) {
		c.Certificates = map[string]string{fmt.Sprintf("%x", sha256.Sum256([]byte("first"))): "alice"}
	})
	for _, header := range []string{"", "Bearer", "Basic", "Bearer x", "Negotiate x", "Basic !", "Basic alice"} {
		code := http.StatusUnauthorized
		if header == "" {
			code = http.StatusNotFound // the session of alice is cached now
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://files.test/share/none", nil)
		r.TLS = shown
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		rec := httptest.NewRecorder()
		w.g.Files().ServeHTTP(rec, r)
		check.Equal(t, rec.Code, code, "G-7: with %q", header)
	}
	check.That(t, fingerprint(nil) == "" && fingerprint(&tls.ConnectionState{}) == "",
		"G-7: a fingerprint of no certificate")
}

// shown is a connection whose client has shown a certificate.
var shown = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{Raw: []byte("first")}, {Raw: []byte("second")}}}

// TestUncommittedUploadLeavesNoName checks that an upload closed twice releases its files once, and that one without a
// commit, or of a disconnected client, leaves no name (G-14).
func TestUncommittedUploadLeavesNoName(t *testing.T) {
	w := newExactly(t, shared)
	w.file("old", "old", shared)
	q := w.newRequest("alice")
	left := w.present()
	for _, name := range []string{"old", "new"} {
		u := w.begin(q, name)
		other, st := q.open(place{"share", "old"}, winnt.FILE_READ_DATA, winnt.FILE_OPEN, 0)
		if _, created, err := u.Commit(); err != nil || created != (name == "new") || st != ntstatus.Success ||
			u.Close() != nil || u.Close() != nil {
			t.Fatal(err, created, st)
		}
		again, st := q.open(place{"share", "old"}, winnt.FILE_READ_DATA, winnt.FILE_OPEN, 0)
		if u.Close() != nil || st != ntstatus.Success || w.content(name) != "fresh" {
			t.Errorf("G-14: %s has %q", name, w.content(name))
		}
		q.s.release(other)
		q.s.release(again)
		if now := w.present(); now != left {
			t.Errorf("G-14: left are %v, which were %v, want %v", now, left, left)
		}
	}
	w.must(w.begin(q, "never").Close())
	unwritable := &upload{q: q, at: place{"share", "old"}, temp: 4096} // no handle
	_, err := unwritable.Write([]byte("x"))
	check.That(t, err != nil && errors.Is(unwritable.commit(), err), "G-14: a failed write: %v, then %v, want one error",
		err, unwritable.err)
	ctx, end := context.WithTimeout(t.Context(), time.Minute)
	u := w.begin(&request{g: w.g, s: q.s, ctx: ctx}, "never")
	end()
	for range 2 {
		if _, _, err := u.Commit(); !errors.Is(err, context.Canceled) {
			t.Errorf("G-14: the client left: %v, want %v", err, context.Canceled)
		}
	}
	w.must(u.Close())
	check.ErrorIs(t, check.Err(os.Stat(w.root+"/never")), fs.ErrNotExist, "G-14: it has its name: err")
	if now := w.present(); now != left {
		t.Errorf("G-14: left are %v, which were %v, want %v", now, left, left)
	}
}

// begin starts an upload and writes to it.
func (w *exactly) begin(q *request, name string) *upload {
	w.Helper()
	u, err := q.upload(place{"share", name}, dav.Creation{Replace: true})
	w.must(err)
	_, err = u.Write([]byte("fresh"))
	w.must(err)
	return u
}

// TestCommitDescribesFile checks that a commit returns the entity tag that the file has from then on: a new file, one
// in a folder that the client may not list, one that a temporary file replaced, and one whose handle collected the
// data.
func TestCommitDescribesFile(t *testing.T) {
	w := newExactly(t, shared)
	w.file("old", "old", shared)
	w.file("his", "old", "O:BAG:SYD:P(A;;FA;;;{bob})")
	w.folder("blind", "O:BAG:SYD:P(A;;0x6;;;{bob})(A;OIIO;FA;;;{bob})") // he may add files and not list them
	for name, user := range map[string]string{"new": "alice", `blind\new`: "bob", "old": "alice", "his": "bob"} {
		q, at := w.newRequest(user), place{"share", name}
		u := w.begin(q, name)
		check.Equal(t, u.temp != 0, name != "his", "%s has a temporary file", name)
		if u.temp != 0 {
			// Its time differs from that of the replacement.
			earlier := nt.FileBasic{LastWriteTime: filetime.Of(moment)}
			check.Success(t, q.s.p.do(q.ctx, func(th *nt.Thread) ntstatus.Status {
				return th.NtSetInformationFile(u.temp, nt.FileBasicInformation, earlier)
			}))
		}
		i, created, err := u.Commit()
		w.must(errors.Join(err, u.Close()))
		h := check.Result(q.open(at, winnt.FILE_READ_ATTRIBUTES, winnt.FILE_OPEN, 0))
		f := check.Result(q.facts(h))
		q.s.release(h)
		_, last := at.above()
		check.That(t, i.Tag == f.etag() && i.Name == last && i.Size == 5 && created == (last == "new"),
			"%s: created %t, %+v, want the tag %s, 5 bytes", name, created, i, f.etag())
	}
}

// cut is a body whose client disconnected.
type cut struct{ err error }

func (c cut) Read([]byte) (int, error) { return 0, c.err }

// TestBodyWithoutEOFAbortsUpload checks that a body is complete only at io.EOF, and that any other error aborts the
// upload (G-14).
func TestBodyWithoutEOFAbortsUpload(t *testing.T) {
	for err, whole := range map[error]bool{io.EOF: true, io.ErrUnexpectedEOF: false, io.ErrClosedPipe: false} {
		q := &request{ctx: t.Context()}
		u := &upload{q: q, done: true}
		if _, got := u.ReadFrom(cut{err}); (got == nil) != whole || (u.commit() == nil) != whole {
			t.Errorf("G-14: a body that ends with %v: %v", err, got)
		}
	}
}

var (
	anyTag   = regexp.MustCompile(`Etag: "[0-9a-f]+-([0-9a-f]+)"`)
	anyToken = regexp.MustCompile(`opaquelocktoken:[0-9a-f-]{36}`)
)

// change sends a request that changes something, and replaces unpredictable parts of the response.
func (w *exactly) change(user, method, path, body string, headers ...string) string {
	w.Helper()
	got := anyTag.ReplaceAllString(w.ask(user, method, path, body, headers...), `Etag: "now-$1"`)
	return anyToken.ReplaceAllString(got, "token")
}

// uploaded returns the expected response to an upload of size bytes, which has only the new tag.
func uploaded(code, size int) string { return answered(code, "", fmt.Sprintf(`Etag: "now-%x"`, size)) }

// missing returns a denial that names the missing privileges with their resources (RFC 3744, 7.1.1).
func missing(href string, privileges ...string) string {
	var b strings.Builder
	for _, p := range privileges {
		b.WriteString("<D:resource><D:href>" + href + "</D:href><D:privilege><" + p + "/></D:privilege></D:resource>")
	}
	return answered(403, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+
		`<D:error xmlns:D="DAV:" xmlns:R="https://github.com/refmon/refmon/ns/rights"><D:need-privileges>`+
		b.String()+"</D:need-privileges></D:error>\n",
		"Content-Type: application/xml; charset=utf-8", "Cache-Control: no-store")
}

var (
	saysMissing = inLine(409, "conflict (STATUS_OBJECT_PATH_NOT_FOUND)")
	failed      = inLine(412, "the file was changed or replaced")
	// The response states why Windows does not allow a name (G-11).
	badCharacter = inLine(400, `Windows does not allow this name: it has one of the characters "*/:<>?\|`)
	inTheWay     = inLine(405, "this name exists already",
		"Allow: OPTIONS, GET, HEAD, PROPFIND, PUT, DELETE, COPY, MOVE, PROPPATCH, LOCK, UNLOCK")
)

// allowOtherThanPut is the header of a 405 to PUT (RFC 9110, 15.5.6).
const allowOtherThanPut = "Allow: OPTIONS, GET, HEAD, PROPFIND, DELETE, MKCOL, COPY, MOVE, PROPPATCH, LOCK, UNLOCK"

// TestUploadConditionsAndLimitsDecidePut checks complete responses to PUT and the tree afterwards: both sides of each
// condition, missing, hidden and read-only places, and the limit of a declared and an undeclared
// length (G-11, G-12, G-14, G-15).
func TestUploadConditionsAndLimitsDecidePut(t *testing.T) {
	w := newExactly(t, shared, func(c *Config) { c.LargestUpload = 1000 })
	w.file("old", "old", "O:{alice}G:SYD:P(A;;FA;;;{alice})(A;;0x120116;;;{bob})")
	w.file("hers", "hers", own)
	w.file("told", "told", "O:BAG:SYD:P(A;;FA;;;{alice})(A;;0x20000;;;{bob})")
	w.folder("deep", own)
	w.folder("deep/in", own)
	w.folder("drop", "O:BAG:SYD:P(A;;0x6;;;{bob})(A;OICI;FA;;;{alice})")
	w.folder("r&d", "O:BAG:SYD:P(A;;0x20000;;;{bob})(A;OICI;FA;;;{alice})")
	w.file("drop/hers", "hers", own)
	w.folder("his", "O:BAG:SYD:P(A;OICI;FA;;;{bob})")
	w.setTime("old")
	tag := fmt.Sprintf(`"%s-3"`, momentTag)
	whole := strings.Repeat("0123456789", 100)
	const old, gone = "old", "no file"
	for _, c := range []struct {
		user, path, body string
		headers          []string
		want, left       string
	}{
		{"bob", "/share/old", "x", []string{"If-None-Match", `"x", ` + tag}, failed, old},
		{"alice", "/share/free", "x", []string{"If-Match", tag}, failed, gone},
		// A request that fails without a condition fails the same with one (RFC 9110, 13.2.1).
		{"bob", "/share/hers", "x", []string{"If-Match", tag}, saysDenied, "hers"},
		{"carol", "/share/old", "x", []string{"If-Match", tag}, saysDenied, old},
		{"bob", "/share/old", whole + "x", nil, inLine(413, "the file is larger than the gateway accepts"), old},
		{"bob", "/share/old", "first", []string{"If-Match", `"x" , ` + tag}, uploaded(204, 5), "first"},
		{"bob", "/share/old", "second", []string{"If-None-Match", tag}, uploaded(204, 6), "second"},
		{"bob", "/share/old", "", nil, uploaded(204, 0), ""}, {"bob", "/share/old", whole, nil, uploaded(204, 1000), whole},
		{"alice", "/share/new", whole, []string{"If-None-Match", "*"}, uploaded(201, 1000), whole},
		{"alice", "/share/empty", "", nil, uploaded(201, 0), ""},
		{"bob", "/share/hers", "x", nil, saysDenied, "hers"},
		{"carol", "/share/hers", "x", nil, saysDenied, "hers"}, // a hidden tree responds like one that is not served, below
		{"carol", "/share/free", "x", nil, saysDenied, gone},
		{"bob", "/share/told", "x", nil, missing("/share/told", "D:write-content", "D:bind"), "told"},
		{"bob", "/share/free", "x", nil, missing("/share", "D:write-content", "D:bind"), gone},
		{"bob", "/share/r&d/free", "x", nil, missing("/share/r&amp;d", "D:write-content", "D:bind"), gone},
		{"bob", "/share/deep/x", "x", nil, saysDenied, gone}, {"bob", "/share/deep/in/x", "x", nil, saysMissing, gone},
		{"bob", "/share/none/x", "x", nil, saysMissing, gone}, {"bob", "/share/old/x", "x", nil, saysMissing, "no file"},
		{"bob", "/share/drop/hers", "x", nil, saysDenied, "hers"},
		{"bob", "/share/drop/new", "new", nil, uploaded(201, 3), "new"},
		{"alice", "/share/his", "x", nil, inLine(405, "method not allowed (STATUS_FILE_IS_A_DIRECTORY)",
			allowOtherThanPut), ""},
		{"alice", "/share", "x", nil, inLine(403, "the root of a tree cannot be changed"), ""},
		{"alice", "/", "x", nil, inLine(405, "a file's name does not end in /", allowOtherThanPut), ""},
		{"alice", "/none/x", "x", nil, saysDenied, gone},
		{"alice", "/share/a:b", "x", nil, badCharacter, gone},
		{"alice", "/share/" + uploadPrefix + "x", "x", nil, saysDenied, gone},
	} {
		what := fmt.Sprintf("PUT %s by %s with %v", c.path, c.user, c.headers)
		w.diff(what, w.change(c.user, "PUT", c.path, c.body, c.headers...), c.want)
		if c.path == "/share/his" || !strings.HasPrefix(c.path, "/share/") {
			continue
		}
		if got := w.content(strings.TrimPrefix(c.path, "/share/")); got != c.left && (c.left != gone ||
			!strings.HasPrefix(got,
				gone)) {
			t.Errorf("G-14: %s left %.60q, want %.60q", what, got, c.left)
		}
	}
	check.Equal(t, w.entries(""), "deep drop empty hers his new old r&d told", "G-14: the tree")
	check.Equal(t, w.entries("drop"), "hers new", "G-14: the directory")
	// A LOCK is refused for the file as well, whether or not the client may add files to its folder.
	w.file("his/told", "told", "O:BAG:SYD:P(A;;FA;;;{alice})(A;;0x20000;;;{bob})")
	for _, path := range []string{"/share/told", "/share/his/told"} {
		w.diff("LOCK "+path, w.change("bob", "LOCK", path, lockBody), missing(path, "D:write-content", "D:bind"))
	}
	// An undeclared length is limited too, and nothing of a longer upload remains.
	broken := inLine(413, "the file is larger than the gateway accepts")
	w.diff("too long unsaid", w.chunked("bob", "/share/old", whole+"x"), broken)
	w.diff("too long and new", w.chunked("alice", "/share/longer", whole+"x"), broken)
	w.diff("as long as may be", w.chunked("bob", "/share/old", whole[:999]), uploaded(204, 999))
	if got := w.content("old"); got != whole[:999] || !strings.HasPrefix(w.content("longer"), gone) {
		t.Errorf("G-14: left is %.40q", got)
	}
}

// chunked uploads a body without a declared length.
func (w *exactly) chunked(user, path, body string) string {
	w.Helper()
	return w.change(user, "PUT", path, body, unsaid, "")
}

// TestDisconnectedClientDoesNotWriteInPlace checks that a client that may only write in place and disconnects within
// its body leaves the file unchanged (G-14, G-15).
func TestDisconnectedClientDoesNotWriteInPlace(t *testing.T) {
	w := newExactly(t, shared)
	w.file("old.txt", "old\n", shared)
	w.folder("fixed", "O:BAG:SYD:P(A;;0x1200a9;;;{bob})")
	w.file("fixed/his.txt", "old\n", "O:BAG:SYD:P(A;;FA;;;{bob})")
	w.want(204, "bob", "PUT", "/share/fixed/his.txt", "in place\n")
	check.Equal(t, w.content("fixed/his.txt"), "in place\n", "G-15")
	for sent, want := range map[int]int64{6: 0, 2 * readAtOnce: 2 * readAtOnce} { // body is read in whole pieces
		his := check.Must(w.newRequest("bob").upload(place{tree: "share", path: `fixed\his.txt`}, dav.Creation{}))
		broken := io.MultiReader(strings.NewReader(strings.Repeat("a", sent)), iotest.ErrReader(io.ErrUnexpectedEOF))
		n, err := his.ReadFrom(broken)
		check.That(t, n == want && errors.Is(err, io.ErrUnexpectedEOF) && his.temp == 0,
			"G-14: %d bytes, %v, temporary file %d, want %d, unexpected EOF, 0", n, err, his.temp, want)
		w.must(his.Close())
	}
	check.Equal(t, w.content("fixed/his.txt"), "in place\n", "G-14: after clients left")
	alice := w.newRequest("alice")
	kept := w.present()
	if u, err := alice.upload(place{tree: "share", path: "old.txt"}, dav.Creation{New: true}); err == nil {
		t.Fatalf("G-14: an upload of a new file replaces one: %+v", u)
	}
	check.Equal(t, w.present()[1], kept[1], "handles")
}

// leaving is the context of a client that disconnects at its n-th Err call.
type leaving struct {
	context.Context
	left *int
}

func (l leaving) Err() error {
	if *l.left--; *l.left < 0 {
		return context.Canceled
	}
	return nil
}

// TestDisconnectAtAnyCallChangesNothing checks that a client that disconnects before any call of an upload changes
// nothing: an error other than a denial never leads to a write in place, the file stays unchanged, and nothing stays
// open (G-14).
func TestDisconnectAtAnyCallChangesNothing(t *testing.T) {
	for name, user := range map[string]string{"old": "alice", "new": "alice", `fixed\his`: "bob"} {
		w := newExactly(t, shared)
		w.file("old", "old", shared)
		w.folder("fixed", "O:BAG:SYD:P(A;;0x1200a9;;;{bob})")
		w.file("fixed/his", "old", "O:BAG:SYD:P(A;;FA;;;{bob})")
		known := w.newRequest(user)
		refusals := 0
		for calls := 0; ; calls++ {
			left := calls
			q := &request{g: w.g, s: known.s, ctx: leaving{t.Context(), &left}}
			u, err := q.upload(place{"share", name}, dav.Creation{})
			if err == nil {
				check.That(t, (u.temp != 0) == (user == "alice") && (u.target != 0) == (user == "bob") &&
					u.found == (name != "new"), "G-14: %s: with %d calls it begins as %+v", name, calls, u)
				w.must(u.Close())
				break
			}
			var refused *refusal
			if refusals++; u != nil || !errors.As(err, &refused) || refused.code != http.StatusServiceUnavailable ||
				refused.status != ntstatus.Cancelled || calls > 10 {
				t.Fatalf("G-14: %s: left before call %d: %+v, %+v", name, calls, u, refused)
			}
			w.checkClean(fmt.Sprintf("%s, left before call %d", name, calls))
		}
		w.checkClean(name)
		got := w.content("old") + w.content("fixed/his") + " in " + w.entries("") + " " + w.entries("fixed")
		check.That(t, refusals >= 2 && got == "oldold in fixed old his", "G-14: %s: %d times refused; the tree holds %s",
			name, refusals, got)
	}
}

// entries returns the entries of a directory, read as root.
func (w *world) entries(name string) string {
	w.Helper()
	list := check.Must(os.ReadDir(filepath.Join(w.root, name)))
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

// attribute returns the bytes of a file's descriptor.
func (w *world) attribute(name string) string {
	w.Helper()
	b := make([]byte, 4096)
	n := check.Must(unix.Getxattr(filepath.Join(w.root, name), ntacl.Name, b))
	return string(b[:n])
}

// TestUploadIsDurableBeforeItsName checks that the contents of a new file are durable before it gets its name, also if
// the client may not open the directory (G-50).
func TestUploadIsDurableBeforeItsName(t *testing.T) {
	var disk inject.Injector
	treeFaults = disk.Do
	defer func() { treeFaults = nil }()
	w := newWorld(t, shared)
	w.folder("blind", "O:BAG:SYD:P(A;;0x6;;;{bob})(A;OICI;FA;;;{alice})") // bob adds files and does not list
	for user, path := range map[string]string{"alice": "/share/new", "bob": "/share/blind/his"} {
		before := len(disk.Ops())
		w.want(201, user, "PUT", path, "text")
		durable, named := false, false
		for _, op := range disk.Ops()[before:] {
			kind, name, _ := strings.Cut(op, " ")
			switch temp := strings.HasPrefix(name, uploadPrefix); {
			case (kind == "write" || kind == "copy" || kind == "truncate") && temp:
				durable = false
			case kind == "sync" && temp:
				durable = true
			case (kind == "link" || kind == "rename") && name == filepath.Base(path):
				if named = true; !durable {
					t.Errorf("G-50: %s gets its name before it is durable: %q", path, disk.Ops()[before:])
				}
			}
		}
		if !named {
			t.Errorf("G-50: %s does not get its name by a link or rename: %q", path, disk.Ops()[before:])
		}
	}
}

// slowly is a body that returns one part, closes a channel, and then waits for the end of its request.
type slowly struct {
	r    *http.Request
	text string
	sent chan struct{}
}

func (s *slowly) Read(b []byte) (int, error) {
	if s.text != "" {
		n := copy(b, s.text)
		s.text = s.text[n:]
		return n, nil
	}
	select {
	case <-s.sent:
	default:
		close(s.sent)
	}
	<-s.r.Context().Done()
	return 0, io.ErrUnexpectedEOF
}

// TestUploadFailsIfHostChangedName checks an upload whose name a program on the host creates or removes after the
// conditions were tested. It is 412, unless the upload may replace a file (G-38). No temporary file stays, also if the
// client may only add files (G-14).
func TestUploadFailsIfHostChangedName(t *testing.T) {
	for _, c := range []struct {
		user            string
		exists, replace bool
		left            string
	}{{"alice", false, false, "other"}, {"alice", false, true, "new"}, {"alice", true, false, "no file"},
		{"alice", true, true, "new"}, {"bob", false, false, "other"}} {
		w := newExactly(t, shared)
		w.folder("d", "O:BAG:SYD:P(A;;0x6;;;{bob})(A;OICI;FA;;;{alice})")
		change := func() { w.file("d/f", "other", forBoth) }
		if c.exists {
			change()
			change = func() { w.must(os.Remove(filepath.Join(w.root, "d/f"))) }
		}
		enter := func() (func(), error) {
			change()
			return func() {}, nil
		}
		u, err := w.newRequest(c.user).upload(place{"share", `d\f`}, dav.Creation{Enter: enter, Replace: c.replace})
		w.must(err)
		check.NoError(t, check.Err(u.Write([]byte("new"))))
		_, created, err := u.Commit()
		w.must(u.Close())
		var refused dav.Refusal
		right := errors.As(err, &refused) && refused.Code() == http.StatusPreconditionFailed
		check.That(t, (right || c.replace && err == nil && created == c.exists) &&
			strings.HasPrefix(w.content("d/f"), c.left), "G-38: %+v: %v, created %t, contents %q", c, err, created,
			w.content("d/f"))
		check.That(t, strings.TrimPrefix(w.entries("d"), "f") == "", "G-14: %+v: entries %q", c, w.entries("d"))
	}
}

// TestStagedUploadFailsForReplacedFile checks that an upload of a client that may write the file and add none fails if
// another file has the name at its end.
func TestStagedUploadFailsForReplacedFile(t *testing.T) {
	w := newExactly(t, shared)
	const his = "O:BAG:SYD:P(A;;FA;;;{bob})"
	w.file("f", "old", his)
	w.file("g", "other", his)
	u, err := w.newRequest("bob").upload(place{"share", "f"}, dav.Creation{})
	w.must(err)
	check.NoError(t, check.Err(u.Write([]byte("new"))))
	w.must(os.Rename(filepath.Join(w.root, "g"), filepath.Join(w.root, "f")))
	_, _, err = u.Commit()
	var refused *refusal
	check.That(t, u.temp == 0 && errors.As(err, &refused) && refused.status == ntstatus.ObjectNameCollision &&
		w.content("f") == "other", "staged %t: %v, %q", u.temp == 0, err, w.content("f"))
	w.must(u.Close())
}
