package index

import (
	"fmt"
	"testing"
	"time"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/server/watch"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// SIDs of the directory firm.
const (
	alice = "S-1-5-21-1-2-3-1107"
	bob   = "S-1-5-21-1-2-3-1108"
	carol = "S-1-5-21-1-2-3-1109"
	staff = "S-1-5-21-1-2-3-2001"
	night = "S-1-5-21-1-2-3-2002"
)

// firm returns a directory with alice in Staff, bob in Staff and Night, and carol in Night.
func firm(t *testing.T, change ...func(name string) string) *directory.Directory {
	t.Helper()
	text := "domain: S-1-5-21-1-2-3\nusers:\n"
	for _, u := range [][3]string{{"alice", alice, "Staff"}, {"bob", bob, "Staff, Night"}, {"carol", carol, "Night"}} {
		groups := u[2]
		for _, c := range change {
			groups = c(u[0])
		}
		text += fmt.Sprintf("- {name: %s, sid: %s, memberOf: [%s]}\n", u[0], u[1], groups)
	}
	text += "groups:\n- {name: Staff, sid: " + staff + "}\n- {name: Night, sid: " + night + "}\n"
	return check.Must(dirfile.Read([]byte(text)))
}

// firmWorker returns a worker with the directory firm.
func firmWorker(t *testing.T, traverse Traverse) *Worker {
	t.Helper()
	return deciding(t, "read", traverse, "v1")
}

// deciding returns a worker for the rights, with the firm as directory version.
func deciding(t *testing.T, rights string, traverse Traverse, version string) *Worker {
	t.Helper()
	w := check.Must(Question{Rights: check.Must(words.Parse(rights)), Traverse: traverse}.Worker(nil))
	check.NoError(t, w.Directory(firm(t), version, 1))
	return w
}

// report sends documents of the tree /t to a worker.
func report(t *testing.T, w *Worker, list ...watch.Seen) {
	t.Helper()
	check.NoError(t, w.Batch(&watch.Batch{Tree: "/t", Seen: list}))
}

// answering returns the index of a run with the worker w. It has a heartbeat of the tree /t and of the directory firm.
func answering(t *testing.T, w *Worker) *Index {
	t.Helper()
	x, d, now := newLive(w, t.TempDir()), firm(t), Moment(watch.Now())
	x.limit = time.Hour
	x.setPeople(d, d)
	x.publish(w, &Watermark{Index: w.state.start.Index, Seq: w.state.seq, Boot: watch.BootID(),
		Sources: map[string]Moment{"/t": now, directorySource: now}})
	return x
}

// readers returns the SIDs of a document's readers.
func readers(w *Worker, path string) []string {
	return w.state.sids(w.state.sets(path)[0], nil)
}

// enabledOf returns the SIDs of a person.
func enabledOf(p directory.Principal) map[sid.SID]bool {
	out := map[sid.SID]bool{p.SID(): true, everyone: true}
	for _, g := range p.Token.Groups() {
		out[g.SID] = g.Attributes&winnt.SE_GROUP_ENABLED != 0
	}
	return out
}

// evaluate evaluates an expression as documented: each clause must allow, its terms in order.
func evaluate(x effective.Expression, has map[sid.SID]bool) bool {
	for _, clause := range x {
		allowed := false
		for _, term := range clause {
			if term.SID.IsZero() || has[term.SID] {
				allowed = term.Allow
				break
			}
		}
		if !allowed {
			return false
		}
	}
	return true
}
