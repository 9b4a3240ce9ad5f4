package dav

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/internal/test/davcases"
)

// TestConformanceCasesHoldOnEngine runs the gateway's cases of RFC 9110 and RFC 4918 over a file system in memory.
func TestConformanceCasesHoldOnEngine(t *testing.T) {
	list := davcases.Read(t, "../testdata/conformance.txt")
	for i := range list {
		m := newMemory(t)
		s := &davcases.Site{T: t, Base: "http://host.test/c", Client: &http.Client{Transport: m}, Contents: m.ReadFile}
		s.Run(&list[i], list[i].Want)
	}
}

// failing returns a change that makes a call fail for names that match a pattern of package path.
func failing(call, pattern string, err error) func(*memory) {
	return func(m *memory) {
		m.refuse = func(c string, name Path) error {
			if match, _ := path.Match(pattern, string(name)); match && c == call {
				return err
			}
			return nil
		}
	}
}

// full is a refusal for want of disk space.
type full struct{ Refusal }

func (full) Condition() string { return "<D:sufficient-disk-space/>" }

// refuse returns a change that makes a call fail with status 403.
func refuse(call, pattern string) func(*memory) {
	return failing(call, pattern, Refuse(http.StatusForbidden, "access denied"))
}

// TestOptionsListClassesAndMethods checks the headers of the response to OPTIONS.
func TestOptionsListClassesAndMethods(t *testing.T) {
	w := httptest.NewRecorder()
	Options(w)
	check.DeepEqual(t, w.Header(), http.Header{"Dav": {"1, 2, 3"}, "Ms-Author-Via": {"DAV"}, "Allow": {
		"OPTIONS, GET, HEAD, PROPFIND, PUT, DELETE, MKCOL, COPY, MOVE, PROPPATCH, LOCK, UNLOCK"}}, "headers")
}

// TestStatus405ListsOtherMethods checks that a 405 lists the methods that the resource supports (RFC 9110, 15.5.6).
func TestStatus405ListsOtherMethods(t *testing.T) {
	const before, after = "OPTIONS, GET, HEAD, PROPFIND, ", "COPY, MOVE, PROPPATCH, LOCK, UNLOCK"
	for step, want := range map[string]string{"MKCOL /c/d": before + "PUT, DELETE, " + after,
		"PUT /c/f/": before + "DELETE, MKCOL, " + after, "BREW /c/f": before + "PUT, DELETE, MKCOL, " + after} {
		method, name, _ := strings.Cut(step, " ")
		w := httptest.NewRecorder()
		newMemory(t).ServeHTTP(w, httptest.NewRequest(method, name, nil))
		check.Equal(t, w.Code, 405, step)
		check.Equal(t, w.Header().Get("Allow"), want, step)
	}
}

// TestRequestsHaveDefinedEffects checks the status, a part of the response, and the tree after each request, also with
// failing calls of the file system, and both sides of each limit. An upload has at most 3 bytes.
func TestRequestsHaveDefinedEffects(t *testing.T) {
	const set = `<D:propertyupdate xmlns:D="DAV:"><D:x/><D:set><D:prop xml:lang="d&lt;e"><y xmlns="urn:y"/></D:prop>` +
		`</D:set></D:propertyupdate>`
	blanks := strings.Repeat("\t", 1<<20-len(davcases.PropertyXML))
	few := func(m *memory) { m.most, m.MostListed = 1, 1; m.write("/c/d/n", "n") }
	none := func(*memory) {}
	// A program of the host creates /c/n at this call of the file system, before the call returns. The first Stat comes
	// before the request claims its names.
	taken := func(at string) func(*memory) {
		return func(m *memory) {
			earlier := map[string]int{"Stat": 1}[at]
			m.refuse = func(call string, name Path) error {
				if call != at || name != "/c/n" || m.of[name] != nil {
					return nil
				}
				if earlier--; earlier >= 0 {
					return nil
				}
				m.write(name, "host")
				return map[string]error{"Stat": errAbsent}[call]
			}
		}
	}
	// Another request writes /c/f while this one copies a file.
	changed := func(m *memory) {
		m.refuse = func(call string, _ Path) error {
			if call == "ReadFrom" {
				m.write("/c/f", "new")
			}
			return nil
		}
	}
	names := func(n int) string {
		return `<D:propfind xmlns:D="DAV:"><D:prop>` + strings.Repeat("<D:x/>", n) + `</D:prop></D:propfind>`
	}
	patches := func(n int) string {
		return `<D:propertyupdate xmlns:D="DAV:"><D:remove><D:prop>` + strings.Repeat(`<x xmlns="x:"/>`, n) +
			`</D:prop></D:remove></D:propertyupdate>`
	}
	for _, c := range []struct {
		with  func(*memory) // a change before the last step
		steps string
		code  int
		body  string
		tree  string // "": nothing changes
	}{
		{refuse("Parse", "/c/f"), "alice PUT /f < new", 403, "access denied", ""},
		{refuse("Stat", "/c/f"), "alice PUT /f If-Match: * < new", 403, "access denied", ""},
		{refuse("ReadFrom", "/c/f"), "alice PUT /f < new", 403, "access denied", ""},
		{refuse("Commit", "/c/f"), "alice PUT /f < new", 403, "access denied", ""},
		{none, "alice PUT  < new", 403, "a root", ""},
		{none, "alice PUT /f/ < new", 405, "does not end in /", ""},
		{none, "alice PUT /f Content-Range: bytes 0-2/3 < new", 400, "Content-Range", ""},
		{refuse("Create", "/c/f"), "alice PUT /f < four", 413, "larger", ""},
		{none, `alice PUT /f If-Match: "x"; Content-Type: text/plain < new`, 412, "changed", ""},
		{none, "alice PUT /f If-Match: wrong < new", 400, "not a list of entity tags", ""},
		{refuse("Parse", "/c/t"), "alice PUT /f If: </c/t> (Not <urn:x>) < new", 412, "precondition failed", ""},
		{none, "alice PUT /f If: <http://other.test/c/f> (Not <urn:x>) < new", 412, "precondition failed", ""},
		{refuse("Removable", "/c/f"), `alice DELETE /f If-Match: "x"`, 403, "access denied", ""},
		{refuse("List", "/c/d"), "alice DELETE /d", 403, "access denied", ""},
		{refuse("Remove", "/c/d/m"), "alice DELETE /d", 207, "<D:href>/c/d/m</D:href><D:status>HTTP/1.1 403 ", ""},
		{refuse("Remove", "/c/d/&n"), "alice PUT /d/&n < new\nalice DELETE /d", 207, "<D:href>/c/d/&amp;n</D:href>",
			"d/ d/&n=new e/ f=f t=t"},
		{none, "alice DELETE /", 403, "a root", ""},
		{none, "alice DELETE /x Depth: 0", 400, "must be infinity", ""},
		{refuse("Makeable folder", "/c/n"), "alice MKCOL /n If-Match: *", 403, "access denied", ""},
		{none, `alice MKCOL /d If-Match: "x"`, 405, "exists", ""},
		{none, `alice MKCOL /f If-Match: "x"`, 405, "exists", ""},
		{none, "alice LOCK /f < exclusive\nbob MKCOL /f", 405, "exists", ""},
		{none, "alice MKCOL /", 403, "a root", ""},
		{refuse("Lockable", "/c/f"), "alice LOCK /f < exclusive", 403, "access denied", ""},
		{refuse("Stat", "/c/f"), "alice LOCK /f < exclusive", 403, "access denied", ""},
		{refuse("Create", "/c/f"), `alice LOCK /f If-Match: "x" < exclusive`, 412, "changed", ""},
		{none, "alice LOCK /f < <lockinfo/>", 400, "not XML of WebDAV", ""},
		{none, "alice LOCK /f < " + strings.Repeat(" ", largestXML+1), 413, "too long", ""},
		{refuse("Open", "/c/f"), `alice COPY /f Destination: /c/n; If-Match: "x"`, 403, "access denied", ""},
		{refuse("List", "/c/d"), `alice COPY /d Destination: /c/n; If-Match: "x"`, 403, "access denied", ""},
		{refuse("List", "/c/d"), `alice COPY /d Destination: /c/n; If-Match: "x"; Depth: 0`, 412, "changed", ""},
		{refuse("Create", "/c/t"), `alice COPY /f Destination: /c/t; If-Match: "x"`, 403, "access denied", ""},
		{refuse("Removable", "/c/t"), `alice COPY /f Destination: /c/t; If-Match: "x"`, 412, "changed", ""},
		{refuse("Removable", "/c/t"), `alice COPY /d Destination: /c/t; If-Match: "x"`, 403, "access denied", ""},
		{refuse("List", "/c/d"), `alice COPY /d Destination: /c/e; If-Match: "x"`, 403, "access denied", ""},
		{none, `alice COPY /x Destination: /c/n; If-Match: "x"`, 404, "no such name", ""},
		{refuse("Stat", "/c/n"), `alice MOVE /f Destination: /c/n; If-Match: "x"`, 403, "access denied", ""},
		{refuse("Create", "/c/n"), `alice LOCK /n If-Match: "x" < exclusive`, 403, "access denied", ""},
		{refuse("ReadFrom", "/c/n"), "alice COPY /f Destination: /c/n", 403, "access denied", ""},
		{refuse("Commit", "/c/n"), "alice COPY /f Destination: /c/n", 403, "access denied", ""},
		{refuse("Stage.Rename", "/c/n"), "alice COPY /d Destination: /c/n", 403, "access denied", ""},
		{refuse("Removable", "/c/d"), "alice COPY /e Destination: /c/d", 403, "access denied", ""},
		{func(m *memory) { m.write("/c/d/n", "n"); refuse("Removable", "/c/d/*")(m) },
			"alice COPY /e Destination: /c/d", 207, "<D:href>/c/d/n</D:href>", ""},
		{refuse("Replace", "/c/d"), "alice COPY /e Destination: /c/d", 403, "access denied", ""},
		// An incomplete copy replaces a folder only if the user may not read or write the rest (G-42).
		{refuse("Open", "/c/d/m"), "alice COPY /d Destination: /c/e", 207, "/c/e/m</D:href><D:status>HTTP/1.1 403 ",
			"d/ d/m=m e/ f=f t=t"},
		{func(m *memory) { m.write("/c/e/n", "n"); failing("Open", "/c/d/m", errLeft)(m) },
			"alice COPY /d Destination: /c/e", 207, "/c/e/m</D:href><D:status>HTTP/1.1 503 ", ""},
		{func(m *memory) { m.write("/c/e/n", "n"); failing("List", "/c/d", errLeft)(m) },
			"alice COPY /d Destination: /c/e", 503, "closed", ""},
		{func(m *memory) {
			m.write("/c/e/n", "n")
			for i := range mostParts {
				m.write(Path(fmt.Sprint("/c/d/a", i)), "")
			}
			m.refuse = func(call string, name Path) error {
				switch {
				case call == "Open" && name == "/c/d/m":
					return errLeft
				case call == "Open":
					return Refuse(http.StatusForbidden, "access denied")
				}
				return nil
			}
		}, "alice COPY /d Destination: /c/e", 207, "/c/e/a1</D:href><D:status>HTTP/1.1 403 ", ""},
		// The slash at the end of a destination does not count (G-10).
		{none, "alice COPY /f Destination: /c/n/", 201, "", "d/ d/m=m e/ f=f n=f t=t"},
		{none, "alice MOVE /d Destination: /c/n/", 201, "", "e/ f=f n/ n/m=m t=t"},
		{none, "alice COPY /x Destination: /c/n", 404, "no such name", ""},
		{none, "alice COPY /f Destination: /c/n; Depth: 1", 400, "0 or infinity", ""},
		{none, "alice COPY /f Destination: /c/t; Overwrite: t", 400, "Overwrite", ""},
		{none, "alice COPY /f Destination: /c/n#", 400, "fragment", ""}, // RFC 4918, 8.3 (G-41)
		{none, "alice MOVE /f Destination: /c/n#x", 400, "fragment", ""},
		{none, "alice COPY /f Destination: %zz", 400, "fragment", ""},
		{none, "alice COPY /f", 400, "want one Destination header", ""},
		{none, "alice MOVE /f Destination: /c/t; Overwrite: t", 400, "Overwrite", ""},
		{refuse("Parse", "/c/n"), "alice COPY /f Destination: /c/n", 403, "access denied", ""},
		{none, "alice COPY / Destination: /x/n", 409, "no such folder", ""},
		{none, "alice COPY /f Destination: /", 403, "nothing can be created there", ""},
		{none, "alice COPY /d/m Destination: /c/d", 403, "inside", ""},
		{none, "alice COPY /d/m Destination: /c/d; Depth: 0", 403, "inside", ""},
		{none, "alice COPY /d Destination: /c/d/n", 403, "inside", ""},
		{refuse("Replace", "/c/d"), "alice MOVE /e Destination: /c/d", 403, "access denied", ""},
		{refuse("Removable", "/c/t"), `alice MOVE /f Destination: /c/t; If-Match: "x"`, 403, "access denied", ""},
		{refuse("Removable", "/c/t"), `alice MOVE /f Destination: /c/t; If-Match: "x"; Overwrite: F`, 412, "failed",
			""},
		{refuse("Movable", "/c/f"), "alice MOVE /f Destination: /c/n", 403, "access denied", ""},
		{refuse("Makeable folder", "/c/n"), "alice MOVE /d Destination: /c/n", 403, "access denied", ""},
		{refuse("Stat", "/c/n"), "alice MOVE /f Destination: /c/n", 403, "access denied", ""},
		{none, "alice MOVE / Destination: /c/n", 403, "a root", ""},
		{taken("Stat"), "alice MOVE /f Destination: /c/n", 412, "just created", "d/ d/m=m e/ f=f n=host t=t"},
		{taken("Stat"), "alice MOVE /d Destination: /c/n", 412, "just created", "d/ d/m=m e/ f=f n=host t=t"},
		{taken("Stat"), "alice COPY /d Destination: /c/n", 412, "just created", "d/ d/m=m e/ f=f n=host t=t"},
		{taken("Stat"), "alice COPY /f Destination: /c/n; Overwrite: F", 412, "just created",
			"d/ d/m=m e/ f=f n=host t=t"},
		{taken("ReadFrom"), "alice COPY /f Destination: /c/n; Overwrite: F", 412, "just created",
			"d/ d/m=m e/ f=f n=host t=t"},
		{taken("ReadFrom"), "alice COPY /f Destination: /c/n", 201, "", "d/ d/m=m e/ f=f n=f t=t"},
		// Another request changes f during a COPY, whose conditions no longer hold (G-38).
		{changed, `alice COPY /f Destination: /c/n; If-Match: "1"`, 412, "changed", "d/ d/m=m e/ f=new t=t"},
		{changed, `alice COPY /f Destination: /c/t; If-Match: "1"`, 412, "changed", "d/ d/m=m e/ f=new t=t"},
		{changed, `alice COPY /f Destination: /c/d; If-Match: "1"`, 412, "changed", "d/ d/m=m e/ f=new t=t"},
		{changed, `alice COPY /d Destination: /c/n; If: </c/f> (["1"])`, 412, "failed", "d/ d/m=m e/ f=new t=t"},
		{changed, `alice COPY /d Destination: /c/e; If: </c/f> (["1"])`, 412, "failed", "d/ d/m=m e/ f=new t=t"},
		{changed, `alice COPY /d Destination: /c/n; If-Match: *`, 201, "", "d/ d/m=m e/ f=new n/ n/m=m t=t"},
		// Another request replaces the source, a folder, while this one waits for its names (G-38).
		{func(m *memory) {
			m.refuse = func(call string, _ Path) error {
				if call == "Movable" {
					delete(m.of, "/c/d/m")
					m.write("/c/d", "d")
				} else if call == "Replace" {
					return errors.New("neither the source nor the destination is a folder")
				}
				return nil
			}
		}, "alice MOVE /d Destination: /c/t", 204, "", "e/ f=f t=d"},
		{none, `alice PROPPATCH /f < <D:propertyupdate xmlns:D="DAV:"/>`, 400, "not XML of WebDAV", ""},
		{none, "alice PROPPATCH /f < " + davcases.PropertyXML + blanks + "<", 413, "too long", ""},
		{none, "alice PROPPATCH /f < " + strings.Replace(davcases.PropertyXML, "<a ", "<D:x/><a ", 1), 207,
			`<D:propstat><D:prop><a xmlns="urn:a"></a></D:prop><D:status>HTTP/1.1 424 Failed Dependency</D:status>` +
				"</D:propstat></D:response>", ""},
		{none, "alice PROPPATCH /f < " + strings.Replace(patches(1), `"x:"`, `"DAV:"`, 1), 207,
			"protected-property/></D:error></D:propstat></D:response>", ""},
		{none, "alice PROPPATCH /f < " + strings.Replace(patches(1), "x:", "&amp;", 1), 207, `<x xmlns="&amp;">`, ""},
		{none, "alice PROPPATCH /f < " + strings.Replace(patches(1), "<D:remove>", "<D:set/><D:remove>", 1), 400,
			"not XML of WebDAV", ""},
		{none, "alice PROPPATCH /f < " + patches(4*MostProperties), 207, "200 OK", ""},
		{none, "alice PROPPATCH /f < " + patches(4*MostProperties+1), 400, "not XML of WebDAV", ""},
		{none, "alice PROPFIND /f Depth: 0 < " + names(MostProperties), 207, "/c/f", ""},
		{none, "alice PROPFIND /f Depth: 0 < " + names(MostProperties+1), 400, "not XML of WebDAV", ""},
		{none, "alice PROPFIND /f Depth: 0 < " + blanks + blanks, 413, "too long", ""},
		{none, "alice PROPPATCH /x < patch", 404, "no such name", ""},
		{refuse("Patch", "/c/f"), "alice PROPPATCH /f < patch", 403, "access denied", ""},
		{failing("Patch", "/c/f", errLeft), "alice PROPPATCH /f < patch", 503, "closed", ""},
		{none, "alice PROPFIND /x Depth: 0", 404, "no such name", ""},
		{none, "alice PROPFIND /f Depth: 0 < <x", 400, "not XML of WebDAV", ""},
		{none, `alice PROPFIND /f Depth: 0 < <D:x xmlns:D="DAV:"><D:propname/></D:x>`, 400, "not XML of WebDAV", ""},
		{none, "alice PROPFIND /f Depth: 0 < " + names(0), 207, "<D:prop/><D:status>HTTP/1.1 200 OK", ""},
		{none, `alice PROPFIND /f Depth: 0 < <D:propfind xmlns:D="DAV:"><D:allprop/><D:include><D:owner/></D:include>` +
			"</D:propfind>", 207, "<D:owner>alice</D:owner>", ""},
		{none, "alice PROPFIND /d Depth: 1", 207, "</D:response>\n</D:multistatus>\n", ""},
		{none, "alice PROPFIND /d", 403, "<D:propfind-finite-depth/>", ""},
		{none, "alice PROPFIND /d Depth: Infinity", 403, "<D:propfind-finite-depth/>", ""},
		{none, "alice PROPFIND /f", 207, "/c/f", ""}, // RFC 4918, 9.1: only a collection has another depth than 0
		{none, "alice PROPFIND /f Depth: Infinity", 207, "/c/f", ""},
		{none, "alice PROPFIND /f Depth: 2", 400, "must be 0 or 1", ""},
		{none, "alice PROPFIND /x", 404, "no such name", ""},
		// A URL that ends in a slash is that of a folder (G-10).
		{none, "alice PROPFIND /f/ Depth: 0", 404, "no such name", ""},
		{none, "alice PROPPATCH /f/ < patch", 404, "no such name", ""},
		{none, "alice DELETE /f/", 404, "no such name", ""},
		{none, "alice DELETE /f/ Depth: 0", 400, "must be infinity", ""},
		{none, "alice COPY /f/ Destination: /c/n", 404, "no such name", ""},
		{none, "alice MOVE /f/ Destination: /c/n", 404, "no such name", ""},
		{none, "alice LOCK /f/ < exclusive", 405, "does not end in /", ""},
		{none, "alice LOCK /n/ < exclusive", 405, "does not end in /", ""},
		{none, "alice LOCK /d/ < exclusive", 200, "/c/d<", "d/ d/m=m e/ f=f t=t"},
		{none, "alice DELETE /d/", 204, "", "e/ f=f t=t"},
		{none, "alice PROPFIND /d Depth: 2", 400, "must be 0 or 1", ""},
		{none, "alice PROPFIND /d Depth: 0,noroot", 400, "must be 0 or 1", ""},
		{none, "alice PROPFIND /d Depth: 1,NoRoot", 207, "/c/d/m", ""}, // RFC 5234, 2.3
		{none, `alice PROPFIND /d Depth: 0 < <D:propfind xmlns:D="DAV:"><D:propname/><D:allprop/></D:propfind>`, 400,
			"not XML of WebDAV", ""},
		{none, `alice PROPFIND /d Depth: 0 < <D:propfind xmlns:D="DAV:"><D:propname/><D:prop/></D:propfind>`, 400,
			"not XML of WebDAV", ""},
		{refuse("List", "/c/d"), "alice PROPFIND /d Depth: 1", 207, "/c/d/", ""},
		{failing("List", "/c/d", errAbsent), "alice PROPFIND /d Depth: 1", 207, "/c/d/", ""},
		{failing("List", "/c/d", errLeft), "alice PROPFIND /d Depth: 1", 503, "closed", ""},
		{failing("List", "/c/d", errLeft), "alice PROPFIND /d Depth: 0", 207, "/c/d/", ""},
		{few, "alice DELETE /d", 507, "too many", "d/ d/n=n e/ f=f t=t"},
		{few, "alice COPY /e Destination: /c/d", 507, "too many", "d/ d/m=m d/n=n e/ f=f t=t"},
		{few, "alice COPY /d Destination: /c/n", 507, "too many", "d/ d/m=m d/n=n e/ f=f t=t"},
		{few, "alice PROPFIND /d Depth: 1", 507, "too many", "d/ d/m=m d/n=n e/ f=f t=t"},
		{func(m *memory) { m.MostListed = 1 }, "alice PROPFIND /d Depth: 1", 207, "/c/d/m", ""},
		{refuse("Stat", "/c/d/m"), "alice LOCK /d/m < exclusive\nbob DELETE /d", 423, "<D:lock-token-submitted/>", ""},
		{refuse("Stat", "/c/d/m"), "alice LOCK /d/m < exclusive\nbob LOCK /d < exclusive", 423,
			"<D:no-conflicting-lock/>", ""},
		{none, "alice LOCK /d/m < exclusive\nbob DELETE /d", 207, "423 Locked</D:status><D:error><D:lock-token-submitted>",
			""},
		{refuse("Stat", "/c/f"), "alice LOCK /f < exclusive\nbob DELETE /f", 403, "access denied", ""},
		{none, "alice LOCK /d/m < exclusive\nbob PROPPATCH /d < patch", 207, "200 OK", "d/ d/m=m e/ f=f t=t"},
		{refuse("Makeable folder", "/c/.hidden*/g"), "alice MKCOL /d/g\nalice COPY /d Destination: /c/n", 207,
			"<D:href>/c/n/g</D:href><D:status>HTTP/1.1 403 ", "d/ d/g/ d/m=m e/ f=f n/ n/m=m t=t"},
		{refuse("Makeable folder", "/c/.hidden*"), "alice COPY /e Destination: /c/n", 403, "access denied", ""},
		{none, "alice LOCK /& < exclusive\nalice PROPFIND /& Depth: 0", 207, "<D:displayname>&amp;</D:displayname>", ""},
		{none, "alice LOCK /a%20b < exclusive\nbob DELETE /a%20b", 423, "<D:href>/c/a%20b</D:href>", ""},
		{refuse("Open", "/c/d/m"), "alice COPY /d Destination: /c/n", 207,
			"<D:href>/c/n/m</D:href><D:status>HTTP/1.1 403 ", "d/ d/m=m e/ f=f n/ t=t"},
		{refuse("Patch", "/c/.hidden*"), "alice PROPPATCH /d < patch\nalice COPY /d Destination: /c/n", 403,
			"access denied", "d/ d/m=m e/ f=f n/ t=t"},
		{refuse("Patch", "/c/n"), "alice COPY /f Destination: /c/n", 201, "", "d/ d/m=m e/ f=f n=f t=t"},
		{refuse("Remove", "/c/.hidden*/m"), "alice COPY /e Destination: /c/d", 207,
			"<D:href>/c/d%20%28old%29/m</D:href>", "d/ d (old)/ d (old)/m=m e/ f=f t=t"},
		{refuse("Remove", "/c/.hidden*/m"), "alice MOVE /e Destination: /c/d", 207,
			"<D:href>/c/d%20%28old%29/m</D:href>", "d/ d (old)/ d (old)/m=m f=f t=t"},
		{func(m *memory) {
			m.refuse = func(call string, name Path) error {
				if strings.HasPrefix(string(name), "/c/.hidden") && (call == "Patch" || call == "Remove") {
					return Refuse(http.StatusForbidden, "access denied")
				}
				return nil
			}
		}, "alice PROPPATCH /e < patch\nalice COPY /e Destination: /c/d", 207,
			"<D:href>/c/d%20%28old%29<", "d/ d (old)/ d (old)/m=m e/ f=f t=t"},
		{refuse("Makeable folder", "/c/.hidden*"), "alice COPY /d Destination: /c/e/n", 201, "",
			"d/ d/m=m e/ e/n/ e/n/m=m f=f t=t"},
		{refuse("Replace", "/c/t"), "alice COPY /f Destination: /c/t", 204, "", "d/ d/m=m e/ f=f t=f"},
		{none, "alice MKCOL /d/g\nalice COPY /d Destination: /c/n", 201, "", "d/ d/g/ d/m=m e/ f=f n/ n/g/ n/m=m t=t"},
		{none, "alice COPY /d Destination: /c/d/n; Depth: 0", 201, "", "d/ d/m=m d/n/ e/ f=f t=t"},
		{failing("Makeable folder", "/c/n", errors.New("secret")), "alice MKCOL /n", 500, "the request failed", ""},
		{failing("Makeable folder", "/c/n", fmt.Errorf("%w", errAbsent)), "alice MKCOL /n", 404, "no such name", ""},
		{none, "alice DELETE /d Depth: Infinity", 204, "", "e/ f=f t=t"},
		{none, "alice DELETE /f Depth: 0", 204, "", "d/ d/m=m e/ t=t"},
		{none, "alice PUT /f Overwrite: t < new", 204, "", "d/ d/m=m e/ f=new t=t"},
		{none, "alice PUT /f If: (<urn:x>); If: (Not <urn:x>) < new", 204, "", "d/ d/m=m e/ f=new t=t"},
		{none, "alice PROPPATCH /f < " + davcases.PropertyXML + blanks, 207, "200 OK", "d/ d/m=m e/ f=f t=t"},
		{none, "alice PROPPATCH /f < " + set + "\nalice PROPFIND /f Depth: 0", 207,
			`<y xmlns="urn:y" xml:lang="d&lt;e"></y>`, ""},
		{failing("Patch", "/c/f", errTooMany), "alice PROPPATCH /f < patch", 207,
			`<a xmlns="urn:a"></a></D:prop><D:status>HTTP/1.1 507 `, ""},
		{failing("Patch", "/c/f", full{errTooMany}), "alice PROPPATCH /f < patch", 207,
			` 507 Insufficient Storage</D:status><D:error><D:sufficient-disk-space/></D:error></D:propstat>`, ""},
		{failing("ReadFrom", "/c/.hidden*/m", full{errTooMany}), "alice MKCOL /d/g\nalice COPY /d Destination: /c/n", 207,
			` 507 Insufficient Storage</D:status><D:error><D:sufficient-disk-space/></D:error></D:response>`,
			"d/ d/g/ d/m=m e/ f=f n/ n/g/ t=t"},
	} {
		m := newMemory(t)
		m.LargestUpload = 3
		step, next, two := strings.Cut(c.steps, "\n")
		if two {
			m.run(step)
			step = next
		}
		c.with(m)
		before := m.state()
		code, body := m.run(step)
		got := m.tree()
		check.That(t, code == c.code && strings.Contains(body, c.body) &&
			(got == c.tree || c.tree == "" && m.state() == before),
			"%.200s: %d %s\n%s, want %d with %q\n%s", c.steps, code, body, got, c.code, c.body, c.tree)
	}
}
