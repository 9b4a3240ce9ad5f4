package gateway

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
)

// TestDescriptorsOfReads: what refmond hands out for a read is closed with the request, whatever is asked of the file
// (G-1).
func TestDescriptorsOfReads(t *testing.T) {
	w := newExactly(t, shared)
	w.file("long", strings.Repeat("0123456789", 30_000), shared)
	w.file("short", "x", shared)
	open := func() (n int) {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip("open files cannot be listed here: ", err)
		}
		for _, e := range list {
			at, _ := os.Readlink(filepath.Join("/proc/self/fd", e.Name()))
			if strings.HasSuffix(at, "/long") || strings.HasSuffix(at, "/short") || strings.HasSuffix(at, "/copy") {
				n++
			}
		}
		return n
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // nothing else closes them
	const times = 12
	for _, c := range []struct {
		method, path string
		headers      []string
	}{
		{"GET", "/share/long", nil}, {"HEAD", "/share/long", nil}, {"GET", "/share/short", nil},
		{"GET", "/share/long", []string{"Range", "bytes=5-9"}}, {"GET", "/share/long", []string{"Range", "bytes=900000-"}},
		{"GET", "/share/long", []string{"If-None-Match", "*"}}, {"PROPFIND", "/share/long", []string{"Depth", "0"}},
		{"COPY", "/share/long", []string{"Destination", "https://files.test/share/copy"}},
	} {
		before := open()
		for range times {
			w.ask("alice", c.method, c.path, "", c.headers...)
		}
		if now := open(); now >= before+times/2 {
			t.Errorf("G-1: after %d of %s %s %v %d descriptors are open, %d before", times, c.method, c.path, c.headers, now,
				before)
		}
	}
}
