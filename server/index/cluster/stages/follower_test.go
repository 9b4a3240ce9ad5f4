package stages

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/site"
	"github.com/refmon/refmon/server/watch"
)

// TestLaterPublisherReplacesEarlier checks that a walk, a watcher and a publisher of the directory give way only
// to one that started later (N-49).
func TestLaterPublisherReplacesEarlier(t *testing.T) {
	s, p := oneSite(t)
	r := &rows{ledger: &ledger{c: &Conn{site: s}, last: record{Started: 5}}, part: p}
	w := &batchPublisher{run: "own", started: 5}
	d := &directoryPublisher{head: head{Started: 5}}
	for started := range int64(10) {
		for _, run := range []string{"own", "other"} {
			m := &message{Signed: site.Signed{Body: fmt.Appendf(nil, `{"run":%q,"started":%d,"begin":true}`, run, started)}}
			check.Equal(t, r.later(m), started > 5, "walk %d replaces 5", started)
			check.Equal(t, w.rival(m), started > 5 && run == "other", "walk %d of the watcher %s is a rival's", started, run)
		}
		m := &message{Signed: site.Signed{Body: fmt.Appendf(nil,
			`{"started":%d,"version":"%064d","name":"%016d","pieces":1,"beat":{"time":1}}`, started, 1, 1)}}
		check.Equal(t, d.rival(m), started > 5, "the directory of %d replaces that of 5", started)
	}
}

// TestOnlyOwningPartAcceptsDocument checks that only the owning part accepts a document, that all parts accept
// deletions and, with traverse rights, folders, and that a follower accepts each row from its own
// part only (N-44, N-51, N-75).
func TestOnlyOwningPartAcceptsDocument(t *testing.T) {
	const parts = 3
	for _, policy := range []index.Traverse{"", index.TraverseNever, index.TraversePrivilege, index.TraverseAlways} {
		s, _, err := site.New(site.Site{Rights: "read", Hosts: map[string][]string{"a": {"/srv", "/var"}, "b": {"/srv"}},
			Parts: parts, Traverse: policy})
		check.NoError(t, err)
		tests := policy == index.TraversePrivilege || policy == index.TraverseAlways
		f := &following{c: &Conn{site: s}}
		owners := map[string]int{}
		for i := range 40 {
			at := fmt.Sprintf("/srv/f%d", i)
			for n := range parts {
				p := site.Part{Host: "a", Tree: "/srv", Number: n}
				for _, d := range []document{{}, {Folder: true}, {Gone: true}, {Folder: true, Gone: true}} {
					d.Path = []byte(at)
					b := check.Must(json.Marshal(&seen{Run: "r", Started: 1, Documents: []document{d}}))
					_, got, err := parseSeen(s, p, b)
					want := n == s.PartOf(at) || d.Gone || d.Folder && tests
					if (err == nil) != want || want && got.Seen[0] != (watch.Seen{Path: "//a" + at, Folder: d.Folder,
						Gone: d.Gone}) {
						t.Errorf("N-75: traverse %q: %+v of part %d in part %d: %v", policy, d, s.PartOf(at), n, err)
					}
				}
			}
			owners[fmt.Sprintf("//a%s", at)] = s.PartOf(at)
		}
		names := map[string]bool{}
		for _, x := range f.all() {
			if names[x.name()] {
				t.Errorf("two shares are %s", x.name())
			}
			names[x.name()] = true
			for at, part := range owners {
				want := x.source == "//a/srv" && strings.HasSuffix(x.name(), fmt.Sprint(".", part))
				check.Equal(t, x.own(at), want, "N-44: %s has %s of part %d: %t", x.name(), at, part, !want)
				if x.own(strings.Replace(at, "//a/srv", "//a/srv2", 1)) || x.own(strings.TrimPrefix(at, "//a")) ||
					x.source == "//a/srv" && x.own(strings.Replace(at, "//a", "//b", 1)) {
					t.Errorf("N-44: %s has another tree's", x.name())
				}
			}
		}
		if want := 3*parts + s.Deciders; len(names) != want {
			t.Errorf("%d shares, want %d", len(names), want)
		}
	}
}
