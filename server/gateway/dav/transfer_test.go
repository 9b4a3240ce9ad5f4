package dav

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// TestRepeatedHeadersAreBadRequests checks headers that a request may have only once, and malformed tokens (RFC 4918,
// 9.11.1, 10.2, 10.3).
func TestRepeatedHeadersAreBadRequests(t *testing.T) {
	for _, c := range []struct {
		method string
		header http.Header
	}{
		{"DELETE", http.Header{"Depth": {"infinity", "infinity"}}},
		{"COPY", http.Header{"Destination": {"/c/n", "/c/n"}}},
		{"COPY", http.Header{"Destination": {""}}},
		{"COPY", http.Header{"Destination": {"/c/n"}, "Overwrite": {"T", "T"}}},
		{"UNLOCK", http.Header{"Lock-Token": {"<urn:x>", "<urn:x>"}}},
		{"UNLOCK", http.Header{"Lock-Token": {"<>"}}},
		{"UNLOCK", http.Header{"Lock-Token": {"<urn:x"}}},
		{"UNLOCK", http.Header{"Lock-Token": {"urn:x>"}}},
	} {
		r := httptest.NewRequestWithContext(t.Context(), c.method, "http://host.test/c/d", nil)
		r.Header = c.header
		w := httptest.NewRecorder()
		newMemory(t).ServeHTTP(w, r)
		check.Equal(t, w.Code, http.StatusBadRequest, "%s with %v", c.method, c.header)
	}
}

// TestPutRespondsWithTag checks the entity tag and the status of an upload.
func TestPutRespondsWithTag(t *testing.T) {
	for name, want := range map[string]int{"/c/f": 204, "/c/n": 201} {
		m := newMemory(t)
		w := httptest.NewRecorder()
		m.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "PUT", "http://host.test"+name, nil))
		i, err := m.Stat(Path(name))
		check.That(t, err == nil && w.Code == want && w.Header().Get("Etag") == i.Tag,
			"%s: %d %v, want %d and %s", name, w.Code, w.Header(), want, i.Tag)
	}
}

// TestRefusedPutReadsNoBody checks that a failed condition is answered before the body has arrived (RFC 9110, 13.2.1).
func TestRefusedPutReadsNoBody(t *testing.T) {
	r := httptest.NewRequestWithContext(t.Context(), "PUT", "http://host.test/c/f", iotest.ErrReader(io.ErrUnexpectedEOF))
	r.Header.Set("If-Match", `"x"`)
	w := httptest.NewRecorder()
	newMemory(t).ServeHTTP(w, r)
	check.Equal(t, w.Code, http.StatusPreconditionFailed, "PUT")
}

// TestCutBodiesChangeNothing checks that a body that ends early is 400, because a client that closed only its half of
// the connection reads the response.
func TestCutBodiesChangeNothing(t *testing.T) {
	for method, body := range map[string]string{"PUT": "half", "LOCK": "<lockinfo", "PROPPATCH": ""} {
		m := newMemory(t)
		before := m.tree()
		r := httptest.NewRequestWithContext(t.Context(), method, "http://host.test/c/f",
			io.MultiReader(strings.NewReader(body), iotest.ErrReader(io.ErrUnexpectedEOF)))
		w := httptest.NewRecorder()
		m.ServeHTTP(w, r)
		check.That(t, w.Code == http.StatusBadRequest && m.tree() == before, "%s: %d\n%s, want 400", method, w.Code, m.tree())
	}
}

// TestUploadReplacesOnlyWithoutConditions checks which uploads may replace a file that got the name during the upload.
func TestUploadReplacesOnlyWithoutConditions(t *testing.T) {
	for step, want := range map[string]bool{"alice PUT /f < new": true, "alice PUT /f If-Match: $tag < new": false,
		"alice PUT /f If: ([$tag]) < new": false, "alice COPY /f Destination: /c/t": true} {
		m := newMemory(t)
		code, _ := m.run(step)
		check.That(t, code == 204 && m.how.Replace == want, "%s: %d, Replace %t, want %t", step, code, m.how.Replace, want)
	}
}

// TestUploadsMeetNewConditions checks that an upload's conditions are tested again at its end: a lock, a removal or
// other contents since its start make it fail. An upload without conditions writes the file that has the name at its
// end (G-38).
func TestUploadsMeetNewConditions(t *testing.T) {
	const tagged, without = "If-Match: $tag", "X: y"
	for _, c := range []struct {
		header  string
		between func(m *memory)
		want    int
		left    string // contents; "": no file
	}{
		{tagged, func(*memory) {}, 204, "new"},
		{tagged, func(m *memory) { m.write("/c/f", "other") }, 412, "other"},
		{tagged, func(m *memory) { delete(m.of, "/c/f") }, 412, ""},
		{without, func(m *memory) { m.write("/c/f", "other") }, 204, "new"},
		{without, func(m *memory) { delete(m.of, "/c/f") }, 201, "new"},
		{without, func(m *memory) {
			_, _, err := m.Locks.Add(Lock{User: "alice", Root: "/c/f"}, time.Hour)
			check.NoError(m, err)
		}, 423, "f"},
	} {
		m := newMemory(t)
		m.refuse = func(call string, _ Path) error {
			if call == "ReadFrom" {
				c.between(m)
			}
			return nil
		}
		code, body := m.run("bob PUT /f " + c.header + " < new")
		left, _ := m.ReadFile("/f")
		check.That(t, code == c.want && string(left) == c.left, "G-38: %s: %d %s, left is %q, want %d and %q", c.header, code,
			body, left, c.want, c.left)
	}
}

// TestRequestStopsAfterClientLeft checks that a COPY of a folder, also over another, and a DELETE go no further after
// their client has left, and that a COPY leaves nothing. A folder that was replaced is still removed.
func TestRequestStopsAfterClientLeft(t *testing.T) {
	for _, c := range []struct {
		method, to, call string
		code             int
		tree             string
	}{
		{"COPY", "/c/n", "Open", 503, "d/ d/m=m d/n=n e/ f=f t=t"},
		{"COPY", "/c/e", "Open", 503, "d/ d/m=m d/n=n e/ f=f t=t"},
		{"DELETE", "", "Remove", 207, "d/ d/m=m d/n=n e/ f=f t=t"},
		{"MOVE", "/c/e", "Replace", 204, "e/ e/m=m e/n=n f=f t=t"},
	} {
		m := newMemory(t)
		m.write("/c/d/n", "n")
		ctx, leave := context.WithCancel(t.Context())
		var done []Path
		m.refuse = func(call string, name Path) error {
			if call == c.call {
				done = append(done, name)
				leave()
			}
			return nil
		}
		r := httptest.NewRequestWithContext(ctx, c.method, "http://host.test/c/d", nil)
		r.Header.Set("Destination", c.to)
		w := httptest.NewRecorder()
		m.ServeHTTP(w, r)
		check.That(t, w.Code == c.code && len(done) == 1 && m.tree() == c.tree, "%s to %q: %d after %s of %v\n%s, want %d "+
			"after one\n%s", c.method, c.to, w.Code, c.call, done, m.tree(), c.code, c.tree)
		check.Equal(t, m.detached, c.method == "COPY", "%s to %q detaches its cleanup from the client", c.method, c.to)
	}
}

// TestCopyIsOfOneVersion checks that a COPY reads its source again if another request changes its contents, which never
// waits (G-38). refmond writes in place, so a file that was opened before may have bytes of both versions.
func TestCopyIsOfOneVersion(t *testing.T) {
	type request struct {
		method, match, body string
		code                int
	}
	put := request{"PUT", "*", "new", 204}
	for _, c := range []struct {
		step         string
		times        int // so many reads meet another request for the source
		other        request
		code         int
		copied, path string // contents of path afterwards; "": no file
	}{
		{"COPY /d/m Destination: /c/n", 0, put, 201, "m", "/n"},
		{"COPY /d/m Destination: /c/n", 1, put, 201, "new", "/n"},
		{"COPY /d/m Destination: /c/n", 3, put, 201, "new", "/n"},
		{"COPY /d/m Destination: /c/n", 4, put, 503, "", "/n"},
		{"COPY /d/m Destination: /c/t", 4, put, 503, "t", "/t"},
		{"COPY /d Destination: /c/n", 3, put, 201, "new", "/n/m"},
		{"COPY /d Destination: /c/e", 4, put, 207, "", "/e/m"},
		{"COPY /d/m If-Match: $tag; Destination: /c/n", 1, put, 412, "", "/n"},
		// These do not change the contents.
		{"COPY /d/m Destination: /c/n", 4, request{"PUT", `"x"`, "new", 412}, 201, "m", "/n"},
		{"COPY /d/m Destination: /c/n", 4, request{"DELETE", `"x"`, "", 412}, 201, "m", "/n"},
		{"COPY /d/m Destination: /c/n", 4, request{"PROPPATCH", "*", `<propertyupdate xmlns="DAV:"><set><prop>` +
			`<a xmlns="urn:a">1</a></prop></set></propertyupdate>`, 207}, 201, "m", "/n"},
		{"COPY /d/m Destination: /c/n", 4, request{"LOCK", "*", `<lockinfo xmlns="DAV:"><lockscope><shared/></lockscope>` +
			`<locktype><write/></locktype></lockinfo>`, 200}, 201, "m", "/n"},
	} {
		m := newMemory(t)
		left := c.times
		m.refuse = func(call string, name Path) error {
			// The COPY has opened its source and creates its upload. It has tested the user's rights before its claims.
			if call == "Create" && m.claims.count() > 0 && name != "/c/d/m" && left > 0 {
				left--
				w := httptest.NewRecorder()
				r := httptest.NewRequestWithContext(t.Context(), c.other.method, "http://host.test/c/d/m",
					strings.NewReader(c.other.body))
				r.Header.Set("If-Match", c.other.match)
				m.ServeHTTP(w, r)
				check.Equal(t, w.Code, c.other.code, "G-38: %s of the source during %s", c.other.method, c.step)
			}
			return nil
		}
		code, body := m.run("alice " + c.step)
		text, _ := m.ReadFile(c.path)
		check.That(t, code == c.code && string(text) == c.copied,
			"G-38: %s with %d %s: %d %s, copy is %q, want %d and %q", c.step, c.times, c.other.method, code, body, text,
			c.code, c.copied)
		check.Equal(t, m.claims.count(), 0, "reads and claims that stay")
	}
}

// count returns the number of reads and of requests with claims.
func (c *claims) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.reads) + len(c.held)
}

// TestCopyWaitsForClaimOfSource checks that a COPY reads its source after a request that changes it has ended, and that
// it is 503 if that takes too long (G-38).
func TestCopyWaitsForClaimOfSource(t *testing.T) {
	for after, want := range map[time.Duration]int{claimPatience - time.Second: 201, claimPatience + time.Second: 503} {
		synctest.Test(t, func(t *testing.T) {
			m := newMemory(t)
			release := m.claims.take(t.Context(), 0, claim{at: "/c/d", deep: true})
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), "COPY", "http://host.test/c/d/m", nil)
			r.Header.Set("Destination", "/c/n")
			done := make(chan bool)
			go func() {
				m.ServeHTTP(w, r)
				close(done)
			}()
			time.Sleep(after)
			synctest.Wait()
			m.write("/c/d/m", "new")
			release()
			<-done
			text, _ := m.ReadFile("/n")
			check.That(t, w.Code == want && (w.Code == 503 || string(text) == "new"),
				"G-38: %v: %d, copy is %q, want %d", after, w.Code, text, want)
			check.Equal(t, w.Header().Get("Retry-After") != "", want == 503, "Retry-After after %v", after)
			check.Equal(t, m.claims.count(), 0, "reads and claims that stay")
		})
	}
}

// TestCopyStopsReadingChangedFile checks that a COPY does not read the rest of a file that another request changes.
func TestCopyStopsReadingChangedFile(t *testing.T) {
	c, list := newClaims(), []claim{{at: "/f"}}
	s := source{strings.NewReader("ab"), c.beginRead(t.Context(), 0, "/f")}
	n, err := s.Read(make([]byte, 1))
	check.That(t, n == 1 && err == nil, "first read: %d, %v", n, err)
	defer c.take(t.Context(), 0, list...)()
	c.beginChange(list)
	n, err = s.Read(make([]byte, 1))
	check.That(t, n == 0 && errors.Is(err, errInterrupted), "read after a change: %d, %v", n, err)
}

// TestPatienceIsOfTheWholeRequest checks that a COPY waits at most claimPatience in total, for its own names and for
// all members of its source (G-38). While it waits, it keeps others from its destination.
func TestPatienceIsOfTheWholeRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		m.write("/c/d/n", "n")
		time.AfterFunc(claimPatience-10*time.Second, m.claims.take(t.Context(), 0, claim{at: "/c/n"}))
		m.refuse = func(call string, _ Path) error {
			if call == "List" {
				time.AfterFunc(time.Hour, m.claims.take(t.Context(), 0, claim{at: "/c/d", deep: true}))
			}
			return nil
		}
		start := time.Now()
		code, body := m.run("alice COPY /d Destination: /c/n")
		check.That(t, code == 207 && strings.Count(body, " 503 ") == 2, "%d %s, want 207 and two with 503", code, body)
		check.Equal(t, time.Since(start), claimPatience, "G-38: wait of a COPY of a folder with two members")
		time.Sleep(time.Hour)
	})
}

// TestOppositeCopiesDoNotWaitForEachOther checks that one of two opposite COPYs starts after the other has
// ended (G-38).
func TestOppositeCopiesDoNotWaitForEachOther(t *testing.T) {
	for _, c := range []struct {
		a, b, from, to string
		code           int
	}{{"/f", "/t", "/t", "/f", 204}, {"/d", "/e", "/e", "/d", 204}, {"/d/m", "/e/m", "/e", "/d", 201}} {
		synctest.Test(t, func(t *testing.T) {
			m := newMemory(t)
			codes := make(chan int, 1)
			copied := func(from, to string) int {
				w := httptest.NewRecorder()
				r := httptest.NewRequestWithContext(t.Context(), "COPY", "http://host.test/c"+from, nil)
				r.Header.Set("Destination", "/c"+to)
				m.ServeHTTP(w, r)
				return w.Code
			}
			started := false
			m.refuse = func(call string, name Path) error {
				if !started && (call == "Create" || call == "Stage") && m.claims.count() > 0 {
					started = true
					go func() { codes <- copied(c.from, c.to) }()
					synctest.Wait()
				}
				return nil
			}
			code := copied(c.a, c.b)
			check.Equal(t, [2]int{code, <-codes}, [2]int{c.code, 204}, "COPY of %s to %s, and of %s to %s", c.a, c.b,
				c.from, c.to)
		})
	}
}
