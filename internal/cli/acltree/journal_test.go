package acltree

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
)

// A journal that is cut is unfinished or not a journal. A journal with a changed byte is damaged or has other
// contents. Reading never panics.
func TestTruncatedJournalNeverPanics(t *testing.T) {
	f := must(os.Create(path.Join(t.TempDir(), "undo")))
	defer func() { _ = f.Close() }() // the test is over
	w := must(NewWriter(f, Header{Root: "/r", Keeper: "mount", Command: "test"}))
	p := Plan{Files: sample(), Keeper: Mount{}, Recursive: true, Change: readers(t)}
	must(p.Run(t.Context(), w))
	check.NoError(t, w.Commit(true))
	whole := must(os.ReadFile(f.Name()))
	if j := must(ReadJournal(bytes.NewReader(whole))); j.Entries != 5 || j.Root != "/r" {
		t.Errorf("journal = %+v, want 5 entries of the root /r", j)
	}
	if _, err := ReadJournal(bytes.NewReader(append(bytes.Clone(whole), "{}\n"...))); err == nil {
		t.Error("a line after the last one is accepted, want an error")
	}
	for n := range len(whole) - 1 {
		_, err := ReadJournal(bytes.NewReader(whole[:n]))
		check.RequireThat(t, errors.Is(err, ErrUnfinished) || errors.Is(err, ErrNoJournal),
			"journal cut at byte %d: %v, want unfinished or not a journal", n, err)
		changed := bytes.Clone(whole)
		changed[n] ^= 1
		if _, err := ReadJournal(bytes.NewReader(changed)); err == nil && n < len(whole)-2 {
			t.Fatalf("byte %d changed near %q: no error, want one", n, whole[max(0, n-20):n+20])
		}
	}
	for _, text := range []string{"{}\n", "x", "{\"refmon\":\"acl journal 2\"}\n", strings.Repeat("x", maxLine+1)} {
		if _, err := ReadJournal(strings.NewReader(text)); !errors.Is(err, ErrNoJournal) {
			t.Errorf("%.20q: %v, want %v", text, err, ErrNoJournal)
		}
	}
}

// Each returns the correct descriptors of every entry, even if the journal has more than maxBlobs of them.
func TestJournalReturnsEvictedDescriptors(t *testing.T) {
	f := must(os.Create(path.Join(t.TempDir(), "undo")))
	defer func() { _ = f.Close() }() // the test is over
	w := must(NewWriter(f, Header{Root: "/r", Keeper: "k", Command: "c"}))
	const entries = 3 * maxBlobs
	for i := range entries {
		d := sddl.MustParse("D:(A;;" + must(hexMask(i)) + ";;;WD)")
		check.NoError(t, w.Put(&Entry{Path: "f", Before: d, After: d, Raw: []byte{byte(i), byte(i >> 8)}}))
	}
	check.NoError(t, w.Commit(false))
	i := 0
	if err := must(ReadJournal(f)).Each(func(e *Entry) error {
		if int(e.After.DACL().At(0).Mask()) != i+1 || !e.Before.Equal(e.After) || e.Raw[0] != byte(i) {
			t.Fatalf("entry %d has rights %v, want %d and equal descriptors before and after",
				i, e.After.DACL().At(0).Mask(), i+1)
		}
		i++
		return nil
	}); err != nil || i != entries {
		t.Errorf("%d entries, %v, want %d, nil", i, err, entries)
	}
}

func hexMask(i int) (string, error) { return "0x" + string(appendHex(nil, i+1)), nil }

func appendHex(dst []byte, n int) []byte {
	const digits = "0123456789abcdef"
	if n >= 16 {
		dst = appendHex(dst, n/16)
	}
	return append(dst, digits[n%16])
}

// TestJournalComparesFilesBeforeAndAfter: the comparison reads every changed file before and after, with its kind.
func TestJournalComparesFilesBeforeAndAfter(t *testing.T) {
	j, _ := planned(t, sample(), readers(t), nil)
	for i, s := range func() []objects.Source { a, b := j.Sources("/r"); return []objects.Source{a, b} }() {
		var paths []string
		for {
			var b objects.Batch
			if err := s.Next(&b); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			b.Each(func(o *objects.Object) { paths = append(paths, string(o.Path)) })
		}
		if got := strings.Join(paths, " "); got != "/r /r/a /r/a/b /r/a/b/\xff\n\x1b[2J /r/a/f" {
			t.Errorf("state %d: paths %q, want %q", i, paths, "/r /r/a /r/a/b /r/a/b/\xff\n\x1b[2J /r/a/f")
		}
	}
	unread, _ := j.Sources("/r")
	objects.Halt(unread)
	objects.Halt(unread)
}

// TestDamagedJournalEntryIsRejected: wrong base64, or a number of a missing blob, is an error with its line. Such an
// entry must not become one about the root or about a file without a stored value.
func TestDamagedJournalEntryIsRejected(t *testing.T) {
	const head = `{"refmon":"acl journal 1","header":{"root":"/r","keeper":"k","command":"c"}}` + "\n"
	blob := `{"blob":"` + base64.StdEncoding.EncodeToString(sddl.MustParse("D:").Append(nil)) + `"}` + "\n"
	for text, want := range map[string]string{
		head + blob + `{"pathBytes":"%"}` + "\n":            "line 3: the undo file is damaged: pathBytes: illegal base64",
		head + `{"blob":"%"}` + "\n":                        "line 2: the undo file is damaged: blob: illegal base64",
		head + blob + `{"path":"a","raw":1}` + "\n":         "line 3: the undo file is damaged: raw: there is no blob 1",
		head + blob + `{"path":"a","raw":-1}` + "\n":        "line 3: the undo file is damaged: raw: there is no blob -1",
		head + blob + `{"path":"a","before":-1}` + "\n":     "line 3: it refers to a missing descriptor",
		head + blob + `{"pathBytes":"/w==","raw":0}` + "\n": "",
	} {
		err := (&Journal{file: strings.NewReader(text)}).Each(func(*Entry) error { return nil })
		check.That(t, (want != "" || err == nil) && (want == "" || err != nil && strings.Contains(err.Error(), want)),
			"%s: %v, want %q", text, err, want)
	}
}
