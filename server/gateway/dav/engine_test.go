package dav

import (
	"errors"
	"net/http"
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

// refusing returns a function for memory.refuse that refuses one call with 403.
func refusing(call string, name Path) func(string, Path) error {
	return func(c string, n Path) error {
		if c == call && n == name {
			return Refuse(http.StatusForbidden, "access denied")
		}
		return nil
	}
}

// TestRefusedStepsHaveDefinedEffects checks the status, a part of the response, and the tree after requests of which
// the file system refuses a step, and after requests beyond a limit.
func TestRefusedStepsHaveDefinedEffects(t *testing.T) {
	const tree = "d/ d/m=m e/ f=f t=t"
	blanks := strings.Repeat("\t", 1<<20-len(davcases.PropertyXML))
	hide := refusing("Stat", "/c/d/m")
	few := func(m *memory) { m.most = 1; m.put("/c/d/n", "n") }
	refuse := func(call string, name Path) func(*memory) {
		return func(m *memory) { m.refuse = refusing(call, name) }
	}
	for _, c := range []struct {
		name  string
		first string // steps before
		with  func(*memory)
		step  string
		code  int
		says  string
		tree  string
	}{
		{"a member stays", "", refuse("Remove", "/c/d/m"), "alice DELETE /d", 207,
			"<D:href>/c/d/m</D:href><D:status>HTTP/1.1 403 ", tree},
		{"too many members to remove", "", few, "alice DELETE /d", 507, "too many", "d/ d/n=n e/ f=f t=t"},
		{"too many members to replace", "", few, "alice COPY /e Destination: /c/d", 507, "too many",
			"d/ d/m=m d/n=n e/ f=f t=t"},
		{"too many members to copy", "", few, "alice COPY /d Destination: /c/n", 507, "too many",
			"d/ d/m=m d/n=n e/ f=f t=t"},
		{"too many members to list", "", func(m *memory) { m.MostListed = 1 }, "alice PROPFIND /d Depth: 1", 207,
			"/c/d/m", tree},
		{"more members to list", "", func(m *memory) { m.MostListed = 1; m.put("/c/d/n", "n") },
			"alice PROPFIND /d Depth: 1", 507, "too many", "d/ d/m=m d/n=n e/ f=f t=t"},
		{"a locked member that is hidden", "alice LOCK /d/m < exclusive", func(m *memory) { m.refuse = hide },
			"bob DELETE /d", 423, "<D:lock-token-submitted/>", tree},
		{"a conflict that is hidden", "alice LOCK /d/m < exclusive", func(m *memory) { m.refuse = hide },
			"bob LOCK /d < exclusive", 423, "<D:no-conflicting-lock/>", tree},
		{"a copy without a member", "", func(m *memory) {
			m.refuse = func(call string, name Path) error { return refusing(call, name)("Open", "/c/d/m") }
		}, "alice COPY /d Destination: /c/n", 207, "<D:href>/c/n/m</D:href><D:status>HTTP/1.1 403 ",
			"d/ d/m=m e/ f=f n/ t=t"},
		{"a folder without its properties", "alice PROPPATCH /d < patch", func(m *memory) {
			m.refuse = func(call string, name Path) error { return refusing("Patch", name)(call, name) }
		}, "alice COPY /d Destination: /c/n", 403, "access denied", "d/ d/m=m e/ f=f n/ t=t"},
		{"an old folder that stays", "", func(m *memory) {
			m.refuse = func(call string, name Path) error {
				if strings.HasPrefix(string(name), "/c/.hidden") && strings.HasSuffix(string(name), "/m") {
					return refusing("Remove", name)(call, name)
				}
				return nil
			}
		}, "alice COPY /e Destination: /c/d", 207, "<D:href>/c/d%20%28old%29/m</D:href>",
			"d/ d (old)/ d (old)/m=m e/ f=f t=t"},
		{"a condition and no right to the destination", "", refuse("Movable", "/c/t"),
			"alice MOVE /f Destination: /c/t; If-Match: \"x\"", 403, "access denied", tree},
		{"a condition and another method", "", refuse("Movable", "/c/t"),
			"alice COPY /f Destination: /c/t; If-Match: \"x\"", 412, "changed", tree},
		{"a condition and Overwrite F", "", refuse("Movable", "/c/t"),
			"alice MOVE /f Destination: /c/t; If-Match: \"x\"; Overwrite: F", 412, "changed", tree},
		{"a condition and no right to read the source", "", refuse("Open", "/c/f"),
			"alice COPY /f Destination: /c/n; If-Match: \"x\"", 403, "access denied", tree},
		{"a condition and a folder alone", "", refuse("List", "/c/d"),
			"alice COPY /d Destination: /c/n; If-Match: \"x\"; Depth: 0", 412, "changed", tree},
		{"a condition and a lock of a file", "", refuse("Create", "/c/f"), "alice LOCK /f If-Match: \"x\" < exclusive",
			412, "changed", tree},
		{"a condition and a body", "", nil, "alice PUT /f If-Match: \"x\"; Content-Type: text/plain < new", 412,
			"changed", tree},
		{"no right to move", "", refuse("Movable", "/c/f"), "alice MOVE /f Destination: /c/n", 403, "access denied", tree},
		{"a destination that fails", "", refuse("Stat", "/c/n"), "alice MOVE /f Destination: /c/n", 403,
			"access denied", tree},
		{"a locked file that is hidden", "alice LOCK /f < exclusive", refuse("Stat", "/c/f"), "bob DELETE /f", 403,
			"access denied", tree},
		{"a replacement that fails", "", refuse("Replace", "/c/d"), "alice COPY /e Destination: /c/d", 403,
			"access denied", tree},
		{"a name that is taken", "", refuse("Stage.Rename", "/c/n"), "alice COPY /d Destination: /c/n", 403,
			"access denied", tree},
		{"an unknown error", "", func(m *memory) {
			m.refuse = func(string, Path) error { return errors.New("secret") }
		}, "alice MKCOL /n", 500, "the request failed", tree},
		{"Overwrite in another case", "", nil, "alice COPY /f Destination: /c/t; Overwrite: t", 400, "Overwrite", tree},
		{"Depth in another case", "", nil, "alice DELETE /d Depth: Infinity", 204, "", "e/ f=f t=t"},
		{"a file with a slash", "", nil, "alice PUT /f/ < new", 405, "does not end in /", tree},
		{"a body of 1 MiB", "", nil, "alice PROPPATCH /f < " + davcases.PropertyXML + blanks, 207, "200 OK", tree},
		{"a body of more", "", nil, "alice PROPPATCH /f < " + davcases.PropertyXML + blanks + "<", 413, "", tree},
		{"a condition and no right to create", "", refuse("Makeable folder", "/c/n"), "alice MKCOL /n If-Match: *", 403,
			"access denied", tree},
		{"an unknown element", "", nil, `alice PROPPATCH /f < <D:propertyupdate xmlns:D="DAV:"><D:x/><D:set><D:prop>` +
			`<y xmlns="urn:y"/></D:prop></D:set></D:propertyupdate>`, 207, "200 OK", tree},
		{"a root to move", "", nil, "alice MOVE / Destination: /c/n", 403, "a root", tree},
		{"a root to create", "", nil, "alice MKCOL /", 403, "a root", tree},
		{"the source inside the destination", "", nil, "alice COPY /d/m Destination: /c/d", 403, "inside", tree},
		{"the destination inside the source", "", nil, "alice COPY /d Destination: /c/d/n", 403, "inside", tree},
		{"the folder alone", "", nil, "alice COPY /d Destination: /c/d/n; Depth: 0", 201, "", "d/ d/m=m d/n/ e/ f=f t=t"},
		{"a part of a file", "", nil, "alice PUT /f Content-Range: bytes 0-2/3 < new", 400, "Content-Range", tree},
		{"the largest file", "", func(m *memory) { m.LargestUpload = 3 }, "alice PUT /f < new", 204, "",
			"d/ d/m=m e/ f=new t=t"},
		{"a larger file", "", func(m *memory) { m.LargestUpload = 3 }, "alice PUT /f < news", 413, "larger", tree},
		{"a list of another server", "", nil, "alice PUT /f If: <http://other.test/c/f> (Not <DAV:no-lock>) < new", 412,
			"precondition failed", tree},
		{"no space for properties", "", func(m *memory) {
			m.refuse = func(call string, _ Path) error {
				if call == "Patch" {
					return errTooMany
				}
				return nil
			}
		}, "alice PROPPATCH /f < patch", 207, `<a xmlns="urn:a"></a></D:prop><D:status>HTTP/1.1 507 `, tree},
		{"a protected property", "", nil, `alice PROPPATCH /f < <D:propertyupdate xmlns:D="DAV:"><D:remove><D:prop>` +
			`<D:getetag/><D:x/><y xmlns="urn:y"/></D:prop></D:remove></D:propertyupdate>`, 207,
			`<D:propstat><D:prop><y xmlns="urn:y"></y></D:prop><D:status>HTTP/1.1 424 `, tree},
	} {
		m := newMemory(t)
		if c.first != "" {
			m.run(c.first)
		}
		if c.with != nil {
			c.with(m)
		}
		code, says := m.run(c.step)
		got := m.tree()
		check.That(t, code == c.code && strings.Contains(says, c.says) && got == c.tree,
			"%s: %d %s\n%s, want %d with %q\n%s", c.name, code, says, got, c.code, c.says, c.tree)
	}
}
