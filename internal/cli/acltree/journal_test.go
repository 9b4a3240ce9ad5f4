package acltree

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

// A journal that is cut is unfinished or not a journal. A journal with a changed byte is damaged or has other
// contents. Reading never panics.
func TestTruncatedJournalNeverPanics(t *testing.T) {
	w, f := newJournal(t)
	check.Must(planOf(sample()).Run(t.Context(), w))
	w.Rest.Kept = 2
	check.NoError(t, w.Commit(true))
	whole := check.Must(os.ReadFile(f.Name()))
	j := check.Must(ReadJournal(bytes.NewReader(whole)))
	check.That(t, j.Entries == 5 && j.Root == "/r" && j.Rest == w.Rest, "journal = %+v, want 5 entries of /r, 2 kept", j)
	for _, more := range []string{"{}\n", `{"blob":""}` + "\n"} {
		_, err := ReadJournal(bytes.NewReader(append(bytes.Clone(whole), more...)))
		check.That(t, err != nil, "%s after the last line is accepted, want an error", more)
	}
	for n := range len(whole) - 1 {
		_, err := ReadJournal(bytes.NewReader(whole[:n]))
		check.RequireThat(t, errors.Is(err, ErrUnfinished) || errors.Is(err, ErrNoJournal),
			"journal cut at byte %d: %v, want unfinished or not a journal", n, err)
		changed := bytes.Clone(whole)
		changed[n] ^= 1
		// A damaged journal is not unfinished, because a run would overwrite the only way to undo it.
		if _, err := ReadJournal(bytes.NewReader(changed)); (err == nil || errors.Is(err, ErrUnfinished)) &&
			n < len(whole)-2 {
			t.Fatalf("byte %d changed near %q: %v, want the damage", n, whole[max(0, n-20):n+20], err)
		}
	}
	for _, text := range []string{"{}\n", "x", "{\"refmon\":\"acl journal 2\"}\n", strings.Repeat("x", maxLine+1)} {
		check.ErrorIs(t, check.Err(ReadJournal(strings.NewReader(text))), ErrNoJournal, "%.20q", text)
	}
	head, _, _ := bytes.Cut(whole, []byte("\n"))
	_, err := ReadJournal(strings.NewReader(string(head) + "\n" + strings.Repeat("x", maxLine+1)))
	check.That(t, strings.Contains(fmt.Sprint(err), "line 2: longer than 1048576 bytes"), "a long line: %v", err)
}

// Each returns the correct descriptors of every entry, even if the journal has more than maxBlobs of them.
func TestJournalReturnsEvictedDescriptors(t *testing.T) {
	w, f := newJournal(t)
	const entries = 3 * maxBlobs
	for i := range entries {
		d := sddl.MustParse(fmt.Sprintf("D:(A;;%#x;;;WD)", i+1))
		check.NoError(t, w.Put(&Entry{Path: "f", Before: d, After: d, Raw: []byte{byte(i), byte(i >> 8)}}))
	}
	w.Rest.Kept = 1
	check.NoError(t, w.Commit(false))
	j, i := check.Must(ReadJournal(f)), 0
	check.Equal(t, j.Rest, w.Rest, "rest of a journal that is not durable")
	check.NoError(t, j.Each(func(e *Entry) error {
		if int(e.After.DACL().At(0).Mask()) != i+1 || !e.Before.Equal(e.After) || e.Raw[0] != byte(i) {
			t.Fatalf("entry %d has rights %v, want %d and equal descriptors before and after",
				i, e.After.DACL().At(0).Mask(), i+1)
		}
		i++
		return nil
	}))
	check.Equal(t, i, entries, "entries")
}

// The root of a tree need not be UTF-8. An undo of another root would fail, or change other files (F-207).
func TestJournalKeepsBytesOfRoot(t *testing.T) {
	for _, root := range []string{"/r", "/caf\xe9"} {
		f := check.Must(os.Create(path.Join(t.TempDir(), "undo")))
		defer f.Close()
		check.NoError(t, check.Must(NewWriter(f, Header{Root: root})).Commit(false))
		check.Equal(t, check.Must(ReadJournal(f)).Root, root, "root")
	}
	const damaged = `{"refmon":"acl journal 1","header":{"root":"/r"},"rootBytes":"%"}` + "\n"
	check.That(t, check.Err(ReadJournal(strings.NewReader(damaged))) != nil, "a root that is not base64 is accepted")
}

// Commit reports a journal that cannot be written, and with durable one that cannot be synced.
func TestCommitReportsErrors(t *testing.T) {
	in, out, err := os.Pipe() // a pipe cannot be synced
	check.NoError(t, err)
	defer in.Close()
	for _, durable := range []bool{false, true} {
		err := check.Must(NewWriter(out, Header{Root: "/r"})).Commit(durable)
		check.Equal(t, err != nil, durable, "Commit of a pipe fails")
	}
	check.NoError(t, out.Close())
	check.ErrorIs(t, check.Must(NewWriter(out, Header{Root: "/r"})).Commit(false), os.ErrClosed,
		"Commit of a closed file")
}

// TestJournalComparesFilesBeforeAndAfter checks that the comparison reads every changed file before and after, with its
// kind.
func TestJournalComparesFilesBeforeAndAfter(t *testing.T) {
	j, _ := planned(t, sample(), grantEveryone("read"))
	before, after := j.Sources("/r/")
	for source, text := range map[objects.Source]string{before: sample().text(), after: changed} {
		var paths []string
		check.NoError(t, objects.Each(t.Context(), source, func(_ *objects.Batch, o *objects.Object) error {
			paths = append(paths, string(o.Path)+" "+objects.TypeName(o.Type))
			name := strings.TrimPrefix(strings.TrimPrefix(string(o.Path), "/r"), "/")
			line := "\n" + name + " " + dacl(check.Must(o.Descriptor(sid.SID{}))) + "\n"
			check.That(t, strings.Contains("\n"+text+"\n", line), "%q is not in\n%q", line, text)
			return nil
		}))
		check.SlicesEqual(t, paths, []string{"/r directory", "/r/a directory", "/r/a/b directory",
			"/r/a/b/\xff\n\x1b[2J file", "/r/a/f file"}, "changed files")
	}
	unread, _ := j.Sources("/r")
	objects.Halt(unread)
	objects.Halt(unread)
}

// TestDamagedJournalEntryIsRejected checks that wrong base64, or a number of a missing blob, is an error with its line.
// Such an entry must not become one about the root or about a file without a stored value.
func TestDamagedJournalEntryIsRejected(t *testing.T) {
	const head = `{"refmon":"acl journal 1","header":{"root":"/r","keeper":"k","command":"c"}}` + "\n"
	blob := `{"blob":"` + base64.StdEncoding.EncodeToString(sddl.MustParse("D:").Append(nil)) + `"}` + "\n"
	for text, want := range map[string]string{
		head + blob + `{"pathBytes":"%"}` + "\n":            "line 3: the undo file is damaged: pathBytes: illegal base64",
		head + blob + "{x\n" + blob:                         "line 3: invalid character",
		head + `{"blob":"%"}` + "\n":                        "line 2: the undo file is damaged: blob: illegal base64",
		head + blob + `{"path":"a","raw":1}` + "\n":         "line 3: the undo file is damaged: raw: there is no blob 1",
		head + blob + `{"path":"a","raw":-1}` + "\n":        "line 3: the undo file is damaged: raw: there is no blob -1",
		head + blob + `{"path":"a","before":-1}` + "\n":     "line 3: it refers to a missing descriptor",
		head + blob + `{"pathBytes":"/w==","raw":0}` + "\n": "",
	} {
		j := &Journal{file: strings.NewReader(text)}
		err := j.Each(func(*Entry) error { return nil })
		before, _ := j.Sources("/")
		same := objects.Each(t.Context(), before, func(*objects.Batch, *objects.Object) error { return nil })
		check.Equal(t, fmt.Sprint(same), fmt.Sprint(err), "%s: error of the comparison", text)
		check.That(t, (want != "" || err == nil) && (want == "" || err != nil && strings.Contains(err.Error(), want)),
			"%s: %v, want %q", text, err, want)
	}
}
