package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

const (
	// shared grants alice full access and bob read access; carol has no right.
	shared = "O:BAG:SYD:P(A;OICI;FA;;;{alice})(A;OICI;0x1200a9;;;{bob})"
	own    = "O:BAG:SYD:P(A;;FA;;;{alice})" // alice alone
)

// TestSeekerReadsFromEachOffset checks reads by calls from each offset, in parts up to the limit of a call.
func TestSeekerReadsFromEachOffset(t *testing.T) {
	w := newExactly(t, shared)
	text := strings.Repeat("0123456789abcdef", 40_000)
	w.file("f", text, shared)
	q := w.newRequest("bob")
	at := place{"share", "f"}
	h, st := q.open(at, winnt.FILE_READ_DATA, winnt.FILE_OPEN, 0)
	check.Success(t, st)
	s := &seeker{reader: reader{q: q, h: h}, size: int64(len(text))}
	for _, c := range []struct {
		to     int64
		whence int
		want   int64
	}{{7, io.SeekStart, 7}, {-3, io.SeekCurrent, 4}, {10, io.SeekCurrent, 14}, {-16, io.SeekEnd, int64(len(text)) - 16},
		{0, io.SeekEnd, int64(len(text))}, {0, io.SeekStart, 0}} {
		if got, err := s.Seek(c.to, c.whence); got != c.want || err != nil {
			t.Errorf("seek %d from %d: %d, %v, want %d, nil", c.to, c.whence, got, err, c.want)
		}
		b := make([]byte, 16)
		if n, err := io.ReadFull(s, b); err == nil && string(b) != text[c.want:c.want+16] || n != int(min(16,
			int64(len(text))-c.want)) {
			t.Errorf("at %d it has %q, %v", c.want, b[:n], err)
		}
		_, _ = s.Seek(c.want, io.SeekStart)
	}
	if at, err := s.Seek(-1, io.SeekStart); err == nil {
		t.Errorf("a place before the file: %d", at)
	}
	if n, err := s.Read(nil); n != 0 || err != nil {
		t.Errorf("Read(nil) = %d, %v, want 0, nil", n, err)
	}
	big := make([]byte, 300<<10)
	if n, err := s.Read(big); n != 256<<10 || err != nil || string(big[:n]) != text[:n] {
		t.Errorf("one call reads %d, %v", n, err)
	}
	if rest, err := io.ReadAll(s); err != nil || string(rest) != text[256<<10:] {
		t.Errorf("the rest has %d bytes, %v", len(rest), err)
	}
	q.s.release(h)
	if n, err := s.Read(big); n != 0 || err == nil || errors.Is(err, io.EOF) {
		t.Errorf("Read of a closed file = %d, %v, want 0 and an error other than EOF", n, err)
	}
}

const modified = "Last-Modified: Sat, 03 Feb 2001 04:05:06 GMT"

// TestRevokedDownloadEnds checks that a file is read through a descriptor until its open is revoked (G-54).
func TestRevokedDownloadEnds(t *testing.T) {
	w := newExactly(t, shared)
	w.file("f", "0123456789", shared)
	q := w.newRequest("alice")
	h, file, st := q.openToRead(place{"share", "f"})
	check.RequireThat(t, st == ntstatus.Success && file != nil, "no descriptor: %v", st)
	defer file.Close()
	defer q.s.release(h)
	b := make([]byte, 4)
	ended, end := context.WithCancel(t.Context())
	end()
	n, err := (&passedFile{file: file, q: &request{s: q.s, ctx: ended}, h: h}).Read(b[:2])
	check.That(t, n == 2 && err == nil, "G-54: without an answer of refmond: %d bytes, %v", n, err)
	f := &passedFile{file: file, q: q, h: h}
	n, err = f.Read(b)
	check.That(t, n == 4 && err == nil && time.Since(f.checked) < time.Minute, "G-54: %d bytes, %v", n, err)
	_, files := w.d.System().Revoke(nil, func(client *token.Token, _ string) bool { return client != nil })
	check.Equal(t, files, 1, "G-54: revoked files")
	n, err = f.Read(b)
	check.That(t, n == 4 && err == nil, "G-54: within a second: %d bytes, %v", n, err)
	f.checked = f.checked.Add(-askAgain)
	n, err = f.Read(b)
	check.That(t, n == 0 && errors.Is(err, ntstatus.AccessDenied.Err()), "G-54: then: %d bytes, %v", n, err)
}

// TestGetAndHeadReturnFullResponses checks the complete responses to GET and HEAD of files below, at and above each
// size limit, for a client that receives a descriptor and for one that may only read contents and attributes (G-22).
func TestGetAndHeadReturnFullResponses(t *testing.T) {
	w := newExactly(t, "O:BAG:SYD:P(A;OICI;FA;;;{alice})(A;OICI;0x1200a9;;;{bob})(A;OICI;0x81;;;{carol})")
	text := strings.Repeat("0123456789abcdef", 20_000)
	const plain = "text/plain; charset=utf-8"
	for _, size := range []int{0, 1, 8191, 8192, 8193, 8703, 8704, 8705, 65_535, 65_536, 65_537, 300_000} {
		name := fmt.Sprintf("f%d.txt", size)
		w.file(name, text[:size], "O:BAG:SYD:P(A;;FA;;;{alice})(A;;0x1200a9;;;{bob})(A;;0x81;;;{carol})")
		w.setTime(name)
		ranges := []string{}
		if size > 65_536 {
			ranges = []string{"Accept-Ranges: bytes"}
		}
		for _, user := range []string{"bob", "carol"} {
			headers := append(ranges, fmt.Sprint("Content-Length: ", size), modified)
			w.diff(user+" reads "+name, w.ask(user, "GET", "/share/"+name, ""), contents(200, size, plain, text[:size],
				headers...))
			w.diff(user+" looks at "+name, w.ask(user, "HEAD", "/share/"+name, ""), contents(200, size, plain, "",
				headers...))
			if size < 100 {
				continue
			}
			for requested, part := range map[string][2]int{"bytes=5-9": {5, 9}, "bytes=-7": {size - 7, size - 1},
				fmt.Sprintf("bytes=%d-", size-20): {size - 20, size - 1}} {
				w.diff(user+" reads "+requested+" of "+name, w.ask(user, "GET", "/share/"+name, "", "Range", requested),
					contents(206, size, plain, text[part[0]:part[1]+1], "Accept-Ranges: bytes", modified,
						fmt.Sprint("Content-Length: ", part[1]-part[0]+1),
						fmt.Sprintf("Content-Range: bytes %d-%d/%d", part[0], part[1], size)))
			}
		}
		w.diff("a file as a directory", w.ask("bob", "GET", "/share/"+name+"/", ""), saysAbsent)
	}
}

// TestReadConditionsFollowRFC9110 checks both outcomes of each condition, alone, for a short and a long file, and
// If-Range (RFC 9110, 13).
func TestReadConditionsFollowRFC9110(t *testing.T) {
	w := newExactly(t, shared)
	text := strings.Repeat("0123456789", 7000)
	for name, size := range map[string]int{"short.bin": 10, "long.bin": 70_000} {
		w.file(name, text[:size], shared)
		w.setTime(name)
		tag := fmt.Sprintf(`"%s-%x"`, momentTag, size)
		const kind = "application/octet-stream"
		length := fmt.Sprint("Content-Length: ", size)
		whole := contents(200, size, kind, text[:size], "Accept-Ranges: bytes", length, modified)
		part := contents(206, size, kind, "34", "Accept-Ranges: bytes", "Content-Length: 2", modified,
			fmt.Sprintf("Content-Range: bytes 3-4/%d", size))
		// A 304 does not repeat the metadata of the tag (RFC 9110, 15.4.5).
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
			{"Range", "bytes=3-4, ", part}, {"Range", "lines=1-2", whole}, {"Range", "bytes=-0", whole},
			{"Range", "bytes=3-4" + strings.Repeat(",", 199), part},
			{"Range", "bytes=" + strings.Repeat("3-3,", 200) + "4-4", whole}, // more ranges than are served (G-20)
			{"Range", "bytes=0-99999999999999999999", whole}, {"Range", "bytes=x", whole}, {"Range", "bytes=", whole},
		} {
			got := w.ask("bob", "GET", "/share/"+name, "", c.name, c.value)
			if strings.HasPrefix(got, "416") { // net/http decides which headers remain
				got = strings.Replace(got, "Cache-Control: private, no-cache\n", "", 1)
				got = strings.Replace(got, `Etag: `+tag+"\n", "", 1)
				c.want = strings.Replace(c.want, "Cache-Control: private, no-cache\n", "", 1)
				c.want = strings.Replace(c.want, `Etag: `+tag+"\n", "", 1)
			}
			w.diff(fmt.Sprintf("%s with %s: %s", name, c.name, c.value), got, c.want)
		}
		// Several lines are one value: a list, or no valid date or range (RFC 9110, 5.3, 13.1.3, 14.2).
		for _, c := range []struct{ name, first, second, want string }{
			{"If-Match", `"x"`, tag, whole}, {"If-None-Match", `"x"`, tag, same},
			{"If-Modified-Since", "Sat, 03 Feb 2001 04:05:06 GMT", "Sat, 03 Feb 2001 04:05:05 GMT", whole},
			{"If-Unmodified-Since", "Sat, 03 Feb 2001 04:05:05 GMT", "Sat, 03 Feb 2001 04:05:05 GMT", whole},
			{"Range", "bytes=3-4", "bytes=5-6", whole},
		} {
			w.diff(name+" with two lines "+c.name, w.ask("bob", "GET", "/share/"+name, "", c.name, c.first, c.name, c.second),
				c.want)
		}
		w.diff(name+" of HEAD with Range", w.ask("bob", "HEAD", "/share/"+name, "", "Range", "bytes=3-4"), contents(200,
			size, kind, "", "Accept-Ranges: bytes", length, modified))
		w.diff(name+" with If-Range", w.ask("bob", "GET", "/share/"+name, "", "Range", "bytes=3-4", "If-Range", tag), part)
		w.diff(name+" with another If-Range", w.ask("bob", "GET", "/share/"+name, "", "Range", "bytes=3-4", "If-Range",
			`"x"`), whole)
	}
	w.file("empty.bin", "", shared)
	w.setTime("empty.bin")
	w.diff("the end of an empty file", w.ask("bob", "GET", "/share/empty.bin", "", "Range", "bytes=-3"), contents(200,
		0, "application/octet-stream", "", "Accept-Ranges: bytes", "Content-Length: 0", modified))
}

// TestExecutableTypesAreSentAsAttachment checks that each type that a browser would execute is sent as an attachment,
// by the file name's extension in any case, and that others are shown (G-22).
func TestExecutableTypesAreSentAsAttachment(t *testing.T) {
	w := newExactly(t, shared)
	for kind, saved := range map[string]bool{"text/html; charset=utf-8": true, "application/xhtml+xml": true,
		"image/svg+xml": true, "text/xml; charset=utf-8": true, "application/xml": true, "application/rss+xml": true,
		"application/mathml+xml; charset=utf-8": true, "application/javascript": true,
		"text/javascript; charset=utf-8": true, "application/pdf": true, "application/x-shockwave-flash": true,
		"image/png": false, "text/css; charset=utf-8": false, "application/octet-stream": false} {
		end := fmt.Sprintf(".refmon%x", kind)
		w.must(mime.AddExtensionType(end, kind))
		name := "a" + strings.ToUpper(end)
		w.file(name, "x", shared)
		w.setTime(name)
		headers := []string{"Content-Length: 1", modified}
		if saved {
			headers = append(headers, "Content-Disposition: attachment")
		}
		w.diff("G-22: "+kind, w.ask("bob", "GET", "/share/"+name, ""), contents(200, 1, kind, "x", headers...))
	}
}
