package index

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/diskio"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/watch"
)

// bulkLine is a document as a search engine receives it.
type bulkLine struct {
	Action struct {
		Index  map[string]any `json:"index"`
		Delete map[string]any `json:"delete"`
	}
	Source map[string]any
}

// bulkLines parses the lines of a file after an offset.
func bulkLines(t *testing.T, name string, from int) (out []bulkLine, end int) {
	t.Helper()
	b := check.Must(os.ReadFile(name))
	in := bufio.NewScanner(bytes.NewReader(b[from:]))
	for in.Scan() {
		var x bulkLine
		if err := json.Unmarshal(in.Bytes(), &x.Action); err != nil || x.Action.Delete == nil && !in.Scan() {
			t.Fatal(err)
		}
		if x.Action.Delete != nil {
			out = append(out, x)
			continue
		}
		check.NoError(t, json.Unmarshal(in.Bytes(), &x.Source))
		out = append(out, x)
	}
	return out, len(b)
}

// TestBulkLinesListAllowedSIDs checks the search-engine lines of each document: for each right the SIDs that have it
// and, where no list of SIDs suffices, the persons. A document without readers, or an unreadable one, has the term that
// nobody has. Each line has the evidence and the event. A removed document is deleted. A new run writes lines for all
// documents again, and deletions for the deleted ones (N-94).
func TestBulkLinesListAllowedSIDs(t *testing.T) {
	w := deciding(t, "read+modify", "", "v7")
	at512, at513 := "/t/"+strings.Repeat("x", 509), "/t/"+strings.Repeat("x", 510)
	file := func(path, list string) watch.Seen {
		return watch.Seen{Path: path, Descriptor: sddl.MustParse("O:BAG:SYD:" + list)}
	}
	at := time.Unix(1_700_000_000, 5).UTC()
	err := w.Batch(&watch.Batch{Tree: "/t", Heartbeat: watch.Heartbeat{Time: at}, Seen: []watch.Seen{
		file("/t/a", "(A;;FR;;;WD)(A;;FA;;;"+staff+")"), file("/t/b", "(D;;FR;;;"+night+")(A;;FR;;;"+staff+")"),
		file("/t/c", ""), {Path: "/t/d", Err: errors.New("no")}, file("/t/e", "(A;;FA;;;WD)"),
		file(at512, "(A;;FA;;;WD)"), file(at513, "(A;;FA;;;WD)"), {Path: "/t/e", Gone: true}}})
	check.NoError(t, err)
	dir := t.TempDir()
	log, _, err := OpenLog(dir)
	if err == nil {
		err = errors.Join(log.Write(w.Take()), log.Close())
	}
	check.NoError(t, err)
	s := w.state
	sum := sha256.Sum256([]byte(at513))
	want := func(path string, seq uint64, read, modify []string) (x bulkLine) {
		terms := func(list []string) (out []any) {
			for _, s := range list {
				out = append(out, "sid:"+s)
			}
			return out
		}
		id := path
		if path == at513 {
			id = hex.EncodeToString(sum[:])
		}
		version := float64(uint64(s.began)/1000 + seq) // the time of creation counts first (N-140)
		target := map[string]any{"_index": "docs", "_id": id, "version": version, "version_type": "external"}
		r := s.rows[path]
		if r == nil {
			x.Action.Delete = target
			return x
		}
		x.Action.Index = target
		evidence := map[string]any{"index": s.start.Index, "seq": float64(seq), "directory": s.version}
		x.Source = map[string]any{"path": path, "refmon": evidence, "_allow_access_control": terms(read),
			"_allow_access_control_modify": terms(modify)}
		evidence["time"], evidence["descriptor"] = time.Unix(0, r.time).UTC().Format(time.RFC3339Nano), r.Descriptor
		if r.Error == "" {
			evidence["directory"] = s.classes[r.Classes[0]].event.Version
		}
		return x
	}
	same := func(what string, got, want []bulkLine) {
		t.Helper()
		for i := range max(len(got), len(want)) {
			if i >= len(got) || i >= len(want) || !reflect.DeepEqual(got[i], want[i]) {
				t.Errorf("%s: line %d of %d and %d:\n got %.400v\nwant %.400v", what, i, len(got), len(want),
					fmt.Sprint(got[min(i, len(got)):]), fmt.Sprint(want[min(i, len(want)):]))
				return
			}
		}
	}
	const all, none = "S-1-1-0", "S-1-0-0"
	name := filepath.Join(t.TempDir(), "bulk")
	b := check.Must(NewBulk(name, "docs", dir, BulkSIDs))
	seq := s.seq
	got, end := bulkLines(t, name, 0)
	same("at the beginning", got, []bulkLine{want("/t/a", seq, []string{all}, []string{staff}),
		want("/t/b", seq, []string{alice}, []string{none}), want("/t/c", seq, []string{none}, []string{none}),
		want("/t/d", seq, []string{none}, []string{none}), want("/t/e", seq, []string{none}, []string{none}),
		want(at512, seq, []string{all}, []string{all}), want(at513, seq, []string{all}, []string{all})})
	report(t, w, file("/t/c", "(A;;FA;;;"+carol+")"), watch.Seen{Path: "/t/a", Gone: true})
	moved := firm(t, func(who string) string { return map[string]string{"alice": "Night", "bob": "Staff"}[who] })
	events := w.Take()
	check.NoError(t, w.Directory(moved, "v8", 9))
	report(t, w, watch.Seen{Path: "/t/b", Gone: true}, file("/t/b", "(D;;FR;;;"+night+")(A;;FR;;;"+staff+")"))
	next := w.Take() // a class of /t/b and then /t/b itself
	check.NoError(t, errors.Join(b.Write(events), b.Write(next), b.SetWatermark(&Watermark{}), b.Close()))
	numbers := map[string]uint64{}
	for _, e := range append(events, next...) {
		switch {
		case e.Gone != "":
			numbers[e.Gone] = e.Seq
		case e.Row != nil:
			numbers[e.Row.Path] = e.Seq
		case e.Class != nil && e.Class.ID == s.rows["/t/b"].Classes[0]:
			numbers["/t/b"] = e.Seq
		}
	}
	got, _ = bulkLines(t, name, end)
	gone, mine := want("/t/a", numbers["/t/a"], []string{none}, []string{none}),
		want("/t/c", numbers["/t/c"], []string{carol}, []string{carol})
	mine.Source["refmon"].(map[string]any)["directory"] = "v7"
	hers := want("/t/b", numbers["/t/b"], []string{bob}, []string{none})
	same("afterwards", got, []bulkLine{gone, mine, hers})
	class := func(path string, right int) int { return s.classes[s.rows[path].Classes[right]].number }
	insert := func(id, read, modify string) string {
		return `insert into "do""cs" as d (id, index, seq, "class_read", "class_modify") values (` + id + `, '` +
			s.start.Index + `', 9, ` + read + ", " + modify + `) on conflict (id) do update set index = excluded.index, seq = ` +
			`excluded.seq, "class_read" = excluded."class_read", "class_modify" = excluded."class_modify" where ` +
			"d.index <> excluded.index or d.seq < excluded.seq;\n"
	}
	for path, want := range map[string]string{"/t/d": insert("'/t/d'", "null", "null"),
		at513:        insert("'"+hex.EncodeToString(sum[:])+"'", fmt.Sprint(class(at513, 0)), fmt.Sprint(class(at513, 1))),
		"/t/'\\\r\n": `delete from "do""cs" where id = E'/t/''\\\r\n' and (index <> '` + s.start.Index + "' or seq < 9);\n"} {
		sql := &Bulk{form: BulkSQL, state: s, index: `do"cs`}
		check.NoError(t, sql.document(path, 9))
		check.Equal(t, string(sql.buf), want, "%q", path)
	}
}

// TestCursorStaysBehindLostLines checks that the cursor names only lines that are in the file: a run that crashed and a
// run that could not write leave the old one, and the next run writes the lines (N-104).
func TestCursorStaysBehindLostLines(t *testing.T) {
	w, dir := deciding(t, "read", "", "v7"), t.TempDir()
	log, _, err := OpenLog(dir)
	check.NoError(t, err)
	defer log.Close()
	seen := func(path string) []Event {
		t.Helper()
		err := w.Batch(&watch.Batch{Tree: "/t", Heartbeat: watch.Heartbeat{Time: time.Unix(1, 0)},
			Seen: []watch.Seen{{Path: path, Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)")}}})
		events := w.Take()
		check.NoError(t, errors.Join(err, log.Write(events)))
		return events
	}
	seen("/t/a")
	name := filepath.Join(t.TempDir(), "bulk")
	run := func() *Bulk {
		t.Helper()
		b := check.Must(NewBulk(name, "docs", dir, BulkSIDs))
		return b
	}
	lines := func(want string) {
		t.Helper()
		text, err := os.ReadFile(name)
		if got := len(text); err != nil || bytes.Count(text, []byte(`"_id"`)) != len(want) {
			t.Errorf("%d bytes with %d lines, want %d: %v", got, bytes.Count(text, []byte(`"_id"`)), len(want), err)
		}
	}
	_ = run().file.Close() // a crash before the watermark
	lines("a")
	b := run()
	lines("aa")
	check.NoError(t, b.SetWatermark(&Watermark{}))
	saved, err := os.Stat(b.cursor.path)
	check.NoError(t, errors.Join(err, b.SetWatermark(&Watermark{})))
	again, err := os.Stat(b.cursor.path)
	check.That(t, err == nil && os.SameFile(saved, again), "the cursor was saved again without new lines: %v", err)
	events := seen("/t/b")
	readable, err := diskio.Faults(nil).OpenFile(name, os.O_RDONLY, 0)
	check.NoError(t, err)
	writable := b.file
	b.file = readable
	check.That(t, b.Write(events) != nil, "lines were written to a file that is open for reading")
	b.file = writable
	check.NoError(t, errors.Join(b.Write(seen("/t/c")), b.Close(), readable.Close()))
	b = run()
	lines("aacbc")
	check.NoError(t, b.SetWatermark(&Watermark{}))
	check.NoError(t, b.Write(seen("/t/d")))
	check.That(t, b.Write(append(seen("/t/e"), Event{Seq: 1})) != nil, "an event with a former number is no error")
	_ = b.Close()
	b = run()
	lines("aacbcdde")
	check.NoError(t, b.Close())
	_ = run().Close()
	lines("aacbcdde")
	events, err = w.Compact(false)
	check.NoError(t, errors.Join(err, log.replace(events)))
	b = run() // no event came after the compaction
	lines("aacbcdde")
	_, err = NewBulk(name, "docs", dir, BulkSIDs)
	check.That(t, err != nil && strings.Contains(err.Error(), "another refmon-index writes here"),
		"N-10: a second run with the file: %v", err)
	cursor := b.cursor.path
	check.NoError(t, b.Close())
	// A run without the file deletes a document and compacts the log.
	check.NoError(t, w.Batch(&watch.Batch{Tree: "/t", Seen: []watch.Seen{{Path: "/t/a", Gone: true}}}))
	check.NoError(t, log.Write(w.Take()))
	events, err = w.Compact(false)
	check.NoError(t, errors.Join(err, log.replace(events)))
	_, err = NewBulk(name, "docs", dir, BulkSIDs)
	check.That(t, err != nil && strings.Contains(err.Error(), "delete this cursor"), "N-104: a lost deletion: %v", err)
	lines("aacbcdde")
	text := check.Must((&bulkCursor{Format: cursorFormat, Index: "former", Target: "docs", Seq: w.state.seq}).encode())
	check.NoError(t, os.WriteFile(cursor, text, 0o600))
	_ = run().Close()
	lines("aacbcddebcde")
	odd := t.TempDir()
	check.NoError(t, os.Mkdir(filepath.Join(odd, eventsName), 0o700))
	for what, from := range map[string][2]string{"file in no folder": {filepath.Join(name, "x"), dir},
		"log that is a folder": {name, odd}, "state in a file": {name, name}} {
		check.That(t, check.Err(NewBulk(from[0], "docs", from[1], BulkSIDs)) != nil, "a %s is no error", what)
	}
	for _, form := range []BulkForm{BulkQdrant, BulkSQL} {
		err := check.Err(NewBulk(name, "docs", dir, form))
		check.That(t, err != nil && strings.Contains(err.Error(), "its first line"), "lines of another form: %v", err)
	}
	lines("aacbcddebcde")
	other := filepath.Join(odd, "company.yaml")
	for _, form := range BulkForms() {
		check.NoError(t, os.WriteFile(other, []byte("users:\n- {name: alice}"), 0o600))
		err := check.Err(NewBulk(other, "docs", dir, form))
		text := check.Must(os.ReadFile(other))
		check.That(t, err != nil && string(text) == "users:\n- {name: alice}", "N-104: %v, the file has\n%s", err, text)
	}
	for start, form := range map[string]BulkForm{`{"delete":{}}`: BulkSIDs, `{"index":{}}`: BulkClasses,
		`{"operations":[]}`: BulkQdrant, "insert into t ": BulkSQL, "delete from t ": BulkSQL} {
		check.NoError(t, os.WriteFile(other, []byte(start), 0o600))
		check.NoError(t, checkStart(other, form))
	}
	null := &Bulk{form: BulkSIDs, index: "docs"}
	check.NoError(t, null.readCursor(os.DevNull, odd))
	text = check.Must((&bulkCursor{Format: cursorFormat, Target: null.target()}).encode())
	check.NoError(t, errors.Join(os.WriteFile(null.cursor.path, text, 0o600), null.readCursor(os.DevNull, odd)))
	check.That(t, null.shorter, "a file that is not regular has the lines of its cursor")
}

// TestBulkLinesAreWrittenInPieces checks that a sink holds few unwritten lines, however many documents change, and that
// all lines are in the file.
func TestBulkLinesAreWrittenInPieces(t *testing.T) {
	const documents = 24
	name := filepath.Join(t.TempDir(), "bulk")
	writes := 0
	b, err := newBulk(name, "docs", t.TempDir(), BulkQdrant, func(op, _ string) error {
		if op == "write" {
			if writes++; writes == 1 {
				return syscall.EIO
			}
		}
		return nil
	})
	check.NoError(t, err)
	changed := map[string]uint64{}
	for i := range documents {
		changed[fmt.Sprint("/t/", i, strings.Repeat("x", 64<<10))] = 1
	}
	check.ErrorIs(t, b.documents(changed), syscall.EIO, "the first of several writes")
	writes = 1
	check.NoError(t, errors.Join(b.documents(changed), b.file.Close()))
	check.That(t, writes > 2, "%d writes", writes)
	check.Equal(t, bytes.Count(check.Must(os.ReadFile(name)), []byte(`"delete"`)), documents, "lines in the file")
}

// TestLinesAreOnDiskBeforeCursor checks that the lines and the name of a bulk file are durable before the cursor is
// replaced, that an error of each step leaves it, and that the cursor also covers events without lines, which a
// compaction may drop (N-104). The cursor and
// the name are those of the file itself, also behind a link.
func TestLinesAreOnDiskBeforeCursor(t *testing.T) {
	var got []string
	failing := ""
	folder := check.Must(filepath.EvalSymlinks(t.TempDir()))
	state, file := t.TempDir(), filepath.Join(t.TempDir(), "link")
	check.NoError(t, os.Symlink(filepath.Join(folder, "bulk"), file))
	b, err := newBulk(file, "docs", state, BulkClasses, func(op, name string) error {
		if op == "write" || op == "sync" || op == "syncdir" || op == "rename" {
			got = append(got, op+" "+name)
		}
		if op == failing {
			return syscall.EIO
		}
		return nil
	})
	check.NoError(t, err)
	w := firmWorker(t, "")
	report(t, w, watch.Seen{Path: "/t/a", Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)")})
	check.NoError(t, errors.Join(b.Write(w.Take()), b.SetWatermark(nil)))
	check.RequireThat(t, len(got) > 3, "%q", got)
	check.SlicesEqual(t, got[:3], []string{"write " + file, "sync " + file, "syncdir " + folder}, "operations")
	check.That(t, strings.HasPrefix(got[3], "write "+b.cursor.path), "then %q, want a write of the cursor", got[3])
	check.Equal(t, b.numbers(b.state.rows["/t/a"], 99)["seq"], any(uint64(99)), "seq of a line for version 99")
	check.NoError(t, errors.Join(w.Directory(firm(t), "v2", 1), b.Write(w.Take()), b.SetWatermark(nil)))
	check.Equal(t, b.cursor.Seq, w.state.seq, "the cursor after an event without lines")
	for _, failing = range []string{"sync", "syncdir", "create", "rename"} { // the cursor is saved again later
		report(t, w, watch.Seen{Path: "/t/" + failing, Descriptor: sddl.MustParse("O:BAG:SYD:")})
		check.NoError(t, b.Write(w.Take()))
		saved := check.Must(os.ReadFile(b.cursor.path))
		check.ErrorIs(t, b.SetWatermark(nil), syscall.EIO, "%s fails", failing)
		check.That(t, bytes.Equal(check.Must(os.ReadFile(b.cursor.path)), saved), "%s fails: the cursor moved", failing)
	}
	failing = ""
	check.NoError(t, b.Close())
	again := check.Must(NewBulk(filepath.Join(folder, "bulk"), "docs", state, BulkClasses))
	check.Equal(t, again.cursor.path, b.cursor.path, "cursor of the file without the link")
	check.Equal(t, again.cursor.Seq, w.state.seq, "the cursor that was saved after errors")
	check.NoError(t, again.Close())
	t.Chdir(folder)
	again = check.Must(NewBulk("bulk", "docs", state, BulkClasses))
	check.Equal(t, again.cursor.path, b.cursor.path, "cursor of the file's relative name")
	check.NoError(t, again.Close())
	namesake := check.Must(NewBulk(filepath.Join(t.TempDir(), "bulk"), "docs", state, BulkClasses))
	check.Equal(t, namesake.cursor.Seq, 0, "the cursor of a file with this name in another folder")
	check.NoError(t, namesake.Close())
}
