package index

import (
	"strings"
	"testing"
	"time"
)

// TestMissing: of a document that is not in the index it is said that it is missing while its tree is
// vouched for, and that nothing is known of the tree when it is not (N-78).
func TestMissing(t *testing.T) {
	present := now()
	old := Moment{Time: present.Time.Add(-time.Hour)}
	f := &Fence{Sources: map[string]Moment{"//a/srv": old, "//a/srv2": Moment(present), directorySource: Moment(present)}}
	x := &Index{limit: time.Minute, clock: now}
	for path, want := range map[string]string{"//a/srv/plan": "//a/srv", "//a/srv": "//a/srv", "//a/srv2/plan": "",
		"//a/srv22": "", "/srv/plan": ""} {
		got := x.stale(f, f.over(path))
		if (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want a beat of %q to be missing", path, got, want)
		}
	}
}
