package treefs_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/treefs"
)

// wantRead reads at most n bytes and expects them, or the end of the file.
func (w *world) wantRead(o *treefs.File, n int, want string, end error) {
	w.Helper()
	b := make([]byte, n)
	got, err := o.Read(b)
	check.That(w, string(b[:got]) == want && errors.Is(err, end), "Read: %q, %v; want %q, %v", b[:got], err, want, end)
}

// With O_APPEND every write goes to the end of the file and moves the position there, as with an os.File.
func TestAppendWritesAtTheEnd(t *testing.T) {
	w := newWorld(t)
	hers := w.fsOf(alice)
	w.writeFile(hers, "f", "0123456789")
	o := check.Must(hers.OpenFile("f", os.O_RDWR|os.O_APPEND))
	at := func(what string, want int64) {
		t.Helper()
		if got, err := o.Seek(0, io.SeekCurrent); got != want || err != nil {
			t.Errorf("%s: position %d, %v; want %d", what, got, err, want)
		}
	}
	write := func(text string) {
		t.Helper()
		if n, err := o.Write([]byte(text)); n != len(text) || err != nil {
			t.Errorf("Write: %d, %v; want %d, nil", n, err, len(text))
		}
	}
	w.wantRead(o, 3, "012", nil)
	at("after Read", 3)
	write("ab")
	w.wantRead(o, 5, "", io.EOF)
	other := check.Must(hers.OpenFile("f", os.O_WRONLY|os.O_APPEND))
	check.Must(other.Write([]byte("x")))
	w.must(other.Close())
	w.wantRead(o, 5, "x", nil)
	at("after a Read of another's Write", 13)
	write("")
	at("after an empty Write", 13)
	check.Must(o.Seek(1, io.SeekStart))
	write("")
	at("after Seek and an empty Write", 1)
	write("c")
	write("d")
	at("after two writes", 15)
	check.Must(o.Seek(-5, io.SeekCurrent))
	w.wantRead(o, 9, "abxcd", nil)
	check.Must(o.Seek(1, io.SeekStart))
	write("e")
	check.Must(o.Seek(2, io.SeekStart))
	w.wantRead(o, 3, "234", nil)
	w.must(o.Close())
}

// A listing that fails midway returns the entries read so far with its error, as fs.ReadDirFile requires. The next
// call does not return them again.
func TestFailedListingReturnsEntriesOnce(t *testing.T) {
	w := newWorld(t)
	hers := w.fsOf(alice)
	for _, name := range []string{"a", "b", "c"} {
		w.writeFile(hers, name, "")
	}
	o := check.Must(hers.OpenFile("/", os.O_RDONLY))
	first, err := o.Readdir(1)
	w.must(errors.Join(err, o.Close()))
	rest, err := o.ReadDir(-1)
	check.That(t, len(first) == 1 && len(rest) == 2 && errors.Is(err, ntstatus.InvalidHandle.Err()),
		"Readdir(1) = %v, after Close ReadDir(-1) = %v, %v; want one entry, then two with %v", first, rest, err,
		ntstatus.InvalidHandle)
	if again, err := o.ReadDir(5); len(again) != 0 || !errors.Is(err, ntstatus.InvalidHandle.Err()) {
		t.Errorf("second ReadDir after Close = %v, %v; want no entries, %v", again, err, ntstatus.InvalidHandle)
	}
}

// Reads and writes use the position of the last Seek. A failed Seek does not change the position, and neither do
// ReadAt and WriteAt.
func TestReadsAndWritesUsePosition(t *testing.T) {
	w := newWorld(t)
	hers := w.fsOf(alice)
	w.writeFile(hers, "f", "0123456789")
	o := check.Must(hers.OpenFile("f", os.O_RDWR))
	for i, c := range []struct {
		offset int64
		whence int
		at     int64 // -1 means an error
	}{
		{4, io.SeekStart, 4}, {2, io.SeekCurrent, 6}, {-3, io.SeekCurrent, 3}, {-4, io.SeekCurrent, -1},
		{-1, io.SeekStart, -1}, {0, 3, -1}, {0, -1, -1}, {0, io.SeekCurrent, 3}, {-11, io.SeekEnd, -1}, {-10, io.SeekEnd, 0},
		{5, io.SeekEnd, 15}, {0, io.SeekEnd, 10}, {3, io.SeekStart, 3},
	} {
		at, err := o.Seek(c.offset, c.whence)
		check.That(t, (c.at >= 0 || errors.Is(err, fs.ErrInvalid) && at == 0) && (c.at < 0 || err == nil && at == c.at),
			"seek %d: Seek(%d, %d) = %d, %v; want %d", i, c.offset, c.whence, at, err, c.at)
	}
	w.wantRead(o, 2, "34", nil)
	w.wantRead(o, 2, "56", nil)
	if n, err := o.Write([]byte("ab")); n != 2 || err != nil {
		t.Errorf("Write: %d, %v; want 2, nil", n, err)
	}
	w.wantRead(o, 9, "9", nil)
	w.wantRead(o, 9, "", io.EOF)
	w.wantRead(o, 0, "", nil)
	b := make([]byte, 4)
	for at, want := range map[int64]string{0: "0123", 7: "ab9", 10: "", 99: ""} {
		n, err := o.ReadAt(b, at)
		if string(b[:n]) != want || (len(want) < 4) != errors.Is(err, io.EOF) {
			t.Errorf("ReadAt(%d): %q, %v; want %q", at, b[:n], err, want)
		}
	}
	if n, err := o.ReadAt(b, -1); n != 0 || !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("ReadAt(-1): %d, %v; want 0, %v", n, err, fs.ErrInvalid)
	}
	if n, err := o.WriteAt(b, -1); n != 0 || !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("WriteAt(-1): %d, %v; want 0, %v", n, err, fs.ErrInvalid)
	}
	if n, err := o.WriteAt([]byte("XY"), 1); n != 2 || err != nil {
		t.Errorf("WriteAt(1): %d, %v; want 2, nil", n, err)
	}
	w.wantRead(o, 9, "", io.EOF) // the position did not change
	w.must(o.Close())
	if text, err := fs.ReadFile(hers, "f"); err != nil || string(text) != "0XY3456ab9" {
		t.Errorf(`file contents %q, %v; want "0XY3456ab9", nil`, text, err)
	}
	// One call writes and reads more than one request can carry, starting in the middle of the file.
	long := strings.Repeat("0123456789abcdef", 1<<16+1)
	o = check.Must(hers.OpenFile("long", os.O_RDWR|os.O_CREATE))
	if n, err := o.WriteAt([]byte(long), 5); n != len(long) || err != nil {
		t.Errorf("WriteAt of %[3]d bytes: %[1]d, %[2]v; want %[3]d, nil", n, err, len(long))
	}
	got := make([]byte, len(long)+9)
	if n, err := o.ReadAt(got, 3); n != len(long)+2 || !errors.Is(err, io.EOF) || string(got[2:n]) != long {
		t.Errorf("ReadAt(3) of a long file: %d, %v; want %d, EOF and the written text", n, err, len(long)+2)
	}
	w.must(o.Close())
}

// ReadDir returns entries sorted by name, each with the same information as Stat. Open and ReadDir fail for missing
// and invalid names.
func TestReadDirMatchesStat(t *testing.T) {
	w := newWorld(t)
	hers := w.fsOf(alice)
	w.writeFile(hers, "b", "12345")
	w.must(hers.Mkdir("a"))
	w.writeFile(hers, "c", "")
	w.must(os.Chtimes(w.root+"/b", time.Unix(1, 0), time.Unix(946_782_245, 123_456_700)))
	list := check.Must(hers.ReadDir("/"))
	var names []string
	for _, e := range list {
		info := check.Must(e.Info())
		seen := check.Must(hers.Stat(e.Name() + "/."))
		if info.Name() != seen.Name() || info.Size() != seen.Size() || info.Mode() != seen.Mode() ||
			info.IsDir() != (e.Name() == "a") || e.IsDir() != info.IsDir() || !info.ModTime().Equal(seen.ModTime()) ||
			info.Sys() != seen.Sys() {
			t.Errorf("information of entry %s: %+v, want that of Stat, %+v", e.Name(), info, seen)
		}
		names = append(names, info.Mode().String()+" "+e.Name())
		if e.Name() == "b" && (info.Size() != 5 || !info.ModTime().Equal(time.Unix(946_782_245, 123_456_700))) {
			t.Errorf("entry b: %d bytes, modified %v; want 5 and the set time", info.Size(), info.ModTime())
		}
	}
	if got := strings.Join(names, ","); got != "drwxr-xr-x a,-rw-r--r-- b,-rw-r--r-- c" {
		t.Errorf("modes and names: %s, want drwxr-xr-x a, -rw-r--r-- b and c", got)
	}
	for name, want := range map[string]error{"/a": fs.ErrInvalid, "../a": fs.ErrInvalid, "": fs.ErrInvalid,
		"a/":   fs.ErrInvalid,
		"none": fs.ErrNotExist} {
		f, err := hers.Open(name)
		check.That(t, f == nil && errors.Is(err, want), "Open(%q) = %v, %v; want nil, %v", name, f, err, want)
	}
}

// A closed file, and the file system of a closed directory, use no handle: its value is that of a file that another
// client has opened since.
func TestClosedFileUsesNoOtherClientsHandle(t *testing.T) {
	w := newWorld(t)
	his, hers := w.fsOf(bob), w.fsOf(alice)
	w.must(hers.Mkdir("d"))
	w.writeFile(hers, "d/secret", "hers")
	f := check.Must(his.OpenFile("his", os.O_WRONLY|os.O_CREATE|os.O_APPEND))
	check.Must(f.Write([]byte("his")))
	w.must(f.Close())
	dir := check.Must(his.OpenFile(".", os.O_RDONLY))
	below := dir.FS()
	w.must(dir.Close())
	secret := check.Must(hers.OpenFile("d/secret", os.O_RDWR))
	for what, do := range map[string]func() error{
		"Read":                       func() error { return check.Err(f.Read(make([]byte, 4))) },
		"Write":                      func() error { return check.Err(f.Write([]byte("x"))) },
		"Seek":                       func() error { return check.Err(f.Seek(0, io.SeekCurrent)) },
		"Seek to the end":            func() error { return check.Err(f.Seek(0, io.SeekEnd)) },
		"Truncate":                   func() error { return f.Truncate(0) },
		"Sync":                       f.Sync,
		"Stat":                       func() error { return check.Err(f.Stat()) },
		"ReadDir":                    func() error { return check.Err(f.ReadDir(-1)) },
		"Close":                      f.Close,
		"Close, again":               dir.Close,
		"open in a closed directory": func() error { return check.Err(below.OpenFile("d", os.O_RDONLY)) },
	} {
		if err := do(); !errors.Is(err, ntstatus.InvalidHandle.Err()) {
			t.Errorf("%s of a closed file = %v, want STATUS_INVALID_HANDLE", what, err)
		}
	}
	text, err := io.ReadAll(secret)
	if w.must(errors.Join(err, secret.Close())); string(text) != "hers" {
		t.Errorf("contents of the other client's file: %q, want \"hers\"", text)
	}
}
