package trail

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/auditlog"
	"github.com/refmon/refmon/internal/test/check"
)

// The text of a verification names each thing that it could not check, and no other (U-72).
func TestVerificationNamesUncheckedParts(t *testing.T) {
	whole := auditlog.Verified{First: 1, Oldest: 1, Last: 9, Bytes: 90, Whole: true,
		Checkpoint: auditlog.Checkpoint{Origin: "dc1", Size: 9}, Anchors: make([]auditlog.Checkpoint, 1)}
	words := []string{"no record was written yet", "the content of records 1 to 3, which were not read",
		"whether records 8 to 9 were changed: no checkpoint covers them yet", "records after 5: they were not read",
		"17 bytes at the end", "--checkpoint FILE", "--key FILE", "the private key lies in the folder",
		"the content of records 1 to 1, which", "whether records 9 to 9 were changed", ": 1 bytes at the end",
		"records 1 to 3, which are missing: no record says that the log removed them",
		"records 1 to 3, which the log removed, as record 5 says", "no record is left",
		"records 1 to 3, which the log removed, as record 8 says",
		"the content of records 4 to 6, which were not read"}
	for name, c := range map[string]struct {
		change  func(v *auditlog.Verified)
		anchors int
		want    string // the first letters of the words that must be said
	}{
		"all is known":       {func(*auditlog.Verified) {}, 1, ""},
		"no anchor":          {func(*auditlog.Verified) {}, 0, "5"},
		"empty":              {func(v *auditlog.Verified) { v.First, v.Last, v.Checkpoint.Size = 1, 0, 0 }, 1, "0"},
		"the first are gone": {func(v *auditlog.Verified) { v.First = 4 }, 1, "1"},
		"removed by the log": {func(v *auditlog.Verified) { v.First, v.Oldest, v.Removal = 4, 4, 5 }, 1, "c"},
		"removed, then a part": {func(v *auditlog.Verified) {
			v.First, v.Oldest, v.Removal, v.Whole = 7, 4, 8, false
		}, 1, "ef"},
		"removed": {func(v *auditlog.Verified) { v.First, v.Oldest = 4, 4 }, 1, "b"},
		"all are removed": {func(v *auditlog.Verified) {
			v.First, v.Oldest, v.Last, v.Checkpoint.Size = 4, 4, 3, 3
		}, 1, "bd"},
		"the first is gone": {func(v *auditlog.Verified) { v.First = 2 }, 1, "8"},
		"one not covered":   {func(v *auditlog.Verified) { v.Checkpoint.Size = 8 }, 1, "9"},
		"one byte":          {func(v *auditlog.Verified) { v.Writing = 1 }, 1, "a"},
		"not yet covered":   {func(v *auditlog.Verified) { v.Checkpoint.Size = 7 }, 1, "2"},
		"a part":            {func(v *auditlog.Verified) { v.Last, v.Whole = 5, false }, 1, "3"},
		"all of a part":     {func(v *auditlog.Verified) { v.Whole = false }, 1, ""},
		"being written":     {func(v *auditlog.Verified) { v.Writing = 17 }, 1, "4"},
		"its own key":       {func(v *auditlog.Verified) { v.OwnKey = true }, 1, "6"},
		"a key inside":      {func(v *auditlog.Verified) { v.KeyInside = true }, 1, "7"},
	} {
		v := whole
		c.change(&v)
		got := Verified(&v, c.anchors)
		for i, word := range words {
			want := strings.Contains(c.want, fmt.Sprintf("%x", i))
			check.That(t, strings.Contains(got, word) == want, "%s: %q is said: %t\n%s", name, word, !want, got)
		}
		if n := strings.Count(got, "not known: "); n != len(strings.Trim(c.want, "0d")) {
			t.Errorf("%s: %d lines \"not known\", want one for each unchecked part\n%s", name, n, got)
		}
	}
	v := whole
	v.Anchors = make([]auditlog.Checkpoint, 2)
	if got := Verified(&v, 5); !strings.Contains(got, "anchor: 1 of 5 checkpoints from elsewhere are in the "+
		"tree\n") ||
		!strings.HasPrefix(got, "intact: records 1 to 9, 90 bytes, of the log ") {
		t.Errorf("text %s, want an intact log with its records and bytes", got)
	}
	if got := Verified(&whole, 5); strings.Contains(got, "checkpoints from elsewhere") {
		t.Errorf("text %s mentions other checkpoints, want no mention", got)
	}
}
