package gateway

import (
	"fmt"
	"mime"
	"net/http"
	"strings"
	"testing"
)

const modified = "Last-Modified: Sat, 03 Feb 2001 04:05:06 GMT"

// TestExactContents: all of the answer to GET and HEAD of files below, at and above each bound, for a client that is
// handed a descriptor and for one that may read the contents and attributes and nothing else (G-22).
func TestExactContents(t *testing.T) {
	w := newExactly(t, "O:BAG:SYD:P(A;OICI;FA;;;{alice})(A;OICI;0x1200a9;;;{bob})(A;OICI;0x81;;;{carol})")
	text := strings.Repeat("0123456789abcdef", 20_000)
	const plain = "text/plain; charset=utf-8"
	for _, size := range []int{0, 1, 8191, 8192, 8193, 8703, 8704, 8705, 65_535, 65_536, 65_537, 300_000} {
		name := fmt.Sprintf("f%d.txt", size)
		w.file(name, text[:size], "O:BAG:SYD:P(A;;FA;;;{alice})(A;;0x1200a9;;;{bob})(A;;0x81;;;{carol})")
		w.at(name)
		ranges := []string{}
		if size > 65_536 {
			ranges = []string{"Accept-Ranges: bytes"}
		}
		for _, user := range []string{"bob", "carol"} {
			headers := append(ranges, fmt.Sprint("Content-Length: ", size), modified)
			w.same(user+" reads "+name, w.ask(user, "GET", "/share/"+name, ""), contents(200, size, plain, text[:size],
				headers...))
			w.same(user+" looks at "+name, w.ask(user, "HEAD", "/share/"+name, ""), contents(200, size, plain, "",
				headers...))
			if size < 100 {
				continue
			}
			for asked, part := range map[string][2]int{"bytes=5-9": {5, 9}, "bytes=-7": {size - 7, size - 1},
				fmt.Sprintf("bytes=%d-", size-20): {size - 20, size - 1}} {
				w.same(user+" reads "+asked+" of "+name, w.ask(user, "GET", "/share/"+name, "", "Range", asked),
					contents(206, size, plain, text[part[0]:part[1]+1], "Accept-Ranges: bytes", modified,
						fmt.Sprint("Content-Length: ", part[1]-part[0]+1),
						fmt.Sprintf("Content-Range: bytes %d-%d/%d", part[0], part[1], size)))
			}
		}
		w.same("a file as a directory", w.ask("bob", "GET", "/share/"+name+"/", ""), saysAbsent)
	}
}

// TestConditionsOfReads: each condition alone, met and not, of a short file and of a long one; If-Range (RFC 9110, 13).
func TestConditionsOfReads(t *testing.T) {
	w := newExactly(t, shared)
	text := strings.Repeat("0123456789", 7000)
	for name, size := range map[string]int{"short.bin": 10, "long.bin": 70_000} {
		w.file(name, text[:size], shared)
		w.at(name)
		tag := fmt.Sprintf(`"%s-%x"`, momentTag, size)
		const kind = "application/octet-stream"
		length := fmt.Sprint("Content-Length: ", size)
		whole := contents(200, size, kind, text[:size], "Accept-Ranges: bytes", length, modified)
		part := contents(206, size, kind, "34", "Accept-Ranges: bytes", "Content-Length: 2", modified,
			fmt.Sprintf("Content-Range: bytes 3-4/%d", size))
		// A 304 does not repeat what the tag says already (RFC 9110, 15.4.5).
		same, failed := contents(304, size, "", ""), contents(412, size, kind, "", modified)
		for _, c := range []struct{ name, value, want string }{
			{"If-Match", tag, whole}, {"If-Match", `"x"`, failed}, {"If-Match", "*", whole},
			{"If-None-Match", tag, same}, {"If-None-Match", `"x"`, whole}, {"If-None-Match", "*", same},
			{"If-Modified-Since", "Sat, 03 Feb 2001 04:05:06 GMT", same},
			{"If-Modified-Since", "Sat, 03 Feb 2001 04:05:05 GMT", whole},
			{"If-Unmodified-Since", "Sat, 03 Feb 2001 04:05:06 GMT", whole},
			{"If-Unmodified-Since", "Sat, 03 Feb 2001 04:05:05 GMT", failed},
			{"Range", "bytes=3-4", part},
			{"Range", fmt.Sprintf("bytes=%d-", size), contents(416, size, "text/plain; charset=utf-8",
				"invalid range: failed to overlap\n", fmt.Sprintf("Content-Range: bytes */%d", size))},
		} {
			got := w.ask("bob", "GET", "/share/"+name, "", c.name, c.value)
			if strings.HasPrefix(got, "416") { // package net/http says which headers stay
				got = strings.Replace(got, "Cache-Control: private, no-cache\n", "", 1)
				got = strings.Replace(got, `Etag: `+tag+"\n", "", 1)
				c.want = strings.Replace(c.want, "Cache-Control: private, no-cache\n", "", 1)
				c.want = strings.Replace(c.want, `Etag: `+tag+"\n", "", 1)
			}
			w.same(fmt.Sprintf("%s with %s: %s", name, c.name, c.value), got, c.want)
		}
		w.same(name+" with If-Range", w.ask("bob", "GET", "/share/"+name, "", "Range", "bytes=3-4", "If-Range", tag), part)
		w.same(name+" with another If-Range", w.ask("bob", "GET", "/share/"+name, "", "Range", "bytes=3-4", "If-Range",
			`"x"`), whole)
	}
}

// TestSavedTypes: each type that a browser would run is saved, by the end of the name in any case; others are shown
// (G-22).
func TestSavedTypes(t *testing.T) {
	w := newExactly(t, shared)
	for kind, saved := range map[string]bool{"text/html; charset=utf-8": true, "application/xhtml+xml": true,
		"image/svg+xml": true, "text/xml; charset=utf-8": true, "application/xml": true, "application/javascript": true,
		"text/javascript; charset=utf-8": true, "application/pdf": true, "application/x-shockwave-flash": true,
		"image/png": false, "text/css; charset=utf-8": false, "application/octet-stream": false} {
		end := fmt.Sprintf(".refmon%x", kind)
		w.must(mime.AddExtensionType(end, kind))
		name := "a" + strings.ToUpper(end)
		w.file(name, "x", shared)
		w.at(name)
		headers := []string{"Content-Length: 1", modified}
		if saved {
			headers = append(headers, "Content-Disposition: attachment")
		}
		w.same("G-22: "+kind, w.ask("bob", "GET", "/share/"+name, ""), contents(200, 1, kind, "x", headers...))
	}
}

// TestExactRefusals: all of the answer where nothing is served: what is absent, hidden, refused with the reason to who
// may read the descriptor and without it to others; hosts, origins, methods and paths (G-8 to G-11, G-16, G-17).
func TestExactRefusals(t *testing.T) {
	w := newExactly(t, shared, func(c *Config) { c.Names = []string{"files.test", "::1"} })
	w.file("hers", "x", own)
	w.file("told", "x", "O:BAG:SYD:P(D;;0x1;;;{bob})(A;;FA;;;{alice})(A;;0x20081;;;{bob})")
	w.folder("deep", own)
	w.file("deep/x", "x", own)
	w.folder("box", "O:BAG:SYD:P(A;OICI;FA;;;{alice})(A;;0x2;;;{bob})(A;;0x20000;;;{carol})")
	bob := w.sids["bob"].String()
	why := "access denied\n\nFILE_READ_DATA is asked for\n\n"
	moved := func(to string) string {
		return answered(301, `<a href="`+to+"\">Moved Permanently</a>.\n\n", "Content-Type: text/html; charset=utf-8",
			"Location: "+to)
	}
	bad := inLine(400, "this path is not one that a file can have")
	allow := "Allow: COPY, DELETE, GET, HEAD, LOCK, MKCOL, MOVE, OPTIONS, PROPFIND, PROPPATCH, PUT, UNLOCK"
	for _, c := range []struct{ user, method, path, want string }{
		{"bob", "GET", "/share/none", saysAbsent}, {"bob", "HEAD", "/share/none", saysAbsent},
		{"bob", "GET", "/share/deep/x", saysAbsent}, {"bob", "GET", "/share/deep/none", saysAbsent},
		{"bob", "GET", "/share/hers", saysDenied}, {"carol", "GET", "/share/hers", saysAbsent},
		{"carol", "GET", "/share/told", saysAbsent}, {"carol", "GET", "/share/", saysAbsent},
		{"carol", "GET", "/share/box/", saysAbsent}, {"bob", "GET", "/none/x", saysAbsent},
		{"bob", "GET", "/share/hers:x", saysAbsent}, {"alice", "GET", "/share/hers.", saysAbsent},
		{"bob", "GET", "/share/deep", saysDenied}, {"alice", "GET", "/share/deep", moved("/share/deep/")},
		{"alice", "GET", "/share?x=y", moved("/share/")},
		{"bob", "GET", "/share/../x", bad}, {"bob", "GET", "/share//x", bad}, {"bob", "GET", "/share/./x", bad},
		{"bob", "GET", "//", bad}, {"bob", "GET", "/share/a%2fb", bad}, {"bob", "GET", "/share/a%5Cb", bad},
		{"bob", "GET", "/share/a%00", bad}, {"bob", "GET", "/share/%ff", bad},
		{"bob", "GET", "/share/" + strings.Repeat("x", 256), bad},
		{"bob", "GET", "/share/" + strings.Repeat("x", 255), saysAbsent},
		{"bob", "GET", strings.Repeat("/x", 129), bad}, {"bob", "GET", strings.Repeat("/x", 128), saysAbsent},
		{"bob", "GET", strings.Repeat("/"+strings.Repeat("x", 240), 17), bad},
		{"alice", "POST", "/share/x", inLine(405, "this method is not served", allow)},
		{"alice", "get", "/share/x", inLine(405, "this method is not served", allow)},
		{"alice", "PUT", "/share/dir/", inLine(405, "a file's name does not end in /")},
		{"", "GET", "/share/x", inLine(401, "a name and password, or a ticket, is needed",
			`Www-Authenticate: Basic realm="refmon", charset="UTF-8"`)},
		{"", "OPTIONS", "/share/x", answered(200, "", "Allow: OPTIONS, GET, HEAD, PROPFIND, PUT, DELETE, MKCOL, COPY, "+
			"MOVE, "+
			"PROPPATCH, LOCK, UNLOCK", "Dav: 1, 2", "Ms-Author-Via: DAV")},
	} {
		w.same(c.method+" "+c.path+" as "+c.user, w.ask(c.user, c.method, c.path, ""), c.want)
	}
	got := w.ask("bob", "GET", "/share/told", "")
	if !strings.HasPrefix(got, strings.TrimSuffix(inLine(403, why), "\n")) || !strings.Contains(got,
		"STATUS_ACCESS_DENIED") ||
		!strings.Contains(got, bob) {
		t.Errorf("G-9: %s, want the entry of %s", got, bob)
	}
	for _, c := range []struct {
		host string
		code int
	}{{"files.test", 404}, {"FILES.TEST:8443", 404}, {"[::1]:8443", 404}, {"[::1]", 404}, {"::1", 404},
		{"evil.test", 421}, {"files.test.evil", 421}, {"", 421}} {
		r := w.request("bob", http.MethodGet, "/share/none", "")
		r.Host = c.host
		rec := &recorded{header: http.Header{}}
		w.g.Files().ServeHTTP(rec, r)
		if rec.code != c.code {
			t.Errorf("G-17: for the host %q: %d, want %d", c.host, rec.code, c.code)
		}
	}
}
