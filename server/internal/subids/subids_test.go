package subids

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
)

// TestSubidFilesAreMerged checks that the ranges of both files count, that a missing file has no ranges, and
// that a file above the size limit makes every id subordinate (L-24).
func TestSubidFilesAreMerged(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	write := func(path, text string, size int64) {
		err := os.WriteFile(path, []byte(text), 0o600)
		if err = errors.Join(err, os.Truncate(path, max(size, int64(len(text))))); err != nil {
			t.Fatal(err)
		}
	}
	read := func(ids ...uint32) (is []bool) {
		s := Files{Names: []string{a, b}}
		for _, id := range ids {
			is = append(is, s.Has(id))
		}
		return is
	}
	check := func(what string, want ...bool) {
		t.Helper()
		check.SlicesEqual(t, read(99, 100, 109, 110, 500, 509, 510, 7), want, "L-24: %s", what)
	}
	check("no file", false, false, false, false, false, false, false, false)
	write(b, "u:500:10\n", 0)
	check("the second alone", false, false, false, false, true, true, false, false)
	write(a, "u:100:10\n", 0)
	check("both", false, true, true, false, true, true, false, false)
	s := Files{Names: []string{a, b}}
	if r, ok := s.owner(505); !ok || r.First != 500 || r.Last != 509 || r.Owner != "u" {
		t.Errorf("L-29: owner of 505 = %+v, %t, want u with 500 to 509, true", r, ok)
	}
	if r, ok := s.owner(110); ok || r != (fileaccess.SubIDs{}) {
		t.Errorf("L-29: owner of 110 = %+v, want none", r)
	}
	write(b, "u:500:10\n", 16<<20)
	check("the longest", false, true, true, false, true, true, false, false)
	write(b, "u:500:10\n", 16<<20+1)
	check("one too long", true, true, true, true, true, true, true, true)
	write(b, "", 0)
	check("an empty one", false, true, true, false, false, false, false, false)
	// A folder is a file that cannot be read. It is read again until it can be.
	if err := errors.Join(os.Remove(b), os.Mkdir(b, 0o700)); err != nil {
		t.Fatal(err)
	}
	check("one that cannot be read", true, true, true, true, true, true, true, true)
	if s.Ranges(); s.read != nil {
		t.Error("L-24: the ranges of a file that cannot be read are cached")
	}
	if err := os.Remove(b); err != nil {
		t.Fatal(err)
	}
	// The ranges are cached until a file's size or time changes.
	first := s.Ranges()
	if second := s.Ranges(); len(first) != 1 || &second[0] != &first[0] {
		t.Errorf("L-24: an unchanged file was read again: %v, want the same ranges", second)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i, text := range []string{"u:1000:5", "u:90000:5", "u:1000:10", "u:2000:10"} {
		write(a, text, 0)
		at = at.Add(time.Duration(i/2) * time.Second) // first another size, then another time
		if err := os.Chtimes(a, at, at); err != nil || s.Has(1002) != (i%2 == 0) {
			t.Errorf("L-24: 1002 is subordinate after the file became %q: %t, %v", text, s.Has(1002), err)
		}
	}
}

// TestSubordinateUIDIsChargedToItsOwner checks owners by name and by number, one that the host does not know, and uids
// that are not subordinate (L-29).
func TestSubordinateUIDIsChargedToItsOwner(t *testing.T) {
	name := filepath.Join(t.TempDir(), "subuid")
	text := "alice:165536:65537\n1001:300000:10\ngone:400000:10\n0:500000:1\n"
	check.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	s := Files{Names: []string{name}}
	for uid, want := range map[uint32]uint32{165536: 1000, 231072: 1000, 300009: 1001, 400003: 400000, 400009: 400000,
		400010: 400010, 500000: 0, 1001: 1001} {
		got := s.Charged(uid, func(name string) (uint32, bool) { return 1000, name == "alice" })
		check.Equal(t, got, want, "L-29: the user whom %d counts against", uid)
	}
	s = Files{Names: []string{t.TempDir()}}
	check.That(t, s.Has(7), "L-24: an unreadable file has no ids")
	check.Equal(t, s.Charged(7, nil), 7, "L-29: the user whom 7 counts against while the file cannot be read")
}

// TestUnknownOwnerIsLookedUpRarely checks that an owner whom the host does not know is looked up again after half a
// minute, and no earlier, and that only one caller waits for a lookup (L-29).
func TestUnknownOwnerIsLookedUpRarely(t *testing.T) {
	file := filepath.Join(t.TempDir(), "subuid")
	check.NoError(t, os.WriteFile(file, []byte("late:100000:65536\n"), 0o600))
	synctest.Test(t, func(t *testing.T) {
		s, calls := &Files{Names: []string{file}}, 0
		charged := func(known bool) uint32 {
			return s.Charged(100001, func(string) (uint32, bool) { calls++; return 1000, known })
		}
		for range 9 {
			check.Equal(t, charged(false), 100000, "L-29: charged for an unknown owner")
		}
		time.Sleep(30*time.Second - time.Nanosecond)
		check.Equal(t, charged(true), 100000, "L-29: charged within half a minute")
		check.Equal(t, calls, 1, "lookups within half a minute")
		time.Sleep(time.Nanosecond)
		for range 2 {
			check.Equal(t, charged(true), 1000, "L-29: charged for an owner whom the host knows now")
			time.Sleep(time.Hour)
		}
		check.Equal(t, calls, 2, "lookups")
		s = &Files{Names: []string{file}}
		asked, found := make(chan bool), make(chan bool)
		first := make(chan uint32)
		go func() {
			first <- s.Charged(100001, func(string) (uint32, bool) { asked <- true; return 1000, <-found })
		}()
		<-asked
		check.Equal(t, charged(true), 100000, "L-29: charged while the owner's lookup runs")
		found <- true
		check.Equal(t, <-first, 1000, "L-29: charged for the owner, after the lookup")
		check.Equal(t, charged(true), 1000, "L-29: charged for the owner afterwards")
		check.Equal(t, calls, 2, "lookups beside the one that runs")
	})
}
