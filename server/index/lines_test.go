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
	"testing"
	"time"

	"github.com/refmon/refmon/internal/verbs/bulk"
	"github.com/refmon/refmon/sddl"
)

// bulkLine is a document as a search engine is told of it.
type bulkLine struct {
	Action struct {
		Index map[string]any `json:"index"`
	}
	Source map[string]any
}

// bulkLines reads what a file has behind a place.
func bulkLines(t *testing.T, name string, from int) (out []bulkLine, end int) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewScanner(bytes.NewReader(b[from:]))
	for in.Scan() {
		var x bulkLine
		if err := json.Unmarshal(in.Bytes(), &x.Action); err != nil || !in.Scan() {
			t.Fatal(err)
		}
		if err := json.Unmarshal(in.Bytes(), &x.Source); err != nil {
			t.Fatal(err)
		}
		out = append(out, x)
	}
	return out, len(b)
}

// TestBulkLines: all that a search engine is told of each document: who has each right by SIDs and, where no list tells
// of them, one by one; no one's term for what no one has, cannot be read or is gone; by what it was decided, and as of
// which event. Where a run begins, all documents that were ever there are told of again, those that are gone as well.
func TestBulkLines(t *testing.T) {
	rights, err := bulk.ParseRights("read+modify")
	if err != nil {
		t.Fatal(err)
	}
	w, err := (Question{Rights: rights}).Worker(nil)
	if err == nil {
		err = w.Directory(firm(t), "v7", 1)
	}
	if err != nil {
		t.Fatal(err)
	}
	at512, at513 := "/t/"+strings.Repeat("x", 509), "/t/"+strings.Repeat("x", 510)
	file := func(path, list string) Seen {
		return Seen{Path: path, Descriptor: sddl.MustParse("O:BAG:SYD:" + list)}
	}
	at := time.Unix(1_700_000_000, 5).UTC()
	err = w.Batch(&Batch{Tree: "/t", Beat: Beat{Time: at}, Seen: []Seen{
		file("/t/a", "(A;;FR;;;WD)(A;;FA;;;"+staff+")"), file("/t/b", "(D;;FR;;;"+night+")(A;;FR;;;"+staff+")"),
		file("/t/c", ""), {Path: "/t/d", Err: errors.New("no")}, file("/t/e", "(A;;FA;;;WD)"),
		file(at512, "(A;;FA;;;WD)"), file(at513, "(A;;FA;;;WD)"), {Path: "/t/e", Gone: true}}})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	log, _, err := OpenLog(dir)
	if err == nil {
		err = errors.Join(log.Write(w.Take()), log.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
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
		x.Action.Index = map[string]any{"_index": "docs", "_id": id, "version": float64(seq), "version_type": "external"}
		evidence := map[string]any{"seq": float64(seq), "directory": s.version}
		x.Source = map[string]any{"path": path, "refmon": evidence, "_allow_access_control": terms(read),
			"_allow_access_control_modify": terms(modify)}
		r := s.rows[path]
		if r == nil {
			x.Source["gone"] = true
			return x
		}
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
	b, err := NewBulk(name, "docs", dir)
	if err != nil {
		t.Fatal(err)
	}
	seq := s.seq
	got, end := bulkLines(t, name, 0)
	same("at the beginning", got, []bulkLine{want("/t/a", seq, []string{all}, []string{staff}),
		want("/t/b", seq, []string{alice}, []string{none}), want("/t/c", seq, []string{none}, []string{none}),
		want("/t/d", seq, []string{none}, []string{none}), want("/t/e", seq, []string{none}, []string{none}),
		want(at512, seq, []string{all}, []string{all}), want(at513, seq, []string{all}, []string{all})})
	sees(t, w, file("/t/c", "(A;;FA;;;"+carol+")"), Seen{Path: "/t/a", Gone: true})
	moved := firm(t, func(who string) string { return map[string]string{"alice": "Night", "bob": "Staff"}[who] })
	events := w.Take()
	if err := w.Directory(moved, "v8", 9); err != nil {
		t.Fatal(err)
	}
	next := w.Take()
	if err := errors.Join(b.Write(events), b.Write(next), b.Fence(&Fence{}), b.Close()); err != nil {
		t.Fatal(err)
	}
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
	gone.Source["refmon"].(map[string]any)["directory"] = "v7" // it was told of before the next one
	mine.Source["refmon"].(map[string]any)["directory"] = "v7"
	hers := want("/t/b", numbers["/t/b"], []string{bob}, []string{none})
	same("afterwards", got, []bulkLine{gone, mine, hers})
}

// TestPutTogetherAtTheirTimes: of what a log amounts to each event has its own time and place: the start, people and
// classes that of the beginning, each row its own; also of a worker that decides nothing (N-22).
func TestPutTogetherAtTheirTimes(t *testing.T) {
	w := working(t, "")
	began := w.state.began
	for i, name := range []string{"/t/b", "/t/a"} {
		err := w.Batch(&Batch{Tree: "/t", Beat: Beat{Time: time.Unix(int64(100+i), 0)}, Seen: []Seen{{Path: name,
			Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)")}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	w.Take()
	last := w.state.seq
	list, err := w.Compact(false)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for i, e := range list {
		want, kind := began, "start"
		switch {
		case e.Person != nil:
			kind = e.Person.Name
		case e.Class != nil:
			kind = "class"
		case e.Row != nil:
			kind, want = e.Row.Path, map[string]int64{"/t/b": 100e9, "/t/a": 101e9}[e.Row.Path]
		case e.Directory != "":
			kind = e.Directory
		}
		said = append(said, kind)
		if e.Time != want || e.Seq != last-uint64(len(list)-1-i) {
			t.Errorf("N-22: %s is event %d of %d, want %d of %d", kind, e.Seq, e.Time, last-uint64(len(list)-1-i), want)
		}
	}
	if got := strings.Join(said, " "); got != "start alice bob carol class /t/a /t/b v1" {
		t.Errorf("N-22: %s", got)
	}
	dir := t.TempDir()
	log, _, err := OpenLog(dir)
	if err == nil {
		err = errors.Join(log.Write(list), log.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	for after, told := range map[uint64]error{0: nil, 1: ErrTooOld, last - 1: ErrTooOld, last: nil, last + 1: nil} {
		n := 0
		err := Changes(dir, after, func(c Change) error {
			if n++; c.Seq != last {
				t.Errorf("N-22: %+v has not the number of what was put together, %d", c, last)
			}
			return nil
		})
		if !errors.Is(err, told) || told == nil && (n == 2) != (after == 0) {
			t.Errorf("N-22: after %d of %d: %d changes, %v", after, last, n, err)
		}
	}
	rows, err := (Question{Rights: w.rights}).Rows(nil)
	if err != nil {
		t.Fatal(err)
	}
	if list, err := rows.Compact(true); err != nil || len(list) != 1 || list[0].Start == nil {
		t.Errorf("N-22: of a worker that decides nothing: %+v, %v", list, err)
	}
	undecided, err := (Question{Rights: w.rights}).Worker(nil)
	if err != nil {
		t.Fatal(err)
	}
	if list, err := undecided.Compact(true); err != nil || list != nil {
		t.Errorf("N-22: of one that has decided nothing yet: %+v, %v", list, err)
	}
}
